import { describe, expect, it } from "vitest";
import { pageStyle } from "../../../src/app/report/page-style.ts";

/** Linear light to what readers with these kinds of colour blindness see of it (Machado, Oliveira and Fernandes 2009). */
const visions = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
} as const;

type Triple = readonly number[];

function linear(hex: string): Triple {
  return [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
}

const times = (matrix: readonly Triple[], v: Triple) =>
  matrix.map((row) => row.reduce((sum, x, i) => sum + x * v[i], 0));

/** Oklab (Ottosson 2020): equal distances look about equally large. */
function oklab(light: Triple): Triple {
  const cones = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    light.map((x) => Math.min(1, Math.max(0, x))),
  );
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones.map(Math.cbrt),
  );
}

/** The models' colours of the light or the dark page, popularity's grey last. */
function tones(scheme: "light" | "dark"): string[] {
  const part = pageStyle.split("prefers-color-scheme: dark")[scheme === "light" ? 0 : 1];
  const found = (name: string) => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(part)?.[1] ?? "none";
  return [...Array.from({ length: 9 }, (_, i) => found(`c${i}`)), found("pop")];
}

describe("the models' colours", () => {
  it.each(["light", "dark"] as const)("can be told apart by every reader of the %s page", (scheme) => {
    const colours = tones(scheme);
    expect(colours).toHaveLength(10);
    for (const matrix of Object.values(visions)) {
      const seen = colours.map((hex) => oklab(times(matrix, linear(hex))));
      for (const [i, a] of seen.entries()) {
        for (const [j, b] of seen.entries()) {
          if (j <= i) continue;
          const distance = Math.hypot(...a.map((x, k) => x - b[k]));
          expect(distance, `${colours[i]} and ${colours[j]}`).toBeGreaterThan(0.065);
        }
      }
    }
  });
});
