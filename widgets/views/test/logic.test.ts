import { describe, expect, test } from "vitest";
import { layout } from "../src/layered";
import { around, filtered, histogram, linesOf } from "../src/log_lines";
import { placeMarks } from "../src/marks";
import type { LogRecord, MapCall, MapService, Mark, Series, Span } from "../src/nouns";
import { runs, thinned } from "../src/samples";
import { matches, spanTree, visible } from "../src/trace_tree";
import { before } from "../src/virtual";

/** Numbers that look random and are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

describe("marks", () => {
  const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const mark = (seconds: number, kind: Mark["kind"], label: string): Mark => ({ at: at(seconds), kind, label });

  test("marks of one moment share a label, the onset has the first row, and what is outside is left out", () => {
    const marks = [mark(500, "alert", "HighLatency"), mark(505, "alert", "HighLatency"), mark(507, "alert", "Burn"), mark(490, "change", "pay 2.4.0"), mark(495, "onset", "errors start"), mark(5000, "onset", "no")];
    const { placed, rows } = placeMarks(marks, (seconds) => seconds * 0.5, 0, 500);
    expect(placed.map((one) => [one.kind, one.row, one.text])).toEqual([["onset", 0, "errors start"], ["change", 1, "pay 2.4.0"], ["alert", 2, "HighLatency +2"]]);
    expect(rows).toBe(3);
  });

  test.each([320, 600, 1400])("no label covers another, however many alerts fire at once (%s px)", (width) => {
    const random = numbers(width);
    const kinds = ["onset", "change", "alert"] as const;
    for (let round = 0; round < 40; round += 1) {
      const marks = Array.from({ length: 25 }, (_, index) => mark(400 + random() * 120 * (round % 4), kinds[index % 3] ?? "alert", "A".repeat(3 + Math.floor(random() * 40))));
      const { placed } = placeMarks(marks, (seconds) => 52 + (seconds / 1000) * (width - 66), 52, width - 14);
      expect(placed.flatMap((one) => one.marks)).toHaveLength(marks.length);
      const spans = placed.filter((one) => one.row >= 0).map((one) => {
        const size = 7 + one.text.length * 6.1;
        return { row: one.row, from: one.anchor === "start" ? one.x : one.x - size, to: one.anchor === "start" ? one.x + size : one.x };
      });
      for (const [index, a] of spans.entries()) {
        expect(a.to).toBeLessThanOrEqual(width);
        for (const b of spans.slice(index + 1)) expect(a.row === b.row && a.from < b.to && b.from < a.to).toBe(false);
      }
    }
  });
});

describe("samples", () => {
  const series = (samples: Series["samples"]): Series => ({ labels: {}, samples });
  test("a value that is none and a missing sample are gaps", () => {
    const one = series([[0, 1], [10, 2], [20, null], [30, 3], [40, 4], [90, 5], [100, 6]]);
    expect(runs(one, 0, 100).map((run) => run.map((point) => point[0]))).toEqual([[0, 10], [30, 40], [90, 100]]);
  });
  test("of a zoomed line the neighbours outside are kept, so that it reaches the edges", () => {
    const one = series(Array.from({ length: 11 }, (_, index): [number, number] => [index * 10, index]));
    expect(runs(one, 35, 52).flat().map((point) => point[0])).toEqual([30, 40, 50, 60]);
  });
  test("thinning keeps the peak", () => {
    const run = Array.from({ length: 5000 }, (_, index): [number, number] => [index, index === 3333 ? 99 : Math.sin(index)]);
    const thin = thinned(run, 100);
    expect(thin.length).toBeLessThanOrEqual(400);
    expect(Math.max(...thin.map((point) => point[1]))).toBe(99);
    expect(thin.every((point, index) => index === 0 || point[0] >= (thin[index - 1]?.[0] ?? 0))).toBe(true);
  });
});

function span(id: string, parent: string, start = 0, status: Span["status"] = "unset"): Span {
  return { span_id: id, parent_span_id: parent, service: `svc-${id}`, name: `GET /${id}`, kind: "server", start: new Date(1e12 + start).toISOString(), duration_ms: 1, status, status_message: "", attributes: { "http.route": `/${id}`, n: 5 }, resource: {} };
}

describe("a trace", () => {
  test("a closed row hides all below it and knows how much failed there", () => {
    const [root] = spanTree([span("a", ""), span("b", "a", 1), span("c", "b", 2, "error"), span("d", "a", 3)]);
    expect([root?.below, root?.failures]).toEqual([3, 1]);
    if (root?.children[0]) root.children[0].open = false;
    expect(visible(root ? [root] : []).map((row) => row.span.span_id)).toEqual(["a", "b", "d"]);
  });
  test("spans that are each other's parents are shown, once", () => {
    const rows = visible(spanTree([span("a", "b"), span("b", "a"), span("c", "c")]), true);
    expect(rows.map((row) => row.span.span_id).sort()).toEqual(["a", "b", "c"]);
  });
  test("ten thousand spans in one chain are no deeper than the stack", () => {
    const chain = Array.from({ length: 10_000 }, (_, index) => span(String(index), index ? String(index - 1) : "", index));
    expect(visible(spanTree(chain)).at(-1)?.depth).toBe(9_999);
  });
  test.each([["svc-a", true], ["get /A", true], ["http.route=/a n=5", true], ["n=6", false], ["error", false]])("search for %s finds it: %s", (query, found) => {
    expect(matches(span("a", ""), query)).toBe(found);
  });
});

function record(second: number, severity: string, body: string, pod = "p"): LogRecord {
  return { timestamp: new Date(1e12 + second * 1000).toISOString(), body, severity, attributes: { pod }, trace_id: "" };
}

describe("logs", () => {
  const lines = linesOf([record(9, "error", "boom at db"), record(8, "info", "fine"), record(5, "warn", "slow db"), record(4, "info", "other pod", "q"), record(1, "", "start")]);
  const all = { hidden: new Set<never>(), text: "", range: null, pattern: null };
  test("filters are met together", () => {
    expect(filtered(lines, { ...all, text: "DB" }).map((line) => line.place)).toEqual([0, 2]);
    expect(filtered(lines, { ...all, text: "db -slow" }).map((line) => line.place)).toEqual([0]);
    expect(filtered(lines, { ...all, hidden: new Set(["info", "none"]) }).map((line) => line.place)).toEqual([0, 2]);
    expect(filtered(lines, { ...all, range: [1e12 + 4000, 1e12 + 9000] }).map((line) => line.place)).toEqual([1, 2, 3]);
    expect(filtered(lines, { ...all, pattern: new Set([4]) }).map((line) => line.place)).toEqual([4]);
    expect(filtered(lines, { ...all, text: "pod=q" }).map((line) => line.place)).toEqual([3]);
  });
  test("every line is counted once, in a bucket that holds its moment", () => {
    const random = numbers(7);
    for (const spread of [0.01, 1, 3600, 1e6]) {
      const some = linesOf(Array.from({ length: 200 }, () => record(random() * spread, random() > 0.5 ? "error" : "info", "x")));
      const buckets = histogram(some, 60);
      expect(buckets.length).toBeLessThanOrEqual(60);
      expect(buckets.reduce((sum, bucket) => sum + bucket.total, 0)).toBe(200);
      for (const bucket of buckets) expect(filtered(some, { ...all, range: [bucket.from, bucket.to] })).toHaveLength(bucket.total);
    }
  });
  test("context is of the same stream, in time order, whatever the filters hide", () => {
    const { before: earlier, after } = around(lines, lines[2]!, 5);
    expect([earlier.map((line) => line.place), after.map((line) => line.place)]).toEqual([[4], [1, 0]]);
  });
});

describe("a service map", () => {
  const service = (id: string): MapService => ({ id, name: id, kind: "", role: "", rate: null, error_ratio: null, latency_s: null });
  const call = (text: string): MapCall => ({ caller: text[0] ?? "", callee: text[1] ?? "", count: 1, failed: 0, rate: null, latency_s: null, on_path: false });
  const box = { width: 10, height: 4, between: 2, layers: 5 };

  test("callers stand before callees, and circles end", () => {
    const { placed } = layout([..."abcd"].map(service), ["ab", "bc", "cd", "da", "ad"].map(call), box, false);
    expect([..."abcd"].map((id) => placed.get(id)?.layer)).toEqual([0, 1, 2, 3]);
  });
  test("boxes never overlap, and the order of what came in decides nothing", () => {
    const random = numbers(11);
    for (let round = 0; round < 25; round += 1) {
      const ids = Array.from({ length: 3 + round }, (_, index) => String.fromCharCode(97 + index));
      const calls = Array.from({ length: round * 2 }, () => call(`${ids[Math.floor(random() * ids.length)]}${ids[Math.floor(random() * ids.length)]}`));
      const one = layout(ids.map(service), calls, box, round % 2 === 0);
      const other = layout([...ids].reverse().map(service), [...calls].reverse(), box, round % 2 === 0);
      expect([...one.placed.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([...other.placed.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
      const all = [...one.placed.values()];
      expect(all).toHaveLength(ids.length);
      for (const [index, a] of all.entries()) {
        expect(a.x + box.width).toBeLessThanOrEqual(one.width + 1e-9);
        expect(a.y + box.height).toBeLessThanOrEqual(one.height + 1e-9);
        for (const b of all.slice(index + 1)) expect(Math.abs(a.x - b.x) < box.width && Math.abs(a.y - b.y) < box.height).toBe(false);
      }
    }
  });
});

test("the first row in sight is found from the heights above it", () => {
  expect([before([0, 20, 45, 60], 0), before([0, 20, 45, 60], 44), before([0, 20, 45, 60], 45), before([0, 20, 45, 60], 99)]).toEqual([0, 1, 2, 3]);
});
