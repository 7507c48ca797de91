// Log records as they are filtered, counted over time and put in their context. Pure.

import type { LogRecord } from "./nouns";

export const LEVELS = ["error", "warn", "info", "debug", "none"] as const;
export type Level = (typeof LEVELS)[number];

/** `error | warn | info | debug | none`, whatever the source called it. */
export function level(severity: string): Level {
  const text = severity.toLowerCase();
  if (/^(fatal|crit|emerg|panic|err)/.test(text)) return "error";
  if (text.startsWith("warn")) return "warn";
  if (/^(info|notice)/.test(text)) return "info";
  if (/^(debug|trace)/.test(text)) return "debug";
  return "none";
}

/** The message of a JSON line; any other line as it is. */
export function headline(body: string): string {
  if (body.startsWith("{")) {
    try {
      const parsed: unknown = JSON.parse(body);
      const { msg, message } = parsed as { msg?: unknown; message?: unknown };
      if (typeof msg === "string") return msg;
      if (typeof message === "string") return message;
    } catch {
      return body;
    }
  }
  return body;
}

/** A record with what filters ask of it, worked out once. */
export interface Line {
  record: LogRecord;
  place: number;
  at: number;
  level: Level;
  text: string;
  search: string;
}

export function linesOf(records: readonly LogRecord[]): Line[] {
  return records.map((record, place) => {
    const text = headline(record.body);
    const attributes = Object.entries(record.attributes).map(([name, value]) => `${name}=${value}`);
    return { record, place, at: Date.parse(record.timestamp), level: level(record.severity), text, search: [record.body, record.trace_id, ...attributes].join("\n").toLowerCase() };
  });
}

export interface Filter {
  hidden: ReadonlySet<Level>;
  text: string;
  /** Unix milliseconds, `[from, to)`. */
  range: readonly [number, number] | null;
  pattern: ReadonlySet<number> | null;
}

/** Every word must be there; one that begins with `-` must not. */
export function filtered(lines: readonly Line[], filter: Filter): Line[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter((word) => word && word !== "-");
  const wanted = words.filter((word) => !word.startsWith("-"));
  const unwanted = words.filter((word) => word.startsWith("-")).map((word) => word.slice(1));
  return lines.filter(
    (line) =>
      !filter.hidden.has(line.level) &&
      (!filter.range || (line.at >= filter.range[0] && line.at < filter.range[1])) &&
      (!filter.pattern || filter.pattern.has(line.place)) &&
      wanted.every((word) => line.search.includes(word)) &&
      !unwanted.some((word) => line.search.includes(word)),
  );
}

export interface Bucket {
  from: number;
  to: number;
  counts: { [name in Level]: number };
  total: number;
}

const WIDTHS_MS = [100, 250, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5];

/** Lines counted in buckets of a round width, at most `most` of them. */
export function histogram(lines: readonly Line[], most: number): Bucket[] {
  let [low, high] = [Infinity, -Infinity];
  for (const line of lines) if (!Number.isNaN(line.at)) [low, high] = [Math.min(low, line.at), Math.max(high, line.at)];
  if (high < low) return [];
  const width = WIDTHS_MS.find((one) => (high - low) / one < most - 1) ?? Math.ceil((high - low) / Math.max(1, most - 1));
  const start = Math.floor(low / width) * width;
  const buckets = Array.from({ length: Math.floor((high - start) / width) + 1 }, (_, index): Bucket => {
    return { from: start + index * width, to: start + (index + 1) * width, counts: { error: 0, warn: 0, info: 0, debug: 0, none: 0 }, total: 0 };
  });
  for (const line of lines) {
    const bucket = buckets[Math.floor((line.at - start) / width)];
    if (!bucket) continue;
    bucket.counts[line.level] += 1;
    bucket.total += 1;
  }
  return buckets;
}

const STREAM = ["namespace", "k8s_namespace_name", "pod", "k8s_pod_name", "container", "k8s_container_name", "service_name", "app"];

/** What the same stream wrote around a line, filters aside: up to `count` lines before it and after it, in time order. */
export function around(lines: readonly Line[], line: Line, count: number): { before: Line[]; after: Line[] } {
  const stream = (one: Line): string => STREAM.map((name) => one.record.attributes[name] ?? "").join("\n");
  const same = lines.filter((one) => stream(one) === stream(line));
  const ascending = (same[0]?.at ?? 0) <= (same.at(-1)?.at ?? 0);
  const ordered = (ascending ? [...same] : [...same].reverse()).sort((a, b) => a.at - b.at);
  const index = ordered.indexOf(line);
  return { before: ordered.slice(Math.max(0, index - count), index), after: ordered.slice(index + 1, index + 1 + count) };
}
