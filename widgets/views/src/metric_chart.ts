// A line chart in SVG: read-out of all series at a moment, legend that toggles, zoom, marks for onset, changes and alerts.
//
// Our own instead of a canvas library: a few thousand points need none, SVG takes its colours from the theme's
// CSS as it changes, and the shapes can be read by tests and by assistive technology.

import { h, icon, s } from "./dom";
import { clock, day, quantity, unitName } from "./format";
import { markSeconds, placeMarks } from "./marks";
import type { MetricChart, Series } from "./nouns";
import { runs, sampleAt, stepOf, thinned } from "./samples";
import { nearest, timeLabel, timeTicks, valueTicks } from "./scale";
import { COLOURS, type Part, type ViewScope } from "./scope";

const PLOT_HEIGHT = 150;
const MARGIN = { left: 52, right: 14, top: 10, bottom: 22 };
const MARK_ROW = 16;
const DRAG_PX = 6; // a shorter drag is a click
const READ_OUT = 12; // series in the read-out; the rest is counted
const NEAR_MARK_PX = 5;

interface Line {
  name: string;
  series: Series;
  step: number;
  colour: number;
  shown: boolean;
  button: HTMLButtonElement;
}

export function seriesName(series: Series, legend: string, all: readonly Series[]): string {
  if (legend && series.labels[legend]) return series.labels[legend];
  const names = Object.keys(series.labels).filter((name) => all.some((other) => other.labels[name] !== series.labels[name]));
  return names.map((name) => `${name}=${series.labels[name]}`).join(" ") || series.labels["__name__"] || "value";
}

export function metricChart(chart: MetricChart, scope: ViewScope): Part {
  const times = chart.series.flatMap((series) => [series.samples[0]?.[0], series.samples.at(-1)?.[0]]).filter((at) => at !== undefined);
  const element = h("section", { class: "adj-part adj-chart", "aria-label": `Chart: ${chart.title}` });
  const unit = unitName(chart.unit);
  const reset = h("button", { class: "adj-button adj-quiet", type: "button", hidden: true }, icon("cross"), "Reset zoom");
  element.append(
    h("header", {}, h("h4", {}, chart.title), unit && h("span", { class: "adj-muted" }, unit), reset, h("span", { class: "adj-cites" }, ...chart.evidence.map(scope.cite))),
  );
  if (times.length === 0) {
    element.append(h("p", { class: "adj-muted" }, "No samples in this window."));
    return { element, destroy: () => undefined };
  }
  const [whole_from, whole_to] = [Math.min(...times), Math.max(...times)];
  let [from, to] = [whole_from, whole_to];

  const lines = chart.series.map((series, index): Line => {
    const name = seriesName(series, chart.legend, chart.series);
    const shown = index < COLOURS; // the rest starts hidden: more lines than colours cannot be told apart
    const colour = scope.colour(name);
    const button = h(
      "button",
      { class: `adj-legend-item adj-c${colour}`, type: "button", "aria-pressed": String(shown), title: labels(series) },
      h("span", { class: "adj-swatch" }),
      h("span", { class: "adj-legend-name" }, name),
    );
    return { name, series, step: stepOf(series), colour, shown, button };
  });
  const svg = s("svg", { class: "adj-plot", tabindex: 0, role: "img", "aria-label": summary(chart, lines) });
  const tip = h("div", { class: "adj-tip", role: "status", hidden: true });
  const stage = h("div", { class: "adj-stage" }, svg, tip);
  const solo = h("span", { class: "adj-legend-hint adj-muted" }, "double-click: only this one");
  const nameless = lines.length === 1 && lines[0]!.name === "value"; // the title says what it is
  element.append(stage);
  if (!nameless) element.append(h("div", { class: "adj-legend", role: "group", "aria-label": "Series shown" }, ...lines.map((line) => line.button), lines.length > 2 && solo));

  let width = 0;
  let top: number = MARGIN.top;
  let height = 0;
  let cursorAt: number | null = null;
  let dragged: number | null = null; // x where the pointer went down
  let yOf = (_value: number): number => 0;
  const inner = (): number => width - MARGIN.left - MARGIN.right;
  const xOf = (at: number): number => MARGIN.left + ((at - from) / (to - from || 1)) * inner();
  const timeOf = (x: number): number => from + (Math.max(0, Math.min(inner(), x - MARGIN.left)) / (inner() || 1)) * (to - from);
  const overlay = s("g", { class: "adj-cursor" });
  const band = s("rect", { class: "adj-band", y: 0, width: 0 });

  const draw = (): void => {
    const visible = lines.filter((line) => line.shown);
    const pieces = visible.map((line) => ({ line, runs: runs(line.series, from, to).map((run) => thinned(run, Math.max(50, inner()))) }));
    const values = pieces.flatMap((piece) => piece.runs.flat().map((point) => point[1]));
    let [low, high] = [0, -Infinity];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (high === -Infinity) high = 1;
    const { placed, rows } = placeMarks(chart.marks, xOf, MARGIN.left, width - MARGIN.right);
    top = MARGIN.top + rows * MARK_ROW;
    height = top + PLOT_HEIGHT + MARGIN.bottom;
    const ticks = valueTicks(low, high > low ? high : low + 1, 4, chart.unit);
    const [bottom, ceiling] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
    yOf = (value) => top + (1 - (value - bottom) / (ceiling - bottom)) * PLOT_HEIGHT;
    svg.replaceChildren();
    svg.setAttribute("width", String(width));
    svg.setAttribute("height", String(height));
    for (const tick of ticks) {
      const y = yOf(tick);
      svg.append(
        s("line", { class: "adj-grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }),
        s("text", { class: "adj-tick", x: MARGIN.left - 8, y: y + 3.5, "text-anchor": "end" }, quantity(tick, chart.unit)),
      );
    }
    const stamps = timeTicks(from, to, Math.max(2, Math.floor((width - MARGIN.left) / 84)));
    const step = (stamps[1] ?? to) - (stamps[0] ?? from);
    for (const at of stamps) {
      const x = xOf(at);
      if (x > width - MARGIN.right - 6) continue;
      svg.append(s("text", { class: "adj-tick", x, y: height - 6, "text-anchor": "middle" }, timeLabel(at, step)));
    }
    const clip = `adj-clip-${(clips += 1)}`;
    svg.append(s("clipPath", { id: clip }, s("rect", { x: MARGIN.left - 2, y: top - 4, width: inner() + 4, height: PLOT_HEIGHT + 8 })));
    for (const { line, runs: parts } of pieces.reverse()) {
      const drawn = s("g", { "clip-path": `url(#${clip})` }, s("path", { class: `adj-line adj-c${line.colour}`, d: parts.map((run) => path(run, xOf, yOf)).join("") }));
      for (const run of parts) {
        const [only] = run;
        if (run.length === 1 && only) drawn.append(s("circle", { class: `adj-point adj-c${line.colour}`, cx: xOf(only[0]), cy: yOf(only[1]), r: 1.6 }));
      }
      svg.append(drawn);
    }
    for (const mark of placed) {
      const y = mark.row >= 0 ? MARGIN.top + mark.row * MARK_ROW : top;
      const end = mark.anchor === "end";
      svg.append(
        s(
          "g",
          { class: `adj-mark adj-mark-${mark.kind}` },
          s("title", {}, mark.marks.map(markText).join("\n")),
          s("line", { x1: mark.x, x2: mark.x, y1: y, y2: height - MARGIN.bottom }),
          s("path", { d: `M${mark.x - 3.5} ${y}h7l-3.5 5z` }),
          mark.text && s("text", { x: end ? mark.x - 7 : mark.x + 7, y: y + 5, "text-anchor": mark.anchor }, mark.text),
        ),
      );
    }
    band.setAttribute("y", String(top));
    band.setAttribute("height", String(PLOT_HEIGHT));
    svg.append(band, overlay);
    point(cursorAt);
  };

  const point = (at: number | null): void => {
    cursorAt = at;
    overlay.replaceChildren();
    tip.hidden = true;
    if (at === null || at < from || at > to || dragged !== null) return;
    const guide = lines.find((line) => line.shown) ?? lines[0];
    const snapped = guide?.series.samples[nearest(guide.series.samples, at)]?.[0] ?? at;
    if (snapped < from || snapped > to) return;
    const x = xOf(snapped);
    overlay.append(s("line", { x1: x, x2: x, y1: top, y2: height - MARGIN.bottom }));
    const rows: { line: Line; value: number }[] = [];
    const gaps: Line[] = [];
    for (const line of lines.filter((candidate) => candidate.shown)) {
      const sample = sampleAt(line.series, nearest(line.series.samples, snapped), snapped, line.step);
      if (!sample || sample[1] === null) {
        gaps.push(line);
        continue;
      }
      rows.push({ line, value: sample[1] });
      overlay.append(s("circle", { class: `adj-dot adj-c${line.colour}`, cx: xOf(sample[0]), cy: yOf(sample[1]), r: 3 }));
    }
    rows.sort((a, b) => b.value - a.value);
    const near = chart.marks.filter((mark) => Math.abs(xOf(markSeconds(mark)) - x) <= NEAR_MARK_PX);
    tip.replaceChildren(
      h("div", { class: "adj-tip-time" }, `${day(snapped * 1000)} ${clock(snapped * 1000)} UTC`),
      ...rows.slice(0, READ_OUT).map(({ line, value }) => readOut(line, withUnit(value, chart.unit))),
      ...gaps.slice(0, Math.max(0, READ_OUT - rows.length)).map((line) => readOut(line, "no sample")),
      rows.length + gaps.length > READ_OUT ? h("div", { class: "adj-muted" }, `and ${rows.length + gaps.length - READ_OUT} more`) : "",
      ...near.map((mark) => h("div", { class: `adj-tip-mark adj-mark-${mark.kind}` }, markText(mark))),
    );
    tip.hidden = false;
    tip.style.top = `${top}px`;
    const right = x > width / 2;
    tip.style.left = right ? "auto" : `${x + 12}px`;
    tip.style.right = right ? `${width - x + 12}px` : "auto";
  };

  const zoom = (start: number, end: number): void => {
    const least = Math.max(...lines.map((line) => line.step), 1) * 2;
    if (end - start < least) {
      const middle = (start + end) / 2;
      [start, end] = [middle - least / 2, middle + least / 2];
    }
    [from, to] = [Math.max(whole_from, start), Math.min(whole_to, end)];
    reset.hidden = from === whole_from && to === whole_to;
    draw();
  };
  const zoomBy = (factor: number): void => {
    const about = cursorAt ?? (from + to) / 2;
    zoom(about - (about - from) * factor, about + (to - about) * factor);
  };
  reset.addEventListener("click", () => {
    zoom(whole_from, whole_to);
    svg.focus();
  });

  const inside = (event: PointerEvent): number => event.clientX - svg.getBoundingClientRect().left;
  const release = (): void => {
    dragged = null;
    band.setAttribute("width", "0");
  };
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    dragged = inside(event);
    svg.setPointerCapture?.(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    const x = inside(event);
    if (dragged !== null && Math.abs(x - dragged) > DRAG_PX) {
      const [a, b] = [xOf(timeOf(Math.min(x, dragged))), xOf(timeOf(Math.max(x, dragged)))];
      band.setAttribute("x", String(a));
      band.setAttribute("width", String(b - a));
      return;
    }
    scope.cursor.set(timeOf(x));
  });
  svg.addEventListener("pointerup", (event) => {
    const [start, x] = [dragged, inside(event)];
    release();
    if (start !== null && Math.abs(x - start) > DRAG_PX) zoom(timeOf(Math.min(x, start)), timeOf(Math.max(x, start)));
  });
  svg.addEventListener("pointercancel", release);
  svg.addEventListener("dblclick", () => zoom(whole_from, whole_to));
  svg.addEventListener("pointerleave", () => scope.cursor.set(null));
  svg.addEventListener("blur", () => scope.cursor.set(null));
  svg.addEventListener("keydown", (event) => {
    const samples = (lines.find((line) => line.shown) ?? lines[0])?.series.samples.filter((sample) => sample[0] >= from && sample[0] <= to);
    if (!samples?.length) return;
    const now = cursorAt === null ? samples.length : nearest(samples, cursorAt);
    const go = (index: number): void => scope.cursor.set(samples[Math.max(0, Math.min(samples.length - 1, index))]?.[0] ?? null);
    if (event.key === "ArrowLeft") go(now - (event.shiftKey ? 10 : 1));
    else if (event.key === "ArrowRight") go(now + (event.shiftKey ? 10 : 1));
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(samples.length - 1);
    else if (event.key === "+" || event.key === "=") zoomBy(0.5);
    else if (event.key === "-") zoomBy(2);
    else if (event.key === "0" || (event.key === "Escape" && !reset.hidden)) zoom(whole_from, whole_to);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const deaf = scope.cursor.listen((at) => width > 0 && point(at));

  const press = (line: Line, alone: boolean): void => {
    const only = alone && !(line.shown && lines.filter((other) => other.shown).length === 1);
    for (const other of lines) {
      if (alone) other.shown = only ? other === line : true;
      else if (other === line) other.shown = !other.shown;
      other.button.setAttribute("aria-pressed", String(other.shown));
    }
    draw();
  };
  for (const line of lines) {
    line.button.addEventListener("click", (event) => press(line, event.ctrlKey || event.metaKey || event.altKey));
    line.button.addEventListener("dblclick", () => press(line, true));
  }

  const resize = (): void => {
    const next = Math.floor(stage.clientWidth) || 560;
    if (next === width) return;
    width = next;
    draw();
  };
  const observer = typeof ResizeObserver === "undefined" ? undefined : new ResizeObserver(resize);
  observer?.observe(stage);
  if (!observer) resize();
  return {
    element,
    destroy: () => {
      observer?.disconnect();
      deaf();
    },
  };
}

let clips = 0; // ids are of the document, charts are many

function readOut(line: Line, value: string): HTMLElement {
  return h("div", { class: `adj-tip-row adj-c${line.colour}` }, h("span", { class: "adj-swatch" }), h("span", { class: "adj-tip-name" }, line.name), h("b", {}, value));
}

function markText(mark: MetricChart["marks"][number]): string {
  return `${mark.kind}: ${mark.label}, ${clock(markSeconds(mark) * 1000)} UTC`;
}

function path(run: [number, number][], xOf: (at: number) => number, yOf: (value: number) => number): string {
  return run.map(([at, value], index) => `${index ? "L" : "M"}${xOf(at).toFixed(1)} ${yOf(value).toFixed(1)}`).join("");
}

function withUnit(value: number, unit: string): string {
  const name = unitName(unit).replace(/^\w+(?=\/)/, "");
  return quantity(value, unit) + (name && value !== 0 ? (name.startsWith("/") ? name : ` ${name}`) : "");
}

function labels(series: Series): string {
  return Object.entries(series.labels).map(([name, value]) => `${name}=${value}`).join("\n");
}

function summary(chart: MetricChart, lines: Line[]): string {
  const last = lines.slice(0, 5).map((line) => {
    const value = line.series.samples.findLast((sample) => sample[1] !== null)?.[1];
    return `${line.name} ${value === undefined || value === null ? "no value" : withUnit(value, chart.unit)}`;
  });
  return `${chart.title}. Last values: ${last.join(", ")}. Arrow keys move along time, plus and minus zoom, 0 resets.`;
}
