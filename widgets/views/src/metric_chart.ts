// A line chart in SVG: crosshair with values and UTC time, legend that toggles, marks for onset, changes and alerts.
//
// Our own instead of a canvas library: a few thousand points need none, SVG takes its colours from the theme's
// CSS as it changes, and the shapes can be read by tests and by assistive technology.

import { h, s } from "./dom";
import { clock, day, quantity, unitName } from "./format";
import { nearest, timeLabel, timeTicks, valueTicks } from "./scale";
import { COLOURS, type Part, type TurnScope } from "./scope";
import type { Mark, MetricChart, Series } from "./nouns";

const PLOT_HEIGHT = 150;
const MARGIN = { left: 52, right: 14, top: 10, bottom: 22 };
const MARK_ROW = 16;
const FLIP = 0.7; // right of this share of the width a label is written to the left of its mark

interface Line {
  name: string;
  series: Series;
  colour: number;
  shown: boolean;
  button: HTMLButtonElement;
}

export function seriesName(series: Series, legend: string, all: readonly Series[]): string {
  if (legend && series.labels[legend]) return series.labels[legend];
  const names = Object.keys(series.labels).filter((name) => all.some((other) => other.labels[name] !== series.labels[name]));
  return names.map((name) => `${name}=${series.labels[name]}`).join(" ") || series.labels["__name__"] || "value";
}

export function metricChart(chart: MetricChart, scope: TurnScope): Part {
  const times = chart.series.flatMap((series) => [series.samples[0]?.[0], series.samples.at(-1)?.[0]]).filter((at) => at !== undefined);
  const element = h("section", { class: "adj-part adj-chart", "aria-label": `Chart: ${chart.title}` });
  const unit = unitName(chart.unit);
  element.append(
    h("header", {}, h("h4", {}, chart.title), unit && h("span", { class: "adj-muted" }, unit), h("span", { class: "adj-cites" }, ...chart.evidence.map(scope.cite))),
  );
  if (times.length === 0) {
    element.append(h("p", { class: "adj-muted" }, "No samples in this window."));
    return { element, destroy: () => undefined };
  }
  const [from, to] = [Math.min(...times), Math.max(...times)];

  const lines = chart.series.map((series, index): Line => {
    const name = seriesName(series, chart.legend, chart.series);
    const shown = index < COLOURS; // the rest starts hidden: more lines than colours cannot be told apart
    const colour = scope.colour(name);
    const button = h(
      "button",
      { class: `adj-legend-item adj-c${colour}`, type: "button", "aria-pressed": String(shown), title: labels(series) },
      h("span", { class: "adj-swatch" }),
      name,
    );
    return { name, series, colour, shown, button };
  });
  const places = placeMarks(chart.marks, from, to);
  const top = MARGIN.top + places.rows * MARK_ROW;
  const height = top + PLOT_HEIGHT + MARGIN.bottom;
  const svg = s("svg", { class: "adj-plot", height, tabindex: 0, role: "img", "aria-label": summary(chart, lines) });
  const tip = h("div", { class: "adj-tip", role: "status", hidden: true });
  const stage = h("div", { class: "adj-stage" }, svg, tip);
  element.append(stage, h("div", { class: "adj-legend" }, ...lines.map((line) => line.button)));

  let width = 0;
  let cursorAt: number | null = null;
  let yOf = (_value: number): number => 0;
  const xOf = (at: number): number => MARGIN.left + ((at - from) / (to - from || 1)) * (width - MARGIN.left - MARGIN.right);
  const overlay = s("g", { class: "adj-cursor" });

  const draw = (): void => {
    const visible = lines.filter((line) => line.shown);
    const values = visible.flatMap((line) => line.series.samples.map((sample) => sample[1])).filter((value) => value !== null);
    const low = Math.min(0, ...values);
    const high = values.length ? Math.max(...values) : 1;
    const ticks = valueTicks(low, high > low ? high : low + 1, 4, chart.unit);
    const [bottom, ceiling] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
    yOf = (value) => top + (1 - (value - bottom) / (ceiling - bottom)) * PLOT_HEIGHT;
    svg.replaceChildren();
    svg.setAttribute("width", String(width));
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
    for (const line of [...visible].reverse()) {
      svg.append(s("path", { class: `adj-line adj-c${line.colour}`, d: path(line.series, xOf, yOf) }));
    }
    for (const mark of chart.marks) {
      const at = Date.parse(mark.at) / 1000;
      if (at < from || at > to) continue;
      const x = xOf(at);
      const place = places.labels.get(mark);
      const y = place ? MARGIN.top + place.row * MARK_ROW : top;
      const late = at - from > FLIP * (to - from);
      svg.append(
        s(
          "g",
          { class: `adj-mark adj-mark-${mark.kind}` },
          s("title", {}, `${mark.kind}: ${mark.label}, ${clock(at * 1000)} UTC`),
          s("line", { x1: x, x2: x, y1: y, y2: height - MARGIN.bottom }),
          place && s("path", { d: `M${x - 3.5} ${y}h7l-3.5 5z` }),
          place && s("text", { x: late ? x - 7 : x + 7, y: y + 5, "text-anchor": late ? "end" : "start" }, place.text),
        ),
      );
    }
    svg.append(overlay);
    point(cursorAt);
  };

  const point = (at: number | null): void => {
    cursorAt = at;
    overlay.replaceChildren();
    tip.hidden = true;
    if (at === null || at < from || at > to) return;
    const guide = lines.find((line) => line.shown) ?? lines[0];
    const snapped = guide?.series.samples[nearest(guide.series.samples, at)]?.[0] ?? at;
    const x = xOf(snapped);
    overlay.append(s("line", { x1: x, x2: x, y1: top, y2: height - MARGIN.bottom }));
    const rows: { line: Line; value: number }[] = [];
    for (const line of lines.filter((candidate) => candidate.shown)) {
      const sample = line.series.samples[nearest(line.series.samples, snapped)];
      if (!sample || sample[1] === null || Math.abs(sample[0] - snapped) > (to - from) / 20) continue;
      rows.push({ line, value: sample[1] });
      overlay.append(s("circle", { class: `adj-dot adj-c${line.colour}`, cx: xOf(sample[0]), cy: yOf(sample[1]), r: 3 }));
    }
    rows.sort((a, b) => b.value - a.value);
    tip.replaceChildren(
      h("div", { class: "adj-tip-time" }, `${day(snapped * 1000)} ${clock(snapped * 1000)} UTC`),
      ...rows.map(({ line, value }) =>
        h("div", { class: `adj-tip-row adj-c${line.colour}` }, h("span", { class: "adj-swatch" }), h("span", { class: "adj-tip-name" }, line.name), h("b", {}, withUnit(value, chart.unit))),
      ),
    );
    tip.hidden = false;
    tip.style.top = `${top}px`;
    const right = x > width / 2;
    tip.style.left = right ? "auto" : `${x + 12}px`;
    tip.style.right = right ? `${width - x + 12}px` : "auto";
  };

  svg.addEventListener("pointermove", (event) => {
    const inside = event.clientX - svg.getBoundingClientRect().left;
    scope.cursor.set(from + ((inside - MARGIN.left) / (width - MARGIN.left - MARGIN.right)) * (to - from));
  });
  svg.addEventListener("pointerleave", () => scope.cursor.set(null));
  svg.addEventListener("blur", () => scope.cursor.set(null));
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const samples = (lines.find((line) => line.shown) ?? lines[0])?.series.samples;
    if (!move || !samples) return;
    event.preventDefault();
    const now = cursorAt === null ? samples.length - 1 : nearest(samples, cursorAt) + move;
    scope.cursor.set(samples[Math.max(0, Math.min(samples.length - 1, now))]?.[0] ?? null);
  });
  scope.cursor.listen((at) => width > 0 && point(at));

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
  return { element, destroy: () => observer?.disconnect() };
}

function path(series: Series, xOf: (at: number) => number, yOf: (value: number) => number): string {
  let drawn = "";
  let pen = "M";
  for (const [at, value] of series.samples) {
    if (value === null) {
      pen = "M";
      continue;
    }
    drawn += `${pen}${xOf(at).toFixed(1)} ${yOf(value).toFixed(1)}`;
    pen = "L";
  }
  return drawn;
}

/** Where each mark's label goes. Alerts yield to onsets and changes; what finds no place keeps its line and title. */
export function placeMarks(marks: readonly Mark[], from: number, to: number): { labels: Map<Mark, { row: number; text: string }>; rows: number } {
  const rank = { onset: 0, change: 1, alert: 2 };
  const share = (mark: Mark): number => (Date.parse(mark.at) / 1000 - from) / (to - from || 1);
  const labels = new Map<Mark, { row: number; text: string }>();
  const taken: [number, number][][] = [[], [], []];
  let rows = 0;
  for (const mark of [...marks].sort((a, b) => rank[a.kind] - rank[b.kind] || share(a) - share(b))) {
    const at = share(mark);
    if (at < 0 || at > 1) continue;
    const twin = [...labels.keys()].find((other) => other.label === mark.label && Math.abs(share(other) - at) < 0.1);
    if (twin) {
      const count = marks.filter((other) => other.label === mark.label && Math.abs(share(other) - share(twin)) < 0.1).length;
      const placed = labels.get(twin);
      if (placed) placed.text = `${mark.label} ×${count}`;
      continue;
    }
    const size = 0.08 + mark.label.length * 0.017; // share of a narrow chart's width that the label covers
    const [start, end] = at > FLIP ? [at - size, at + 0.02] : [at - 0.02, at + size];
    const row = taken.findIndex((spans) => spans.every(([left, right]) => end < left || start > right));
    if (row < 0) continue;
    taken[row]?.push([start, end]);
    labels.set(mark, { row, text: mark.label });
    rows = Math.max(rows, row + 1);
  }
  return { labels, rows };
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
  return `${chart.title}. Last values: ${last.join(", ")}. Arrow keys move along time.`;
}
