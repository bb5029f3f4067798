/** The files of the web page, as the HTTP API gives them. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { PageFile } from "../app/http-api/http-api.ts";
import { pageStyle } from "../app/report/page-style.ts";

const contentTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The files of dashboard/, with the style sheet that the page shares with the report. */
export function dashboardFiles(): Map<string, PageFile> {
  const folder = fileURLToPath(new URL("../../dashboard/", import.meta.url));
  const files = new Map<string, PageFile>();
  for (const name of readdirSync(folder)) {
    const contentType = contentTypes[path.extname(name)];
    if (contentType === undefined) continue;
    const body = readFileSync(path.join(folder, name), "utf8");
    files.set(name === "index.html" ? "/" : `/assets/${name}`, { contentType, body });
  }
  return files.set("/assets/report.css", { contentType: contentTypes[".css"], body: pageStyle });
}
