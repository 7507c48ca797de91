// Log lines: level as a stripe, over time, filtered by level, words, time and pattern; a line's neighbours on request.

import { copyButton, h, icon } from "./dom";
import { clock, moment } from "./format";
import { histogramView } from "./histogram";
import { around, type Filter, filtered, headline, histogram, type Level, level, LEVELS, type Line, linesOf } from "./log_lines";
import type { LogPattern, LogTable } from "./nouns";
import type { Part, ViewScope } from "./scope";
import { VirtualRows } from "./virtual";

const WHOLE = 60; // rows drawn at once; longer tables draw what is in sight
const ROW_PX = 22;
const BARS = 60;
const NEIGHBOURS = 5; // lines before and after one, at first
const HEADLINE = 2_000; // characters of a line that the table lays out; the whole line is in its details

export { headline, level };

export function logTable(chart: LogTable, scope: ViewScope): Part {
  const element = h("section", { class: "adj-part adj-logs", "aria-label": `Logs: ${chart.title}` });
  const lines = linesOf(chart.records);
  const patterns = chart.patterns ?? [];
  const hidden = new Set<Level>();
  const filter = { hidden, text: "", range: null, pattern: null } as { -readonly [K in keyof Filter]: Filter[K] };
  const open = new Set<number>();
  const counted = new Map<Level, number>();
  for (const line of lines) counted.set(line.level, (counted.get(line.level) ?? 0) + 1);

  const levels = LEVELS.filter((name) => counted.has(name)).map((name) => {
    const label = name === "none" ? "other" : name;
    const button = h("button", { class: `adj-level adj-level-${name}`, type: "button", "aria-pressed": "true", title: "Double-click: only this level" }, label, h("b", {}, String(counted.get(name))));
    const show = (): void => {
      for (const one of levels) one.button.setAttribute("aria-pressed", String(!hidden.has(one.name)));
      draw();
    };
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      show();
    });
    button.addEventListener("dblclick", () => {
      for (const one of levels) hidden.add(one.name);
      hidden.delete(name);
      show();
    });
    return { name, button };
  });
  const words = h("input", { class: "adj-filter", type: "search", placeholder: "Filter lines", "aria-label": "Filter lines: words that must be there, -word that must not", spellcheck: "false" });
  const shown = h("span", { class: "adj-muted", role: "status" });
  const chips = h("span", { class: "adj-row adj-chips" });
  const bars = histogramView((range) => {
    filter.range = range;
    draw();
  });
  const body = h("div", { role: "rowgroup", class: "adj-rows" });
  const head = h("div", { class: "adj-log-head", role: "row", "aria-rowindex": 1 }, h("span", { role: "columnheader" }, "Time"), h("span", { role: "columnheader" }, "Level"), h("span", { role: "columnheader" }, "Line"));
  const rows = h("div", { class: "adj-log-rows", role: "table", "aria-label": chart.title }, h("div", { role: "rowgroup", class: "adj-sticky" }, head), body);
  const none = h("p", { class: "adj-muted", hidden: true }, "No line passes these filters.");
  const list = h("div", {}, rows, none);
  const templates = h("div", { class: "adj-patterns", hidden: true });
  const tab = (label: string, on: boolean): HTMLButtonElement => h("button", { class: "adj-button adj-chip", type: "button", "aria-pressed": String(on) }, label);
  const [asLines, asPatterns] = [tab("Lines", true), tab(`Patterns ${patterns.length}`, false)];
  const view = (what: "lines" | "patterns"): void => {
    list.hidden = what !== "lines";
    templates.hidden = what === "lines";
    asLines.setAttribute("aria-pressed", String(what === "lines"));
    asPatterns.setAttribute("aria-pressed", String(what === "patterns"));
  };
  asLines.addEventListener("click", () => view("lines"));
  asPatterns.addEventListener("click", () => view("patterns"));
  words.addEventListener("input", () => {
    filter.text = words.value;
    draw();
  });
  words.addEventListener("keydown", (event) => {
    event.stopPropagation(); // letters are commands to a notebook
    if (event.key === "Escape" && words.value) {
      event.preventDefault();
      words.value = filter.text = "";
      draw();
    }
  });
  element.append(
    h("header", {}, h("h4", {}, chart.title), shown, h("span", { class: "adj-cites" }, ...chart.evidence.map(scope.cite))),
    h("div", { class: "adj-tools" }, h("div", { class: "adj-levels", role: "group", "aria-label": "Levels shown" }, ...levels.map((one) => one.button)), words, patterns.length > 0 && h("div", { class: "adj-row", role: "group", "aria-label": "View" }, asLines, asPatterns)),
    bars.element,
    chips,
    list,
    templates,
  );

  const virtual = new VirtualRows<Line>(rows, body, { row, key: (line) => `${line.place}${open.has(line.place) ? "+" : ""}`, height: ROW_PX, whole: WHOLE });
  let current: Line[] = [];

  const draw = (): void => {
    current = filtered(lines, filter);
    shown.textContent = current.length === lines.length ? `${lines.length} lines` : `${current.length} of ${lines.length} lines`;
    rows.setAttribute("aria-rowcount", String(current.length + 1));
    rows.hidden = current.length === 0;
    none.hidden = current.length > 0;
    virtual.set(current);
    bars.set(histogram(filtered(lines, { ...filter, range: null }), BARS), filter.range);
    chips.replaceChildren(
      ...[
        filter.range && chip(`${clock(filter.range[0])} to ${clock(filter.range[1])} UTC`, "any time", () => (filter.range = null)),
        filter.pattern && chip(`one pattern, ${filter.pattern.size} lines`, "all patterns", () => (filter.pattern = null)),
      ].filter((one) => one !== null),
    );
    patternRows();
  };
  const chip = (text: string, without: string, clear: () => void): HTMLElement => {
    const button = h("button", { class: "adj-button adj-chip", type: "button", "aria-label": `${text}. Show ${without}` }, text, icon("cross"));
    button.addEventListener("click", () => {
      clear();
      draw();
    });
    return button;
  };

  function row(line: Line, index: number): HTMLElement {
    const { record } = line;
    const expanded = open.has(line.place);
    const button = h(
      "button",
      { class: "adj-log-line", type: "button", "aria-expanded": String(expanded) },
      h("time", { datetime: record.timestamp, title: moment(record.timestamp) }, clock(line.at)),
      h("span", { class: "adj-log-level" }, line.level === "none" ? "" : line.level),
      h("span", { class: "adj-log-body" }, line.text.slice(0, HEADLINE)),
    );
    const element = h("div", { class: `adj-log adj-log-${line.level}`, role: "row" }, h("div", { role: "cell" }, button));
    if (expanded) element.append(h("div", { class: "adj-log-detail", role: "cell" }, ...detail(line)));
    button.addEventListener("click", () => {
      if (!open.delete(line.place)) open.add(line.place);
      virtual.set(current);
      virtual.reveal(index)?.querySelector("button")?.focus({ preventScroll: true });
    });
    button.addEventListener("keydown", (event) => {
      const step = Math.max(1, Math.floor(rows.clientHeight / ROW_PX) - 2);
      const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + step, PageUp: index - step, Home: 0, End: current.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      virtual.reveal(Math.max(0, Math.min(current.length - 1, to)))?.querySelector("button")?.focus();
    });
    return element;
  }

  function detail(line: Line): Node[] {
    const { record } = line;
    const pairs: [string, string][] = [["time", moment(record.timestamp)], ...Object.entries(record.attributes)];
    if (record.trace_id) pairs.push(["trace id", record.trace_id]);
    const context = h("button", { class: "adj-button adj-quiet", type: "button", "aria-expanded": "false" }, "Show context");
    const place = h("div", { class: "adj-context-lines", hidden: true });
    let count = 0;
    context.addEventListener("click", () => {
      count += count ? NEIGHBOURS * 2 : NEIGHBOURS;
      const { before, after } = around(lines, line, count);
      const near = (one: Line): HTMLElement =>
        h("div", { class: `adj-log-line adj-log-${one.level}${one === line ? " adj-log-here" : ""}`, role: "listitem" }, h("time", {}, clock(one.at)), h("span", { class: "adj-log-level" }, one.level === "none" ? "" : one.level), h("span", { class: "adj-log-body" }, one.text.slice(0, HEADLINE)));
      place.replaceChildren(h("div", { role: "list", "aria-label": "Lines of the same stream around this one" }, ...[...before, line, ...after].map(near)));
      place.hidden = false;
      context.setAttribute("aria-expanded", "true");
      const more = before.length === count || after.length === count;
      context.textContent = more ? "Show more context" : "No more context here";
      context.disabled = !more;
    });
    return [
      h("pre", {}, pretty(record.body)),
      h("dl", { class: "adj-pairs" }, ...pairs.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)])),
      h("div", { class: "adj-row" }, copyButton(record.body, "Copy line", "Copy line"), record.trace_id !== "" && copyButton(record.trace_id, "Copy trace id", "Copy trace id"), context),
      place,
    ];
  }

  function patternRows(): void {
    if (patterns.length === 0) return;
    const passing = new Set(filtered(lines, { ...filter, pattern: null }).map((line) => line.place));
    const found = patterns
      .map((pattern) => ({ pattern, count: pattern.records.filter((place) => passing.has(place)).length }))
      .filter((one) => one.count > 0)
      .sort((a, b) => b.count - a.count);
    const most = Math.max(1, ...found.map((one) => one.count));
    const header = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Lines"), h("th", { scope: "col" }, "Level"), h("th", { scope: "col" }, "Pattern")));
    templates.replaceChildren(
      h("table", { class: "adj-pattern-table", "aria-label": `Patterns of ${chart.title}` }, header, h("tbody", {}, ...found.map(({ pattern, count }) => patternRow(pattern, count, count / most)))),
    );
  }

  function patternRow(pattern: LogPattern, count: number, share: number): HTMLElement {
    const worst = LEVELS.find((name) => pattern.records.some((place) => lines[place]?.level === name)) ?? "none";
    const pressed = filter.pattern !== null && filter.pattern.has(pattern.records[0] ?? -1);
    const parts = pattern.template.split(/(<\*>)/).map((part) => (part === "<*>" ? h("span", { class: "adj-hole" }, "…") : part));
    const button = h("button", { class: "adj-template", type: "button", "aria-pressed": String(pressed), "aria-label": `${pattern.template.replaceAll("<*>", "…")}: show its ${count} lines` }, ...parts);
    button.addEventListener("click", () => {
      filter.pattern = pressed ? null : new Set(pattern.records);
      view("lines");
      draw();
    });
    return h(
      "tr",
      { class: `adj-log-${worst}` },
      h("td", { class: "adj-pattern-count" }, h("span", { class: "adj-pattern-bar", style: `width:${Math.round(share * 100)}%` }), h("b", {}, String(count))),
      h("td", { class: "adj-log-level" }, worst === "none" ? "" : worst),
      h("td", {}, button),
    );
  }

  draw();
  return { element, destroy: () => undefined };
}

function pretty(body: string): string {
  if (!body.startsWith("{")) return body;
  try {
    const fields = Object.entries(JSON.parse(body) as { [name: string]: unknown });
    return fields.map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join("\n");
  } catch {
    return body;
  }
}
