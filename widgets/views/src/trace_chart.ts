// A trace as a waterfall: who called whom, when, how long, and where it failed. A treegrid for the keyboard.

import { h, icon } from "./dom";
import { duration } from "./format";
import type { Part, TurnScope } from "./scope";
import type { Span, TraceChart } from "./nouns";

interface Row {
  span: Span;
  depth: number;
  start: number;
  children: Row[];
  open: boolean;
}

/** Spans as trees, in order of start; a span whose parent is not here is a root. */
export function spanTree(spans: readonly Span[]): Row[] {
  const rows = new Map(spans.map((span): [string, Row] => [span.span_id, { span, depth: 0, start: startMs(span), children: [], open: true }]));
  const roots: Row[] = [];
  for (const row of rows.values()) {
    const parent = rows.get(row.span.parent_span_id);
    if (parent && parent !== row) parent.children.push(row);
    else roots.push(row);
  }
  const settle = (row: Row, depth: number): void => {
    row.depth = depth;
    row.children.sort((a, b) => a.start - b.start);
    for (const child of row.children) settle(child, depth + 1);
  };
  roots.sort((a, b) => a.start - b.start);
  for (const root of roots) settle(root, 0);
  return roots;
}

/** Milliseconds with their microseconds, which Date.parse drops. */
function startMs(span: Span): number {
  const micros = /\.\d{3}(\d{1,6})/.exec(span.start)?.[1];
  return Date.parse(span.start) + (micros ? Number(`0.${micros}`) : 0);
}

/** A bar's label: inside a long bar, else after it, else before it. */
function labelPlace(left: number, width: number): string {
  if (width >= 25) return `left:${left}%`;
  return left + width <= 75 ? `left:${left + width}%` : `right:${100 - left}%`;
}

export function traceChart(chart: TraceChart, scope: TurnScope): Part {
  const roots = spanTree(chart.trace.spans);
  const spans = chart.trace.spans;
  const from = Math.min(...spans.map(startMs));
  const total = Math.max(...spans.map((span) => startMs(span) + span.duration_ms)) - from || 1;
  const services = [...new Set(spans.map((span) => span.service))];
  const errors = spans.filter((span) => span.status === "error").length;
  const element = h("section", { class: "adj-part adj-trace", "aria-label": `Trace: ${chart.title}` });
  element.append(
    h(
      "header",
      {},
      h("h4", {}, chart.title),
      h("span", { class: "adj-muted" }, `${spans.length} spans · ${services.length} services · ${duration(total)}`),
      errors > 0 && h("span", { class: "adj-bad" }, `${errors} failed`),
      h("code", { class: "adj-muted adj-trace-id", title: chart.trace.trace_id }, chart.trace.trace_id.slice(0, 16)),
      h("span", { class: "adj-cites" }, ...chart.evidence.map(scope.cite)),
    ),
  );
  if (spans.length === 0) {
    element.append(h("p", { class: "adj-muted" }, "The trace has no spans."));
    return { element, destroy: () => undefined };
  }
  const grid = h("div", { class: "adj-spans", role: "treegrid", "aria-label": `Spans of ${chart.title}` });
  const axis = h(
    "div",
    { class: "adj-span adj-span-axis", role: "row" },
    h("div", { role: "columnheader" }, "Service and operation"),
    h("div", { class: "adj-span-times", role: "columnheader", "aria-label": "Time" }, ...[0, 0.25, 0.5, 0.75, 1].map((share) => h("span", { style: `left:${share * 100}%` }, share ? duration(total * share) : "0"))),
  );
  element.append(grid);

  const detail = (row: Row): HTMLElement => {
    const { span } = row;
    const pairs: [string, string][] = [
      ["status", span.status_message ? `${span.status}: ${span.status_message}` : span.status],
      ["starts at", `+${duration(row.start - from)}`],
      ["kind", span.kind],
      ...Object.entries(span.attributes).map(([name, value]): [string, string] => [name, String(value)]),
      ...Object.entries(span.resource).map(([name, value]): [string, string] => [name, String(value)]),
    ];
    return h("dl", { class: "adj-pairs adj-span-detail" }, ...pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  };

  let selected: string | null = null;
  const flat = (rows: Row[]): Row[] => rows.flatMap((row) => [row, ...(row.open ? flat(row.children) : [])]);
  const draw = (focus?: Row): void => {
    grid.replaceChildren(axis);
    for (const row of flat(roots)) {
      const { span } = row;
      const failed = span.status === "error";
      const left = ((row.start - from) / total) * 100;
      const width = Math.max((span.duration_ms / total) * 100, 0.25);
      const label = duration(span.duration_ms);
      const twist = h("span", { class: row.children.length ? "adj-twist" : "adj-twist adj-twist-none", "aria-hidden": "true" }, row.children.length > 0 && icon("chevron"));
      const line = h(
        "div",
        {
          class: `adj-span adj-c${scope.colour(span.service)}${failed ? " adj-span-failed" : ""}`,
          role: "row",
          tabindex: row === (focus ?? roots[0]) ? 0 : -1,
          "aria-level": row.depth + 1,
          "aria-expanded": row.children.length ? String(row.open) : undefined,
          "aria-selected": String(selected === span.span_id),
          "aria-label": `${span.service} ${span.name}, ${label}${failed ? ", failed" : ""}`,
        },
        h(
          "div",
          { class: "adj-span-name", role: "gridcell", style: `padding-left:${row.depth * 12}px` },
          twist,
          h("span", { class: "adj-swatch" }),
          h("b", {}, span.service),
          h("span", { class: "adj-span-operation" }, span.name),
          failed && icon("alert"),
        ),
        h(
          "div",
          { class: "adj-span-times", role: "gridcell" },
          h("span", { class: "adj-bar", style: `left:${left}%;width:${width}%` }),
          h("span", { class: "adj-bar-label", style: labelPlace(left, width) }, label),
        ),
      );
      twist.addEventListener("click", (event) => {
        event.stopPropagation();
        row.open = !row.open;
        draw(row);
      });
      line.addEventListener("click", () => {
        selected = selected === span.span_id ? null : span.span_id;
        draw(row);
      });
      line.addEventListener("keydown", (event) => onKey(event, row));
      grid.append(line);
      if (selected === span.span_id) grid.append(h("div", { role: "row" }, h("div", { role: "gridcell" }, detail(row))));
      if (row === focus) line.focus();
    }
  };
  const onKey = (event: KeyboardEvent, row: Row): void => {
    const rows = flat(roots);
    const index = rows.indexOf(row);
    let next: Row | undefined = row;
    if (event.key === "ArrowDown") next = rows[index + 1];
    else if (event.key === "ArrowUp") next = rows[index - 1];
    else if (event.key === "ArrowRight" && !row.open) row.open = true;
    else if (event.key === "ArrowRight") next = row.children[0];
    else if (event.key === "ArrowLeft" && row.open && row.children.length) row.open = false;
    else if (event.key === "ArrowLeft") next = rows.findLast((other, at) => at < index && other.depth < row.depth);
    else if (event.key === "Enter" || event.key === " ") selected = selected === row.span.span_id ? null : row.span.span_id;
    else return;
    event.preventDefault();
    if (next) draw(next);
  };
  draw();
  return { element, destroy: () => undefined };
}
