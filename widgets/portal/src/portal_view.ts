// The overview: a head that says what is shown and since when, then its sections, each filled when it comes.

import { MOVED } from "../../views/src/approval";
import { h } from "../../views/src/dom";
import { clock } from "../../views/src/format";
import { followTheme } from "../../views/src/theme";
import { decisionMap, schedulePanel } from "./duty";
import { IncidentView } from "./incident";
import { InboxView } from "./inbox";
import { deepLink, putQuestion, remember, show, when } from "./page";
import { redraw } from "./redraw";
import { Refresher } from "./refresher";
import { reportDialog } from "./report_dialog";
import { alertList, healthPanel, incidentList, nothing, runList, servicesTable } from "./sections";
import type { Inbox, IncidentPage, Missing, Model, Namespaces, Section } from "./wire";

const TITLES = { inbox: "Waits for people", services: "Services", alerts: "Firing alerts", incidents: "Incidents", runs: "Last runs", health: "Health", schedules: "Schedules", decisions: "Decisions" } as const;
type Name = keyof typeof TITLES;

function each(make: () => HTMLElement): Record<Name, HTMLElement> {
  return { inbox: make(), services: make(), alerts: make(), incidents: make(), runs: make(), health: make(), schedules: make(), decisions: make() };
}

export function portalView(model: Model, el: HTMLElement): () => void {
  const link = deepLink();
  const missing = new Map<string, Missing[]>();
  let namespace = link.namespace;

  const picker = h("select", { class: "adp-picker", "aria-label": "Namespace" });
  const said = h("span", { class: "adp-said", role: "status" }, "Starting");
  const again = h("button", { type: "button", class: "adp-button", title: "Refresh now" }, "Refresh");
  const unseen = h("div", { class: "adp-unseen", role: "alert", hidden: true });
  const bodies = each(() => h("div", { class: "adp-body" }, h("div", { class: "adp-wait" })));
  const notes = each(() => h("span", { class: "adp-note" }));
  const block = (name: Name): HTMLElement =>
    h("section", { class: "adp-section", "data-section": name, "aria-label": TITLES[name] }, h("h2", { class: "adp-h2" }, TITLES[name], notes[name]), bodies[name]);

  const waiting = new InboxView();
  const incident = new IncidentView(model, { operation: (id) => waiting.open(id), run: (id) => reportDialog(root, id, `Run ${id}`) });
  /** Somebody else on the page, such as the chat, has a run to show. */
  const opening = (event: Event): void => {
    event.preventDefault();
    const { run } = (event as CustomEvent<{ run: string }>).detail;
    reportDialog(root, run, `Run ${run}`);
    incident.refresh();
  };
  window.addEventListener("autodevops:open-run", opening);
  const tabs = (["overview", "chat"] as const).map((view) =>
    h("button", { type: "button", "data-view": view, "aria-pressed": String(view === "overview"), click: () => show(view) }, view === "overview" ? "Overview" : "Jamie"),
  );
  const pane = h(
    "div",
    { class: "adp-pane", tabindex: 0, role: "region", "aria-label": "Overview" },
    h("div", { class: "adp-head" }, h("h1", { class: "adp-h1" }, "Overview"), picker, h("span", { class: "adp-grow" }), said, again),
    unseen,
    incident.element,
    block("inbox"),
    h("div", { class: "adp-two" }, block("alerts"), h("div", {}, block("incidents"), block("health"))),
    block("services"),
    h("div", { class: "adp-two" }, block("runs"), block("schedules")),
    block("decisions"),
  );
  document.querySelector("body[data-voila] #rendered_cells")?.setAttribute("role", "main");
  const root = h("div", { class: "adp", "data-ready": "no" }, pane, h("nav", { class: "adp-tabs", "aria-label": "View" }, ...tabs));
  const leaveTheme = followTheme(root);

  const refresher = new Refresher(model, { began, section, done, failed }, namespace);
  let last = "";

  function began(): void {
    again.disabled = true;
    if (!last) said.textContent = "Reading";
    missing.clear();
  }

  function section(value: Section): void {
    if (value.name === "incident") return; // asked for by itself
    missing.set(value.name, value.missing);
    root.dataset["ready"] = "yes";
    if (value.name === "namespaces") {
      choices(value);
      return;
    }
    const body = bodies[value.name];
    if (value.name === "inbox") {
      waiting.show(value);
      if (!body.contains(waiting.element)) body.replaceChildren(waiting.element);
    } else redraw(body, drawn(value));
    body.classList.remove("adp-stale");
    if (value.name === "services") notes.services.textContent = `last ${value.minutes} min`;
    if (value.name === "health") notes.health.textContent = `last ${value.hours} h`;
    if (value.name === "inbox") notes.inbox.textContent = value.items.length ? String(value.items.length) : "";
    if (value.name === "schedules") notes.schedules.textContent = `next and last ${value.days} days, UTC`;
    if (value.name === "decisions") notes.decisions.textContent = "confidence by risk";
    if (value.name === "alerts") notes.alerts.textContent = value.items.length ? String(value.items.length + value.more) : "";
    tell();
  }

  function drawn(value: Exclude<Section, Namespaces | Inbox | IncidentPage>): Node {
    if (value.name === "services") return servicesTable(value);
    if (value.name === "alerts") return alertList(value, namespace || "this namespace");
    if (value.name === "incidents") return incidentList(value, (id) => incident.open(id));
    if (value.name === "runs") return runList(value, (run) => reportDialog(root, run.id, run.title || run.runbook));
    if (value.name === "schedules") return schedulePanel(value, (run) => reportDialog(root, run, `Run ${run}`));
    if (value.name === "decisions") return decisionMap(value, (id) => waiting.open(id));
    return healthPanel(value);
  }

  function choices(value: Namespaces): void {
    namespace = value.chosen;
    const now = [...picker.options].map((option) => option.value).join();
    if (now !== value.items.join()) picker.replaceChildren(...value.items.map((name) => h("option", { value: name }, name)));
    picker.value = value.chosen;
  }

  function tell(): void {
    const lines = new Map<string, string>();
    for (const list of missing.values()) for (const one of list) lines.set(one.system, one.message);
    unseen.hidden = !lines.size;
    unseen.replaceChildren(...[...lines].map(([system, message]) => h("p", {}, h("b", {}, `Not read from ${system}: `), message)));
  }

  function done(): void {
    last = `${clock(Date.now())} UTC`;
    said.textContent = `Updated ${last}`;
    again.disabled = false;
    tell();
    incident.refresh();
  }

  function failed(message: string, nextStep: string): void {
    again.disabled = false;
    said.textContent = last ? `Last updated ${last}` : "Not read yet";
    unseen.hidden = false;
    unseen.replaceChildren(h("p", {}, h("b", {}, message), " ", nextStep));
    for (const body of Object.values(bodies)) {
      if (body.querySelector(".adp-wait")) body.replaceChildren(nothing("Not read."));
      else body.classList.add("adp-stale");
    }
  }

  const viewed = (event: Event): void => {
    const view = (event as CustomEvent<string>).detail;
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset["view"] === view));
  };
  document.addEventListener("autodevops:view", viewed);
  // What was answered or carried out on a card changes the lists around it.
  waiting.element.addEventListener(MOVED, () => !again.disabled && refresher.ask());
  again.addEventListener("click", () => refresher.ask());
  picker.addEventListener("change", () => {
    namespace = picker.value;
    remember("namespace", namespace);
    for (const name of ["services", "alerts"] as const) bodies[name].classList.add("adp-stale");
    refresher.choose(namespace);
  });

  el.append(root);
  refresher.ask();
  // A widget is rendered before it is on the page, and only there can a dialog open.
  if (link.run) when(() => (root.isConnected ? root : null), () => reportDialog(root, link.run, `Run ${link.run}`));
  if (link.approval) waiting.open(link.approval);
  if (link.incident) incident.open(link.incident);
  if (link.question) putQuestion(link.question);
  return () => {
    refresher.destroy();
    waiting.destroy();
    incident.destroy();
    document.removeEventListener("autodevops:view", viewed);
    window.removeEventListener("autodevops:open-run", opening);
    leaveTheme();
    root.remove();
  };
}
