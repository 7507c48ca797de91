// The decision matrix with every decision on it, and the calendar and history of schedules.

import { h } from "../../views/src/dom";
import { clock, day } from "../../views/src/format";
import { ago, nothing, TONES } from "./sections";
import type { Decisions, Schedules, Slot } from "./wire";

export const SAYS: { [verdict: string]: string } = { act: "act", seek_approval: "ask", escalate: "escalate", observe: "observe", refuse: "refuse" };
const BANDS = ["high", "medium", "low"];
const RISKS = ["low", "medium", "high"];
const MARKS = 60; // drawn in one square; the rest is a number

export function decisionMap(section: Decisions, open: (id: string) => void): HTMLElement {
  if (!section.squares.length) return nothing("Decisions could not be read.");
  const most = Math.max(1, ...section.squares.map((one) => total(one.counts)));
  const square = (confidence: string, risk: string): HTMLElement => {
    const one = section.squares.find((each) => each.confidence === confidence && each.risk === risk);
    if (!one) return h("td", {});
    const count = total(one.counts);
    const kinds = Object.entries(one.counts);
    const marks = kinds.flatMap(([verdict, times]) => Array.from({ length: times }, () => verdict)).slice(0, MARKS);
    return h(
      "td",
      { "data-says": one.says, style: `--heat: ${Math.round((count / most) * 100)}%` },
      h("span", { class: "adp-says" }, SAYS[one.says] ?? one.says),
      h("span", { class: "adp-marks", "aria-hidden": "true" }, ...marks.map((verdict) => h("i", { "data-verdict": verdict }))),
      h("small", {}, count ? kinds.map(([verdict, times]) => `${times} × ${SAYS[verdict] ?? verdict}`).join(", ") : "none yet"),
    );
  };
  const table = h(
    "table",
    { class: "adp-heat" },
    h("caption", { class: "adp-hidden" }, "What the matrix says for each confidence and risk, and the decisions made so far"),
    h("thead", {}, h("tr", {}, h("td", {}), ...RISKS.map((risk) => h("th", { scope: "col" }, `${risk} risk`)))),
    h("tbody", {}, ...BANDS.map((band) => h("tr", {}, h("th", { scope: "row" }, `${band} confidence`), ...RISKS.map((risk) => square(band, risk))))),
  );
  const rows = section.items.map((item) =>
    h(
      "li",
      { class: "adp-line" },
      h("span", { class: "adp-tag" }, SAYS[item.verdict] ?? item.verdict),
      h("button", { type: "button", class: "adp-ask", title: "Open it", click: () => open(item.id) }, h("b", {}, item.action.replaceAll("_", " ")), h("span", { class: "adp-dim" }, [item.subject, `${item.confidence} confidence, ${item.risk} risk`, item.result.replace("_", " ")].filter(Boolean).join(" · "))),
      h("time", { datetime: item.at, title: item.at }, ago(item.at, section.at)),
    ),
  );
  const below = rows.length
    ? h("details", { class: "adp-lately" }, h("summary", {}, `The last ${rows.length}`), h("ul", {}, ...rows), section.more ? nothing(`and ${section.more} before: \`autodevops act decisions\`.`) : null)
    : nothing("No decision yet. Each one is counted in its square, with what came of it.");
  return h("div", {}, table, below);
}

function total(counts: { [verdict: string]: number }): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

export function schedulePanel(section: Schedules, report: (run: string) => void): HTMLElement {
  if (section.missing.length) return nothing("Schedules could not be read.");
  if (!section.known) return nothing("No schedules yet. Files in the schedules folder would have their coming runs here, and what became of them.");
  const days = new Map<string, Slot[]>();
  for (const slot of section.to_come) {
    const date = day(Date.parse(slot.due));
    days.set(date, [...(days.get(date) ?? []), slot]);
  }
  const calendar = [...days].map(([date, slots]) =>
    h("div", { class: "adp-day" }, h("h3", { class: "adp-h3" }, dayName(date, section.at)), h("ul", {}, ...slots.map((slot) => h("li", {}, h("time", { datetime: slot.due }, clock(Date.parse(slot.due), false)), " ", h("span", { class: slot.why ? "adp-dim" : "" }, slot.schedule, slot.count > 1 ? ` and ${slot.count - 1} more` : "", slot.why ? `, not run: ${slot.why}` : ""))))),
  );
  const past = section.past.map((slot) =>
    h(
      "li",
      { class: "adp-line" },
      h("span", { class: "adp-tag", "data-tone": TONES[slot.what] ?? "" }, slot.what.replaceAll("_", " ")),
      slot.run ? h("button", { type: "button", class: "adp-ask", title: "Open the report", click: () => report(slot.run) }, h("b", {}, slot.schedule)) : h("span", {}, h("b", {}, slot.schedule), slot.why && h("span", { class: "adp-dim" }, slot.why)),
      h("time", { datetime: slot.due, title: slot.due }, ago(slot.due, section.at)),
    ),
  );
  return h(
    "div",
    {},
    h("div", { class: "adp-days", tabindex: 0, role: "group", "aria-label": "Calendar" }, ...(calendar.length ? calendar : [nothing(`None of ${section.known} schedules is due in the next ${section.days} days.`)])),
    section.more ? nothing(`and ${section.more} more: \`autodevops schedule next\`.`) : null,
    past.length ? h("details", { class: "adp-lately" }, h("summary", {}, `History, the last ${past.length}`), h("ul", {}, ...past)) : nothing("No history yet: what becomes of each slot is told here."),
  );
}

function dayName(date: string, at: string): string {
  if (date === day(Date.parse(at))) return "Today";
  if (date === day(Date.parse(at) + 86_400_000)) return "Tomorrow";
  return `${new Date(date).toLocaleDateString("en", { weekday: "short", timeZone: "UTC" })} ${date.slice(5)}`;
}
