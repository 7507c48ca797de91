// Log lines: level as a stripe, one line each, the whole line and its attributes on a click, filtered by level.

import { copyButton, h } from "./dom";
import { clock, moment } from "./format";
import type { Part, TurnScope } from "./scope";
import type { LogRecord, LogTable } from "./nouns";

const PAGE = 100; // rows drawn at once; more on request, so that a long result does not slow the page

/** `error | warn | info | debug | none`, whatever the source called it. */
export function level(severity: string): string {
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

export function logTable(chart: LogTable, scope: TurnScope): Part {
  const element = h("section", { class: "adj-part adj-logs", "aria-label": `Logs: ${chart.title}` });
  const counts = new Map<string, number>();
  for (const record of chart.records) counts.set(level(record.severity), (counts.get(level(record.severity)) ?? 0) + 1);
  const hidden = new Set<string>();
  let limit = PAGE;
  const levels = ["error", "warn", "info", "debug", "none"].filter((name) => counts.has(name));
  const filters = levels.map((name) => {
    const button = h("button", { class: `adj-level adj-level-${name}`, type: "button", "aria-pressed": "true" }, name === "none" ? "other" : name, h("b", {}, String(counts.get(name))));
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      draw();
    });
    return button;
  });
  const rows = h("div", { class: "adj-log-rows", role: "table", "aria-label": chart.title });
  const more = h("button", { class: "adj-button adj-quiet", type: "button", hidden: true });
  more.addEventListener("click", () => {
    limit += 5 * PAGE;
    draw();
  });
  element.append(
    h("header", {}, h("h4", {}, chart.title), h("span", { class: "adj-muted" }, `${chart.records.length} lines`), h("span", { class: "adj-cites" }, ...chart.evidence.map(scope.cite))),
    h("div", { class: "adj-levels", role: "group", "aria-label": "Levels shown" }, ...filters),
    rows,
    more,
  );
  const draw = (): void => {
    const shown = chart.records.filter((record) => !hidden.has(level(record.severity)));
    rows.replaceChildren(...shown.slice(0, limit).map(row));
    more.hidden = shown.length <= limit;
    more.textContent = `Show more (${shown.length - limit} left)`;
    if (shown.length === 0) rows.append(h("p", { class: "adj-muted" }, "No line at these levels."));
  };
  draw();
  return { element, destroy: () => undefined };
}

function row(record: LogRecord): HTMLElement {
  const name = level(record.severity);
  const line = h(
    "button",
    { class: "adj-log-line", type: "button", "aria-expanded": "false" },
    h("time", { datetime: record.timestamp, title: moment(record.timestamp) }, clock(Date.parse(record.timestamp))),
    h("span", { class: "adj-log-level" }, name === "none" ? "" : name),
    h("span", { class: "adj-log-body" }, headline(record.body)),
  );
  const element = h("div", { class: `adj-log adj-log-${name}`, role: "row" }, h("div", { role: "cell" }, line));
  let detail: HTMLElement | undefined;
  line.addEventListener("click", () => {
    if (detail) {
      detail.hidden = !detail.hidden;
    } else {
      const pairs: [string, string][] = [["time", moment(record.timestamp)], ...Object.entries(record.attributes)];
      if (record.trace_id) pairs.push(["trace id", record.trace_id]);
      detail = h(
        "div",
        { class: "adj-log-detail", role: "cell" },
        h("pre", {}, pretty(record.body)),
        h("dl", { class: "adj-pairs" }, ...pairs.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)])),
        h("div", { class: "adj-row" }, copyButton(record.body, "Copy this line"), record.trace_id !== "" && copyButton(record.trace_id, "Copy the trace id")),
      );
      element.append(detail);
    }
    line.setAttribute("aria-expanded", String(!detail.hidden));
  });
  return element;
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
