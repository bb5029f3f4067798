/** Numbers as readers meet them, in English and independent of the machine's locale. */

/** A share as a percentage: 0.7123 → "71.2 %". */
export function percent(value: number, digits = 1): string {
  return `${(100 * value).toFixed(digits)} %`;
}

/** A share on an axis, with a decimal only where it has one: 0.05 → "5 %", 0.025 → "2.5 %". */
export function axisPercent(value: number): string {
  return percent(value, Number.isInteger(Number((100 * value).toFixed(6))) ? 0 : 1);
}

/** A difference of shares in percentage points, without its sign: −0.0312 → "3.1 points". */
export function points(difference: number): string {
  const text = Math.abs(100 * difference).toFixed(1);
  return `${text} ${text === "1.0" ? "point" : "points"}`;
}

/** A difference of shares in points with its sign: −0.0312 → "−3.1", with a true minus. */
export function signedPoints(difference: number): string {
  const text = Math.abs(100 * difference).toFixed(1);
  if (text === "0.0") return text;
  return `${difference < 0 ? "−" : "+"}${text}`;
}

/** A p-value: "p < 0.001" or "p = 0.034". */
export function pValueText(pValue: number): string {
  return pValue < 0.001 ? "p < 0.001" : `p = ${pValue.toFixed(3)}`;
}

/**
 * Decimals that tell values of a model's own scale apart: two, and as many more as give the greatest two digits.
 *
 * @param values scores of one model, or differences between them
 */
export function decimalsOf(values: readonly number[]): number {
  const greatest = Math.max(...values.map(Math.abs));
  if (!(greatest > 0)) return 2;
  // From the digits as written, as logarithms differ between engines.
  const exponent = Number(greatest.toExponential(1).split("e")[1]);
  return Math.min(12, Math.max(2, 1 - exponent));
}

/** An integer with grouped thousands: 100836 → "100,836". */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** A rough size in at most three digits: 412300 → "412 k", 1234567 → "1.2 M". */
export function compact(value: number): string {
  if (Math.abs(value) < 999.5) return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
  const [scaled, unit] =
    Math.abs(value) < 999_500
      ? [value / 1e3, "k"]
      : Math.abs(value) < 999_500_000
        ? [value / 1e6, "M"]
        : [value / 1e9, "G"];
  return `${Math.abs(scaled) < 9.95 ? scaled.toFixed(1) : scaled.toFixed(0)} ${unit}`;
}

/** A length of time: 0.34 → "0.34 s", 12.3 → "12.3 s", 75 → "1 min 15 s", 3700 → "1 h 2 min". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(seconds < 0.995 ? 2 : 1)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A size in memory: 536870912 → "512 MB", with 1 MB = 2^20 bytes. */
export function megabytes(bytes: number): string {
  return `${grouped(bytes / 2 ** 20)} MB`;
}

/** Milliseconds without the unit: 4.87 → "4.9", 12.3 → "12"; "<0.1" below, "-" where they are not known. */
export function millisecondsText(milliseconds: number | null): string {
  if (milliseconds === null) return "-";
  if (milliseconds < 0.05) return "<0.1";
  return milliseconds < 9.95 ? milliseconds.toFixed(1) : grouped(milliseconds);
}
