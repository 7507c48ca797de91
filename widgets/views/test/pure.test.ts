import { describe, expect, test } from "vitest";
import { duration, quantity, unitName, words } from "../src/format";
import { headline, level } from "../src/log_lines";
import { seriesName } from "../src/metric_chart";
import { nearest, timeLabel, timeTicks, valueTicks } from "../src/scale";
import { spanTree } from "../src/trace_tree";
import type { Span } from "../src/nouns";

test.each([
  [0.35, "1", "35 %"], [0.0004, "1", "0.04 %"], [0.4691, "s", "469 ms"], [2.5, "s", "2.5 s"], [1536, "By", "1.5 KiB"],
  [12_300, "{request}/s", "12.3 k"], [0, "s", "0"], [-3, "{x}", "−3"], [0.02, "{request}/s", "0.02"],
] as const)("quantity(%s, %s) = %s", (value, unit, text) => expect(quantity(value, unit)).toBe(text));

test.each([[0.44, "0.44 ms"], [41.2, "41 ms"], [1840, "1.84 s"], [3_600_000, "60 min"], [7_200_000, "2 h"]])("duration(%s) = %s", (ms, text) =>
  expect(duration(ms)).toBe(text),
);

test("units are words", () => {
  expect([unitName("{request}/s"), unitName("s"), unitName("{pod}")]).toEqual(["requests/s", "", "pod"]);
});

test("reasons are words", () => expect(words("BadRollout")).toBe("Bad rollout"));

describe("axes", () => {
  test.each([[0, 4.8], [0, 1], [0, 0.00031], [-3, 9], [0, 7e9]])("ticks cover %s to %s in a few round steps", (low, high) => {
    const ticks = valueTicks(low, high, 4);
    expect(ticks[0]).toBeLessThanOrEqual(low);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
    expect(ticks.length).toBeLessThanOrEqual(7);
  });
  test("a flat series still has an axis", () => expect(valueTicks(0, 0, 4)).toEqual([0, 1]));
  test("time ticks stand on whole steps", () => {
    const ticks = timeTicks(1764000007, 1764003607, 5);
    expect(ticks.every((at) => at % 900 === 0)).toBe(true);
    expect(timeLabel(ticks[0] ?? 0, 900)).toMatch(/^\d\d:\d\d$/);
  });
  test("the nearest sample is found", () => {
    const samples: [number, number][] = [[10, 1], [20, 2], [30, 3]];
    expect([nearest(samples, -5), nearest(samples, 14), nearest(samples, 16), nearest(samples, 99), nearest([], 1)]).toEqual([0, 0, 1, 2, -1]);
  });
});

test("a series is named by its legend label, else by what sets it apart", () => {
  const a = { labels: { service: "cart", job: "x" }, samples: [] };
  const b = { labels: { service: "pay", job: "x" }, samples: [] };
  expect([seriesName(a, "service", [a, b]), seriesName(a, "", [a, b]), seriesName(a, "", [a])]).toEqual(["cart", "service=cart", "value"]);
});

function span(id: string, parent: string, start: string): Span {
  return { span_id: id, parent_span_id: parent, service: "s", name: id, kind: "server", start, duration_ms: 1, status: "unset", status_message: "", attributes: {}, resource: {} };
}

test("spans become trees ordered by start, orphans are roots, microseconds count", () => {
  const roots = spanTree([
    span("b", "a", "2026-11-24T09:00:00.000200Z"),
    span("a", "", "2026-11-24T09:00:00.000000Z"),
    span("c", "a", "2026-11-24T09:00:00.000100Z"),
    span("o", "missing", "2026-11-24T09:00:01Z"),
  ]);
  expect(roots.map((row) => row.span.span_id)).toEqual(["a", "o"]);
  expect(roots[0]?.children.map((row) => [row.span.span_id, row.depth])).toEqual([["c", 1], ["b", 1]]);
});

test("levels have one name whatever the source says", () => {
  expect(["FATAL", "Error", "warning", "notice", "trace", ""].map(level)).toEqual(["error", "error", "warn", "info", "debug", "none"]);
});

test("a JSON line shows its message, a broken one itself", () => {
  expect([headline('{"msg":"m"}'), headline('{"message":"n"}'), headline('{"msg":'), headline("plain")]).toEqual(["m", "n", '{"msg":', "plain"]);
});
