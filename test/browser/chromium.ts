/** Finds a browser that is installed already; tests never download one. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const usualPaths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** Path of a Chromium: `NCF_CHROMIUM`, else one of the usual places, else undefined. */
export function chromiumPath(): string | undefined {
  return process.env.NCF_CHROMIUM || usualPaths.find((path) => existsSync(path));
}

export const noChromium = "no Chromium found: install one or name it in NCF_CHROMIUM";

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
