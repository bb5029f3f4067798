/** Axes: round tick values and positions in percent of the plot, so that charts stretch with the page. */

export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

export interface AxisOptions {
  /** The axis is at least this long. */
  readonly minSpan?: number;
  /** The axis does not leave these bounds. */
  readonly bounds?: readonly [number, number];
  /** Roughly how many intervals between ticks; 5 by default. */
  readonly steps?: number;
}

/** The shortest axis with round ends (1, 2 or 5 times a power of ten) that holds all of `values`. */
export function axisFor(values: readonly number[], options: AxisOptions = {}): Axis {
  const [least, greatest] = options.bounds ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  let low = Math.min(...values);
  let high = Math.max(...values);
  const missing = Math.max(options.minSpan ?? 1e-9, 1e-9) - (high - low);
  if (missing > 0) {
    low -= missing / 2;
    high += missing / 2;
  }
  const step = roundStep((high - low) / (options.steps ?? 5));
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks: number[] = [];
  for (let i = first; i <= last; i++) {
    const tick = Number((i * step).toPrecision(12));
    if (tick >= least && tick <= greatest) ticks.push(tick);
  }
  return { low: Math.max(least, ticks[0]), high: Math.min(greatest, ticks[ticks.length - 1]), ticks };
}

/** Where `value` lies on the axis, in percent from its low end, kept within 0 … 100. */
export function position(axis: Axis, value: number): number {
  return Math.max(0, Math.min(100, (100 * (value - axis.low)) / (axis.high - axis.low)));
}

/** A coordinate in percent as SVG has it: "43.21%". */
export function across(percent: number): string {
  return `${Number(percent.toFixed(2))}%`;
}

/** Moves label positions apart to at least `gap`, keeping their order; for labels beside line ends. */
export function spread(positions: readonly number[], gap: number): number[] {
  const order = positions.map((_, i) => i).sort((a, b) => positions[a] - positions[b]);
  const moved = [...positions];
  // Each pass moves close neighbours apart evenly; a handful of labels settles within a few passes.
  for (let pass = 0; pass < 50; pass++) {
    for (let i = 1; i < order.length; i++) {
      const missing = gap - (moved[order[i]] - moved[order[i - 1]]);
      if (missing <= 1e-6) continue;
      moved[order[i - 1]] -= missing / 2;
      moved[order[i]] += missing / 2;
    }
  }
  return moved;
}

/** At most `length` characters, for labels that cannot wrap. */
export function shortLabel(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}

function roundStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw) + 1e-9);
  const factor = [1, 2, 5, 10].find((f) => f * power >= raw * (1 - 1e-9)) ?? 10;
  return factor * power;
}
