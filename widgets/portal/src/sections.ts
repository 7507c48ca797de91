// Each section of the overview, from its values. Every number is a button that asks Jamie about it.

import { h } from "../../views/src/dom";
import { clock, day, duration, quantity } from "../../views/src/format";
import { putQuestion } from "./page";
import { sparkline } from "./sparkline";
import type { Alerts, Fact, Health, Incident, Incidents, Measure, Run, Runs, Service, Services } from "./wire";

export function nothing(text: string): HTMLElement {
  return h("p", { class: "adp-none" }, text);
}

/** `context` is read out before what the button shows. */
function asking(question: string, context: string, ...children: (Node | string)[]): HTMLButtonElement {
  return h(
    "button",
    { type: "button", class: "adp-ask", title: `Ask: ${question}`, click: () => putQuestion(question) },
    context && h("span", { class: "adp-hidden" }, `${context}: `),
    ...children,
  );
}

const COLUMNS: [keyof Service & ("rate" | "errors" | "latency" | "cpu" | "memory"), string, (name: string, where: string) => string][] = [
  ["rate", "Requests", (name, where) => `Show me the request rate of ${name} in ${where}`],
  ["errors", "Errors", (name, where) => `Why is ${name} failing in ${where}?`],
  ["latency", "p95", (name, where) => `Why is ${name} slow in ${where}?`],
  ["cpu", "CPU", (name, where) => `How much CPU does ${name} use in ${where}?`],
  ["memory", "Memory", (name, where) => `How much memory does ${name} use in ${where}?`],
];

export function servicesTable(section: Services): HTMLElement {
  if (!section.items.length) {
    return nothing(section.missing.length ? "Nothing could be read." : `No service and no pod is known in ${section.namespace}.`);
  }
  const heads = ["Service", ...COLUMNS.map(([, title]) => title), "Pods"];
  const rows = section.items.map((item) => serviceRow(item, section.namespace, !section.missing.length));
  const table = h(
    "table",
    { class: "adp-services" },
    h("caption", { class: "adp-hidden" }, `Golden signals of the services in ${section.namespace}, last ${section.minutes} minutes`),
    h("thead", {}, h("tr", {}, ...heads.map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, ...rows),
  );
  return section.more ? h("div", {}, table, nothing(`and ${section.more} more services.`)) : table;
}

/** `whole`: nothing that was asked for is missing. Pods alone make no service well whose requests were not seen. */
function serviceRow(item: Service, where: string, whole: boolean): HTMLElement {
  const troubles = COLUMNS.map(([key]) => item[key]?.bad ?? "").filter(Boolean);
  const unready = item.ready !== null && item.ready < item.pods;
  const bad = troubles.length > 0 || unready;
  const said = [...troubles, unready ? `${item.pods - item.ready!} of ${item.pods} pods not ready` : ""].filter(Boolean).join("; ");
  const pods = item.ready === null ? "–" : `${item.ready}/${item.pods}`;
  return h(
    "tr",
    { "data-state": bad ? "bad" : item.errors || (item.ready !== null && whole) ? "good" : "unknown" },
    h(
      "th",
      { scope: "row" },
      h("span", { class: "adp-dot", "aria-hidden": "true" }),
      h("span", { class: "adp-who" }, asking(`How is ${item.name} in ${where}?`, "", item.name), said && h("span", { class: "adp-why" }, said)),
    ),
    ...COLUMNS.map(([key, title, question]) => h("td", { "data-title": title }, cell(item, item[key], key, title, question(item.name, where)))),
    h(
      "td",
      { "data-title": "Pods" },
      asking(
        unready ? `Why are pods of ${item.name} not ready in ${where}?` : `Show me the pods of ${item.name} in ${where}`,
        `Ready pods of ${item.name}`,
        h("b", { class: unready ? "adp-bad" : "" }, pods),
        item.restarts ? h("small", {}, ` ${item.restarts} restart${item.restarts === 1 ? "" : "s"}`) : "",
      ),
    ),
  );
}

function cell(item: Service, measure: Measure | null, key: string, title: string, question: string): Node {
  if (!measure || measure.value === null) return h("span", { class: "adp-none", title: `No series of ${title.toLowerCase()}` }, "–");
  const value = shown(measure, key);
  const share = measure.share === null ? "" : `${Math.round(measure.share * 100)} % of limit`;
  return asking(
    question,
    `${title} of ${item.name}`,
    h("b", { class: measure.bad ? "adp-bad" : "" }, value),
    share ? h("small", {}, ` ${share}`) : "",
    sparkline(measure.points, measure.bad !== ""),
  );
}

function shown(measure: Measure, key: string): string {
  const value = measure.value!;
  if (key === "rate") return `${value >= 100 ? Math.round(value) : Number(value.toFixed(1))}/s`;
  if (key === "errors") return `${Number((value * 100).toFixed(value < 0.1 ? 2 : 1))} %`;
  if (key === "cpu") return value < 1 ? `${Math.round(value * 1000)}m` : `${Number(value.toFixed(2))}`;
  return quantity(value, measure.unit);
}

export function alertList(section: Alerts, namespace: string): HTMLElement {
  const rows = section.items.map((item) =>
    h(
      "li",
      { class: "adp-line", "data-severity": item.severity },
      h("span", { class: "adp-tag", "data-tone": ["critical", "page"].includes(item.severity) ? "bad" : "warn" }, item.severity || "none"),
      asking(
        `Why is ${item.name} firing for ${item.about}?`,
        "",
        h("b", {}, item.name),
        h("span", { class: "adp-dim" }, item.summary || item.about),
      ),
      h("time", { datetime: item.since, title: item.since }, ago(item.since, section.at)),
    ),
  );
  const also = [
    section.more ? `${section.more} more in ${namespace}` : "",
    section.pending ? `${section.pending} pending` : "",
    section.elsewhere ? `${section.elsewhere} firing in other namespaces` : "",
  ].filter(Boolean);
  const empty = section.missing.length ? "Alerts could not be read." : `No alert is firing in ${namespace}.`;
  return h("div", {}, rows.length ? h("ul", { class: "adp-lines" }, ...rows) : nothing(empty), also.length ? nothing(`${also.join(", ")}.`) : null);
}

/** How an incident stands. */
export function standing({ state, severity }: Incident): HTMLElement {
  return h("span", { class: "adp-tag", "data-tone": state === "resolved" ? "good" : severity === "critical" ? "bad" : "warn" }, state);
}

export function incidentList(section: Incidents, open: (id: string) => void): HTMLElement {
  if (!section.items.length) return nothing(section.missing.length ? "Incidents could not be read." : "No incidents recorded.");
  const rows = section.items.map((item) =>
    h(
      "li",
      { class: "adp-line", title: item.id },
      standing(item),
      h("button", { type: "button", class: "adp-ask", title: "Open it", click: () => open(item.id) }, h("b", {}, item.title), h("span", { class: "adp-dim" }, `${item.severity}, ${item.namespace}`)),
      h("time", { datetime: item.since, title: item.since }, ago(item.since, section.at)),
    ),
  );
  return h("div", {}, h("ul", {}, ...rows), section.more ? nothing(`and ${section.more} more: \`autodevops incident list\`.`) : null);
}

/** How a run ended, or what became of its slot. */
export const TONES: { [what: string]: string } = { succeeded: "good", stopped_early: "good", running: "", failed: "bad", timed_out: "bad", cancelled: "warn", interrupted: "warn", denied: "warn", missed: "warn", overlapped: "warn" };

export function runList(section: Runs, open: (run: Run) => void): HTMLElement {
  if (!section.items.length) return nothing(section.missing.length ? "Runs could not be read." : "No runs kept yet. `autodevops runbook run` or Scarlet's schedules make some.");
  const rows = section.items.map((run) => {
    const took = run.ended_at ? `, ${duration(Date.parse(run.ended_at) - Date.parse(run.started_at))}` : "";
    const said = run.error || run.verdicts[0] || run.reason;
    const body = [h("b", {}, run.title || run.runbook), h("span", { class: "adp-dim" }, said || `${run.trigger}${took}`)];
    return h(
      "li",
      { class: "adp-line", "data-run": run.id },
      h("span", { class: "adp-tag", "data-tone": TONES[run.status] ?? "bad" }, run.status.replace("_", " ")),
      run.report
        ? h("button", { type: "button", class: "adp-ask", title: "Open the report", click: () => open(run) }, ...body)
        : h("span", { class: "adp-ask" }, ...body),
      h("time", { datetime: run.started_at, title: `${run.started_at}${took}` }, ago(run.started_at, section.at)),
    );
  });
  return h("div", {}, h("ul", {}, ...rows), section.more ? nothing("Older ones: `autodevops run list`.") : null);
}

export function healthPanel(section: Health): HTMLElement {
  const side = (title: string, facts: Fact[], empty: string): HTMLElement =>
    h(
      "div",
      { class: "adp-side" },
      h("h3", { class: "adp-h3" }, title),
      facts.length
        ? h("dl", {}, ...facts.map((fact) => h("div", {}, h("dt", {}, fact.label), h("dd", { "data-tone": fact.tone }, fact.ask ? asking(fact.ask, "", fact.value) : fact.value))))
        : nothing(section.missing.length ? "Could not be read." : empty),
    );
  return h(
    "div",
    { class: "adp-sides" },
    side("Jamie", section.jamie, `No turn is recorded in the last ${section.hours} hours.`),
    side("Scarlet", section.scarlet, `No run has ended in the last ${section.hours} hours.`),
  );
}

/** `12 min ago`, or the day when it is long past. */
export function ago(iso: string, nowIso: string): string {
  const past = Date.parse(iso);
  const ms = Date.parse(nowIso) - past;
  if (Number.isNaN(ms)) return iso;
  if (ms < 60_000) return "just now";
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ago`;
  return `${day(past)} ${clock(past, false)}`;
}
