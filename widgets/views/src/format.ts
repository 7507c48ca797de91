// Values for people. Times are in UTC and say so where they stand alone.

import type { Subject, TimeWindow } from "./nouns";

const two = (value: number): string => String(value).padStart(2, "0");

/** `09:26:05`, of Unix milliseconds. */
export function clock(ms: number, seconds = true): string {
  const date = new Date(ms);
  const minutes = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  return seconds ? `${minutes}:${two(date.getUTCSeconds())}` : minutes;
}

/** `2026-11-24`, of Unix milliseconds. */
export function day(ms: number): string {
  const date = new Date(ms);
  return `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

/** `2026-11-24 09:26:05 UTC` */
export function moment(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? iso : `${day(ms)} ${clock(ms)} UTC`;
}

export function span(window: TimeWindow): string {
  const [start, end] = [Date.parse(window.start), Date.parse(window.end)];
  const last = day(start) === day(end) ? clock(end) : `${day(end)} ${clock(end)}`;
  return `${day(start)} ${clock(start)} to ${last} UTC (${duration(end - start)})`;
}

export function duration(ms: number): string {
  if (ms < 1) return `${trimmed(ms, 2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1000, 2)} s`;
  if (ms < 5_400_000) return `${trimmed(ms / 60_000, 1)} min`;
  return `${trimmed(ms / 3_600_000, 1)} h`;
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

function scaled(value: number, base: number, prefixes: string[]): string {
  let index = 0;
  let rest = Math.abs(value);
  while (rest >= base && index < prefixes.length - 1) {
    rest /= base;
    index += 1;
  }
  const digits = rest >= 100 || rest === 0 ? 0 : rest >= 10 ? 1 : rest >= 0.1 ? 2 : 4;
  return `${value < 0 ? "−" : ""}${trimmed(rest, digits)}${prefixes[index] ?? ""}`;
}

/** A value with its UCUM-like unit, as short as a chart's axis wants it. */
export function quantity(value: number, unit: string): string {
  if (value === 0) return "0";
  if (unit === "s") return (value < 0 ? "−" : "") + duration(Math.abs(value) * 1000);
  if (unit === "ms") return duration(value);
  if (unit === "1") return `${scaled(value * 100, Infinity, [""])} %`;
  if (unit === "By") return scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]);
  if (unit === "By/s") return scaled(value, 1024, [" B/s", " KiB/s", " MiB/s", " GiB/s"]);
  return scaled(value, 1000, ["", " k", " M", " G"]);
}

/** The unit for a chart's title; empty where `quantity` writes it at every value. */
export function unitName(unit: string): string {
  if (["1", "s", "ms", "By", "By/s", ""].includes(unit)) return "";
  return unit.replace(/\{(\w+)\}/g, (_, word: string) => (unit.startsWith("{") && unit.includes("/") ? `${word}s` : word));
}

export function subject(value: Subject): string {
  return value.namespace ? `${value.namespace}/${value.name}` : value.name;
}

export function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

/** `BadRollout` as words: `Bad rollout`. */
export function words(camel: string): string {
  const text = camel.replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
