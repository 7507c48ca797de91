// Axes: round numbers for values, whole minutes and hours for time. Pure.

import { clock, day } from "./format";

const TIME_STEPS_S = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

/** Round values from at most `low` to at least `high`, about `count` of them. */
export function valueTicks(low: number, high: number, count: number, unit = ""): number[] {
  if (!(high > low)) return [low, low + 1];
  const raw = (high - low) / count;
  const base = unit === "By" || unit === "By/s" ? 2 : 10;
  const power = Math.pow(base, Math.floor(Math.log(raw) / Math.log(base)));
  const step = power * ((base === 2 ? [1, 2] : [1, 2, 2.5, 5, 10]).find((factor) => power * factor >= raw * 0.999) ?? base);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** Unix seconds at whole steps within `[from, to]`, at most about `count` of them. */
export function timeTicks(from: number, to: number, count: number): number[] {
  const step = TIME_STEPS_S.find((candidate) => (to - from) / candidate <= count) ?? 604800;
  const ticks: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at);
  return ticks;
}

/** A tick's label: the day where a day begins, seconds only where ticks are closer than a minute. */
export function timeLabel(at: number, step: number): string {
  const ms = at * 1000;
  if (at % 86400 === 0) return day(ms).slice(5);
  return clock(ms, step < 60);
}

/** Index of the sample nearest to `at`, or -1. Samples are in time order. */
export function nearest(samples: readonly (readonly [number, number | null])[], at: number): number {
  let low = 0;
  let high = samples.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((samples[middle]?.[0] ?? 0) <= at) low = middle;
    else high = middle;
  }
  return Math.abs((samples[low]?.[0] ?? 0) - at) <= Math.abs((samples[high]?.[0] ?? 0) - at) ? low : high;
}
