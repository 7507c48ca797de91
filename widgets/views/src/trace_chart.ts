// A trace as a waterfall: who called whom, when, how long, what held it up, and where it failed. A treegrid for the keyboard.

import { copyButton, h, icon } from "./dom";
import { duration } from "./format";
import type { TraceChart } from "./nouns";
import type { Part, ViewScope } from "./scope";
import { matches, type Row, spanTree, startMs, visible } from "./trace_tree";
import { VirtualRows } from "./virtual";

const WHOLE = 80; // rows drawn at once; longer traces scroll in a window of their own
const ROW_PX = 25;
const CLOSED_FROM = 400; // spans; such a trace starts with only what failed or held it up open
const INDENT_PX = 12;
const DEEPEST = 14; // levels that are indented; deeper ones would leave no room for names

/** A bar's label: inside a long bar, else after it, else before it. */
function labelPlace(left: number, width: number): string {
  if (width >= 25) return `left:${left}%`;
  return left + width <= 75 ? `left:${left + width}%` : `right:${100 - left}%`;
}

export function traceChart(chart: TraceChart, scope: ViewScope): Part {
  const spans = chart.trace.spans;
  const roots = spanTree(spans);
  const every = visible(roots, true);
  const critical = new Set(chart.critical_path ?? []);
  let [from, end] = [Infinity, -Infinity];
  for (const span of spans) [from, end] = [Math.min(from, startMs(span)), Math.max(end, startMs(span) + span.duration_ms)];
  const total = end - from || 1;
  const services = new Set(spans.map((span) => span.service));
  const failed = every.filter((row) => row.span.status === "error");
  const element = h("section", { class: "adj-part adj-trace", "aria-label": `Trace: ${chart.title}` });
  element.append(
    h(
      "header",
      {},
      h("h4", {}, chart.title),
      h("span", { class: "adj-muted" }, `${spans.length} spans · ${services.size} services${spans.length ? ` · ${duration(total)}` : ""}`),
      failed.length > 0 && h("span", { class: "adj-bad" }, `${failed.length} failed`),
      h("code", { class: "adj-muted adj-trace-id", title: chart.trace.trace_id }, chart.trace.trace_id.slice(0, 16)),
      h("span", { class: "adj-cites" }, ...chart.evidence.map(scope.cite)),
    ),
  );
  if (spans.length === 0) {
    element.append(h("p", { class: "adj-muted" }, "The trace has no spans."));
    return { element, destroy: () => undefined };
  }
  if (spans.length > CLOSED_FROM) for (const row of every) row.open = row.depth < 1 || row.failures > 0 || row.children.some((child) => critical.has(child.span.span_id));

  let query = "";
  let onlyCritical = false;
  let found: Row[] = [];
  const selected = new Set<string>();
  let current: Row = roots[0] as Row;

  const search = h("input", { class: "adj-filter", type: "search", placeholder: "Find in spans", "aria-label": "Find service, operation or attribute", spellcheck: "false" });
  const hits = h("span", { class: "adj-muted adj-hits", role: "status" });
  const toggle = (label: string, title: string): HTMLButtonElement => h("button", { class: "adj-button adj-chip", type: "button", "aria-pressed": "false", title }, label);
  const path = toggle("Critical path", "Only the spans that the trace's duration depends on");
  const nextError = h("button", { class: "adj-button adj-quiet", type: "button" }, "Next failed span");
  const fold = h("button", { class: "adj-button adj-quiet", type: "button" }, "Collapse all");
  const body = h("div", { role: "rowgroup", class: "adj-rows" });
  const axis = h(
    "div",
    { class: "adj-span adj-span-axis", role: "row", "aria-rowindex": 1 },
    h("div", { role: "columnheader" }, "Service and operation"),
    h("div", { class: "adj-span-times", role: "columnheader", "aria-label": "Time" }, ...[0, 0.25, 0.5, 0.75, 1].map((share) => h("span", { style: `left:${share * 100}%` }, share ? duration(total * share) : "0"))),
  );
  const grid = h("div", { class: "adj-spans", role: "treegrid", "aria-label": `Spans of ${chart.title}` }, h("div", { role: "rowgroup", class: "adj-sticky" }, axis), body);
  element.append(
    h("div", { class: "adj-tools" }, search, hits, critical.size > 0 && path, failed.length > 0 && nextError, every.some((row) => row.children.length > 0) && fold),
    grid,
  );

  const list = (): Row[] => (onlyCritical ? every.filter((row) => critical.has(row.span.span_id)) : visible(roots));
  let rows: Row[] = [];
  const virtual = new VirtualRows<Row>(grid, body, { row: line, key: (row) => row.span.span_id + (selected.has(row.span.span_id) ? "+" : ""), height: ROW_PX, whole: WHOLE });

  const draw = (): void => {
    rows = list();
    if (!rows.includes(current)) current = rows[0] ?? current;
    grid.setAttribute("aria-rowcount", String(rows.length + 1));
    virtual.set(rows);
  };
  const focus = (row: Row | undefined): void => {
    if (!row) return;
    current = row;
    for (const other of body.querySelectorAll('[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    const shown = virtual.reveal(rows.indexOf(row))?.querySelector<HTMLElement>('[role="row"]');
    shown?.setAttribute("tabindex", "0");
    shown?.focus({ preventScroll: false });
  };
  /** Opens what `row` stands under, and goes there. */
  const show = (row: Row): void => {
    for (let above = row.parent; above; above = above.parent) above.open = true;
    draw();
    focus(row);
  };
  const select = (row: Row): void => {
    if (!selected.delete(row.span.span_id)) selected.add(row.span.span_id);
    draw();
    focus(row);
  };

  function line(row: Row): HTMLElement {
    const { span } = row;
    const bad = span.status === "error";
    const left = ((row.start - from) / total) * 100;
    const width = Math.max((span.duration_ms / total) * 100, 0.25);
    const label = duration(span.duration_ms);
    const onPath = critical.has(span.span_id);
    const hidden = !row.open && row.below > 0;
    const expandable = row.children.length > 0 && !onlyCritical;
    const twist = h("span", { class: expandable ? "adj-twist" : "adj-twist adj-twist-none", "aria-hidden": "true" }, expandable && icon("chevron"));
    const states = [label, bad && "failed", onPath && "on the critical path", hidden && `${row.below} spans hidden`].filter(Boolean).join(", ");
    const hit = query !== "" && matches(span, query);
    const classes = ["adj-span", `adj-c${scope.colour(span.service)}`, bad && "adj-span-failed", onPath && "adj-span-critical", hit && "adj-span-hit", query !== "" && !hit && "adj-span-dim"];
    const element = h(
      "div",
      {
        class: classes.filter(Boolean).join(" "),
        role: "row",
        tabindex: row === current ? 0 : -1,
        "aria-level": Math.min(row.depth, 50) + 1,
        "aria-expanded": expandable ? String(row.open) : undefined,
        "aria-selected": String(selected.has(span.span_id)),
        "aria-label": `${span.service} ${span.name}, ${states}`,
      },
      h(
        "div",
        { class: "adj-span-name", role: "gridcell", style: `padding-left:${Math.min(row.depth, DEEPEST) * INDENT_PX}px` },
        twist,
        h("span", { class: "adj-swatch" }),
        h("b", {}, span.service),
        h("span", { class: "adj-span-operation" }, span.name),
        bad && icon("alert"),
        hidden && h("span", { class: row.failures ? "adj-count adj-bad" : "adj-count" }, `+${row.below}`),
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
      draw();
      focus(row);
    });
    element.addEventListener("click", () => select(row));
    element.addEventListener("keydown", (event) => onKey(event, row));
    const wrap = h("div", { class: "adj-span-wrap", role: "presentation" }, element);
    if (selected.has(span.span_id)) wrap.append(h("div", { role: "row" }, h("div", { role: "gridcell" }, detail(row))));
    return wrap;
  }

  function detail(row: Row): HTMLElement {
    const { span } = row;
    const own = row.children.length ? ownTime(row) : span.duration_ms;
    const pairs: [string, string][] = [
      ["status", span.status_message ? `${span.status}: ${span.status_message}` : span.status],
      ["starts at", `+${duration(row.start - from)}`],
      ["took", `${duration(span.duration_ms)}, ${duration(own)} of it outside its children`],
      ["kind", span.kind],
      ["span id", span.span_id],
      ...Object.entries(span.attributes).map(([name, value]): [string, string] => [name, String(value)]),
      ...Object.entries(span.resource).map(([name, value]): [string, string] => [name, String(value)]),
    ];
    return h(
      "div",
      { class: "adj-span-detail" },
      h("dl", { class: "adj-pairs" }, ...pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      h("div", { class: "adj-row" }, copyButton(JSON.stringify(span, null, 1), "Copy span as JSON", "Copy span"), copyButton(chart.trace.trace_id, "Copy trace id", "Copy trace id")),
    );
  }

  const onKey = (event: KeyboardEvent, row: Row): void => {
    const index = rows.indexOf(row);
    const step = Math.max(1, Math.floor(grid.clientHeight / ROW_PX) - 2);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown") focus(rows[index + 1]);
    else if (event.key === "ArrowUp") focus(rows[index - 1]);
    else if (event.key === "PageDown") focus(rows[Math.min(rows.length - 1, index + step)]);
    else if (event.key === "PageUp") focus(rows[Math.max(0, index - step)]);
    else if (event.key === "Home") focus(rows[0]);
    else if (event.key === "End") focus(rows.at(-1));
    else if (event.key === "ArrowRight" && row.children.length && !row.open) {
      row.open = true;
      show(row);
    } else if (event.key === "ArrowRight") focus(onlyCritical ? rows[index + 1] : row.children[0]);
    else if (event.key === "ArrowLeft" && row.children.length && row.open && !onlyCritical) {
      row.open = false;
      draw();
      focus(row);
    } else if (event.key === "ArrowLeft") focus(row.parent ?? undefined);
    else if (event.key === "Enter" || event.key === " ") select(row);
    else if (event.key === "e") nextFailed();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const cycle = (among: readonly Row[]): void => {
    const at = every.indexOf(current);
    const next = among.find((row) => every.indexOf(row) > at) ?? among[0];
    if (next) show(next);
  };
  const nextFailed = (): void => {
    if (onlyCritical) path.click();
    cycle(failed);
  };
  nextError.addEventListener("click", nextFailed);
  path.addEventListener("click", () => {
    onlyCritical = !onlyCritical;
    path.setAttribute("aria-pressed", String(onlyCritical));
    fold.disabled = onlyCritical;
    draw();
  });
  fold.addEventListener("click", () => {
    const close = fold.textContent === "Collapse all";
    for (const row of every) row.open = !close;
    fold.textContent = close ? "Expand all" : "Collapse all";
    draw();
  });
  search.addEventListener("input", () => {
    query = search.value.trim();
    found = query ? every.filter((row) => matches(row.span, query)) : [];
    hits.textContent = query ? (found.length === 1 ? "1 span" : `${found.length} spans`) : "";
    for (const row of found) for (let above = row.parent; above; above = above.parent) above.open = true;
    if (found[0]) current = found[0];
    draw();
    if (found[0]) virtual.reveal(rows.indexOf(found[0]));
  });
  search.addEventListener("keydown", (event) => {
    event.stopPropagation(); // letters are commands to a notebook
    if (event.key === "Enter") {
      event.preventDefault();
      const at = every.indexOf(current);
      const shown = rows.includes(current) && document.activeElement === search && matches(current.span, query) && !event.shiftKey ? current : undefined;
      const next = shown ?? found.find((row) => every.indexOf(row) > at) ?? found[0];
      if (next) show(next);
    } else if (event.key === "Escape" && search.value) {
      event.preventDefault();
      search.value = "";
      search.dispatchEvent(new Event("input"));
    }
  });
  draw();
  return { element, destroy: () => undefined };
}

/** Milliseconds of a span that no child covers. */
export function ownTime(row: Row): number {
  const end = row.start + row.span.duration_ms;
  let [covered, reach] = [0, row.start];
  for (const child of row.children) {
    const [a, b] = [Math.max(child.start, reach), Math.min(child.start + child.span.duration_ms, end)];
    if (b > a) [covered, reach] = [covered + b - a, b];
  }
  return Math.max(0, row.span.duration_ms - covered);
}
