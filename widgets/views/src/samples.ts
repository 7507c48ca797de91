// What of a series is drawn: gaps stay gaps, and no more points than the eye can tell apart. Pure.

import type { Series } from "./nouns";

type Sample = readonly [number, number | null];

const GAP_STEPS = 2.5; // samples further apart than this many steps have a gap between them

/** The usual time between samples, 0 for less than two. */
export function stepOf(series: Series): number {
  const steps = series.samples.slice(1).map((sample, index) => sample[0] - (series.samples[index]?.[0] ?? 0));
  return steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0;
}

/** Runs of samples without a gap, from the one before `from` to the one after `to`. */
export function runs(series: Series, from: number, to: number): [number, number][][] {
  const limit = stepOf(series) * GAP_STEPS;
  const found: [number, number][][] = [];
  let run: [number, number][] = [];
  let last = -Infinity;
  for (const [index, [at, value]] of series.samples.entries()) {
    const outside = (series.samples[index + 1]?.[0] ?? Infinity) < from || (series.samples[index - 1]?.[0] ?? -Infinity) > to;
    if (value === null || outside || at - last > limit) {
      if (run.length) found.push(run);
      run = [];
    }
    if (value !== null && !outside) {
      run.push([at, value]);
      last = at;
    }
  }
  if (run.length) found.push(run);
  return found;
}

/** At most about four points a bucket of time: first, lowest, highest, last, so that no peak is lost. */
export function thinned(run: [number, number][], buckets: number): [number, number][] {
  if (run.length <= buckets * 4) return run;
  const size = Math.ceil(run.length / buckets);
  const kept: [number, number][] = [];
  for (let start = 0; start < run.length; start += size) {
    const part = run.slice(start, start + size);
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...new Set([part[0], ...[low, high].sort((a, b) => a[0] - b[0]), part.at(-1)].filter((point) => point !== undefined)));
  }
  return kept;
}

/** The sample at `at`, or nothing where the series has a gap there. */
export function sampleAt(series: Series, index: number, at: number, step: number): Sample | null {
  const sample = series.samples[index];
  return sample && sample[1] !== null && Math.abs(sample[0] - at) <= Math.max(step, 1) ? sample : null;
}
