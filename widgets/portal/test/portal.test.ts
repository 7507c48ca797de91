import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { portalView } from "../src/portal_view";
import { EVERY_MS, SILENT_MS } from "../src/refresher";
import { ago } from "../src/sections";
import type { Measure, Section } from "../src/wire";

const AT = "2026-11-24T04:00:00Z";

class FakeModel {
  sent: { type: string; id: string; namespace: string }[] = [];
  private listeners = new Set<(message: unknown) => void>();
  on(_name: string, listener: (message: unknown) => void): void {
    this.listeners.add(listener);
  }
  off(_name: string, listener: (message: unknown) => void): void {
    this.listeners.delete(listener);
  }
  send(message: unknown): void {
    this.sent.push(message as { type: string; id: string; namespace: string });
  }
  tell(message: object, id = this.sent.at(-1)!.id): void {
    for (const listener of this.listeners) listener({ id, ...message });
  }
  section(section: Section): void {
    this.tell({ type: "section", section });
  }
}

const measure = (value: number, unit: string, bad = ""): Measure => ({ value, unit, points: [0, null, value], share: null, bad });
const pay = { name: "pay", rate: measure(3, "{request}/s"), errors: measure(0.35, "1", "35.0% of requests fail"), latency: null, cpu: null, memory: null, ready: 1, pods: 2, restarts: 1 };
const services: Section = { name: "services", at: AT, missing: [], namespace: "shop", minutes: 60, items: [pay], more: 2 };

let model: FakeModel;
let el: HTMLElement;
let hidden = false;

beforeEach(() => {
  vi.useFakeTimers();
  hidden = false;
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  window.history.replaceState(null, "", "/");
  document.body.replaceChildren((el = document.createElement("div")));
  model = new FakeModel();
});
afterEach(() => vi.useRealTimers());

const text = (selector: string): string => el.querySelector(selector)?.textContent ?? "";

test("reads at once, every half minute, and not while it is hidden", () => {
  const leave = portalView(model, el);
  expect(model.sent).toHaveLength(1);
  model.tell({ type: "done" });
  vi.advanceTimersByTime(EVERY_MS);
  expect(model.sent).toHaveLength(2);
  hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  model.tell({ type: "done" });
  vi.advanceTimersByTime(10 * EVERY_MS);
  expect(model.sent).toHaveLength(2);
  hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  expect(model.sent).toHaveLength(3);
  leave();
  vi.advanceTimersByTime(10 * EVERY_MS);
  expect(model.sent).toHaveLength(3);
});

test("an answer to an older question is passed over", () => {
  portalView(model, el);
  const old = model.sent[0]!.id;
  el.querySelector<HTMLSelectElement>(".adp-picker")!.dispatchEvent(new Event("change"));
  model.tell({ type: "section", section: services }, old);
  expect(el.querySelector(".adp-services")).toBeNull();
  model.section(services);
  expect(text(".adp-services")).toContain("pay");
});

test("a kernel that is gone is said, and what was read stays", () => {
  portalView(model, el);
  model.section(services);
  model.tell({ type: "done" });
  vi.advanceTimersByTime(EVERY_MS + SILENT_MS);
  expect(text(".adp-unseen")).toContain("Reload the page.");
  expect(text(".adp-said")).toContain("Last updated");
  expect(text(".adp-services")).toContain("pay");
});

test("what could not be reached is named once, until it answers", () => {
  portalView(model, el);
  const missing = [{ system: "prometheus", message: "no answer" }];
  model.section({ ...services, items: [], missing } as Section);
  model.section({ name: "alerts", at: AT, missing, items: [], more: 0, elsewhere: 0, pending: 0 });
  expect(el.querySelectorAll(".adp-unseen p")).toHaveLength(1);
  expect(text('[data-section="alerts"]')).toContain("could not be read");
  model.tell({ type: "done" });
  vi.advanceTimersByTime(EVERY_MS);
  model.section(services);
  model.tell({ type: "done" });
  expect(el.querySelector<HTMLElement>(".adp-unseen")!.hidden).toBe(true);
});

test("trouble is in words, and each number asks about itself", () => {
  document.body.insertAdjacentHTML("beforeend", '<textarea aria-label="Question for Jamie"></textarea>');
  portalView(model, el);
  model.section(services);
  const row = el.querySelector(".adp-services tbody tr")!;
  expect(row.getAttribute("data-state")).toBe("bad");
  expect(row.textContent).toContain("35.0% of requests fail; 1 of 2 pods not ready");
  row.querySelector<HTMLButtonElement>('[data-title="Errors"] button')!.click();
  expect(document.querySelector("textarea")!.value).toBe("Why is pay failing in shop?");
  expect(document.body.dataset["portalView"]).toBe("chat");
});

test("reading anew takes the focus from nobody", () => {
  portalView(model, el);
  model.section(services);
  const buttons = (): HTMLButtonElement[] => [...el.querySelectorAll<HTMLButtonElement>('[data-section="services"] button')];
  const at = buttons().length - 1;
  buttons()[at]!.focus();
  const had = document.activeElement!;
  model.section({ ...services, items: [{ ...pay, rate: measure(4, "{request}/s"), errors: measure(0.5, "1", "worse") }] });
  expect(had.isConnected).toBe(false);
  expect(document.activeElement).toBe(buttons()[at]);
});

test("whoever has a run to show, such as the chat, has its report opened", () => {
  HTMLDialogElement.prototype.showModal ??= (): void => undefined;
  portalView(model, el);
  const shows = (): boolean => !window.dispatchEvent(new CustomEvent("autodevops:open-run", { detail: { run: "r7" }, cancelable: true }));
  expect(shows()).toBe(true);
  expect(el.querySelector("iframe")!.getAttribute("src")).toContain("r7");
});

test("the address names what is shown, and a link fills the chat when it comes", async () => {
  window.history.replaceState(null, "", "/?namespace=staging&question=Why%3F");
  portalView(model, el);
  expect(model.sent[0]!.namespace).toBe("staging");
  model.section({ name: "namespaces", at: AT, missing: [], items: ["shop", "staging"], chosen: "staging" });
  const picker = el.querySelector<HTMLSelectElement>(".adp-picker")!;
  expect(picker.value).toBe("staging");
  picker.value = "shop";
  picker.dispatchEvent(new Event("change"));
  expect(window.location.search).toContain("namespace=shop");
  expect(model.sent.at(-1)!.namespace).toBe("shop");
  document.body.insertAdjacentHTML("beforeend", '<textarea aria-label="Question for Jamie"></textarea>');
  await vi.waitFor(() => expect(document.querySelector("textarea")!.value).toBe("Why?"));
});

test("a green mark needs something known to be well", () => {
  portalView(model, el);
  model.section({ ...services, items: [{ ...pay, errors: null, ready: null, pods: 0 }] } as Section);
  expect(el.querySelector(".adp-services tbody tr")!.getAttribute("data-state")).toBe("unknown");
  const ready = { ...pay, errors: null, ready: 2 };
  for (const [missing, state] of [[[], "good"], [[{ system: "prometheus", message: "Away." }], "unknown"]] as const) {
    model.section({ ...services, items: [ready], missing: [...missing] });
    expect(el.querySelector(".adp-services tbody tr")!.getAttribute("data-state")).toBe(state);
  }
});

test("empty sections say so and invent nothing", () => {
  portalView(model, el);
  model.section({ name: "incidents", at: AT, missing: [], items: [], more: 0 });
  model.section({ name: "health", at: AT, missing: [], hours: 24, jamie: [], scarlet: [] });
  expect(text('[data-section="incidents"]')).toContain("No incidents recorded.");
  expect(text('[data-section="health"]')).toContain("No run has ended in the last 24 hours.");
});

test("an incident is shown with how it stands, and what is left out is counted", () => {
  portalView(model, el);
  const item = { id: "i1", title: "Payment fails", namespace: "shop", state: "open", severity: "critical", since: "2026-11-24T03:30:00Z" } as const;
  model.section({ name: "incidents", at: AT, missing: [], items: [item, { ...item, id: "i0", state: "resolved" }], more: 3 });
  const rows = [...el.querySelectorAll('[data-section="incidents"] li')];
  expect(rows.map((row) => row.querySelector(".adp-tag")!.textContent)).toEqual(["open", "resolved"]);
  expect(rows[0]!.textContent).toContain("Payment failscritical, shop30 min ago");
  expect(text('[data-section="incidents"]')).toContain("and 3 more");
});

const incident: Section = {
  name: "incident", at: AT, id: "i1", title: "Payment fails", namespace: "shop", state: "open", severity: "critical", phase: "acting",
  facts: [["Impact", "a third of payments"]], causes: [{ summary: "A bad release.", confidence: 0.93, supports: ["Errors began with it."], contradicts: [], next_step: "Roll back.", command: "kubectl rollout undo" }],
  timeline: [{ at: "2026-11-23T23:59:00Z", kind: "onset", text: "Errors start", operation: "" }, { at: AT, kind: "decision", text: "bob proposed it", operation: "op-1" }],
  decisions: [], runs: ["r1"], told: "Incident i1 in shop",
};

test("a link opens an incident with its causes and timeline, which a question takes along until it is closed", () => {
  window.history.replaceState(null, "", "/?incident=i1");
  const leave = portalView(model, el);
  const asked = model.sent.find((message) => message.type === "incident")!;
  model.tell({ type: "section", section: { ...incident, title: "another's" } }, "incident-of-earlier");
  expect(text(".adp-incident")).not.toContain("another's");
  model.tell({ type: "section", section: incident }, asked.id);
  expect(text(".adp-incident")).toContain("A bad release. 93 %");
  expect([...el.querySelectorAll(".adp-incident-lines time")].map((time) => time.textContent)).toEqual(["23:59:00", "04:00:00"]);
  expect(text(".adp-incident-lines")).toBe("2026-11-2323:59:00onsetErrors start2026-11-2404:00:00decisionbob proposed it");
  const taken = (): unknown[] => {
    const offers: unknown[] = [];
    window.dispatchEvent(new CustomEvent("autodevops:selection", { detail: { offer: (one: object) => offers.push(one) } }));
    return offers;
  };
  expect(taken()).toEqual([{ label: "incident “Payment fails”", text: "Incident i1 in shop", chosen: true }]);
  el.querySelector<HTMLButtonElement>('[aria-label="Close the incident"]')!.click();
  expect(window.location.search).toBe("");
  expect(taken()).toEqual([]);
  leave();
});

test("a postmortem is written once at a time, and its run is opened; what went wrong is said", () => {
  window.history.replaceState(null, "", "/?incident=i1");
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
    this.open = true; // jsdom has none
  };
  const leave = portalView(model, el);
  model.tell({ type: "section", section: incident }, model.sent.find((message) => message.type === "incident")!.id);
  const button = (): HTMLButtonElement => [...el.querySelectorAll<HTMLButtonElement>(".adp-incident button")].find((one) => one.textContent!.includes("postmortem"))!;
  button().click();
  expect(button().getAttribute("aria-disabled")).toBe("true");
  const first = model.sent.filter((message) => message.type === "postmortem");
  expect(first).toHaveLength(1);
  model.tell({ type: "failed", message: "Run r2 of postmortem failed.", next_step: "See it." }, first[0]!.id);
  expect(text(".adp-incident [role=alert]")).toBe("Run r2 of postmortem failed. See it.");
  button().click();
  const { id } = model.sent.at(-1)!;
  model.tell({ type: "section", section: { ...incident, runs: ["r1", "r3"] } }, id);
  model.tell({ type: "done" }, id);
  expect(button().hasAttribute("aria-disabled")).toBe(false);
  expect(text("dialog b")).toBe("Run r3");
  leave();
});

test("an incident that is not there says so", () => {
  window.history.replaceState(null, "", "/?incident=none");
  portalView(model, el);
  model.tell({ type: "failed", message: "There is no incident 'none'.", next_step: "List them." }, model.sent.find((message) => message.type === "incident")!.id);
  expect(text(".adp-incident")).toContain("There is no incident 'none'.List them.");
});

test.each([
  ["2026-11-24T03:59:30Z", "just now"],
  ["2026-11-24T03:30:00Z", "30 min ago"],
  ["2026-11-24T01:30:00Z", "2 h ago"],
  ["2026-11-20T01:30:00Z", "2026-11-20 01:30"],
])("%s is %s", (iso, said) => expect(ago(iso, AT)).toBe(said));

const inbox = (items: object[], past: object[] = []): Section => ({ name: "inbox", at: AT, missing: [], items, past }) as unknown as Section;
const question = { id: "op-1", title: "Restart workload", subject: "Deployment shop/cart", risk: "low", asked_by: "bob", state: "pending", result: "", yeses: 0, needed: 1, at: AT, expires_at: "2026-11-24T04:30:00Z" };

test("what waits is listed, an open card outlives the next reading, and nothing says what would be there", () => {
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  portalView(model, el);
  model.section(inbox([]));
  expect(text('[data-section="inbox"]')).toContain("Nothing waits.");
  model.section(inbox([question]));
  expect(text('[data-section="inbox"]')).toContain("Restart workload");
  el.querySelector<HTMLButtonElement>(".adp-inbox-toggle")!.click();
  const card = el.querySelector(".ada")!;
  expect(window.location.search).toContain("approval=op-1");
  model.section(inbox([], [{ ...question, state: "used", result: "verified" }]));
  expect(el.querySelector(".ada")).toBe(card);
  expect(text(".adp-inbox-head")).toContain("verified");
  el.querySelector<HTMLButtonElement>(".adp-inbox-toggle")!.click();
  expect(el.querySelector(".ada")).toBeNull();
  vi.unstubAllGlobals();
});

test("every decision is a mark in its square", () => {
  portalView(model, el);
  const counts = (confidence: string, risk: string): { [verdict: string]: number } => (confidence === "high" && risk === "low" ? { act: 2, seek_approval: 1 } : {});
  const squares = ["high", "medium", "low"].flatMap((confidence) => ["low", "medium", "high"].map((risk) => ({ confidence, risk, says: "escalate", counts: counts(confidence, risk) })));
  model.section({ name: "decisions", at: AT, missing: [], squares, items: [], more: 0 });
  const [first, second] = el.querySelectorAll(".adp-heat tbody td");
  expect(first!.querySelectorAll("i")).toHaveLength(3);
  expect(first!.textContent).toContain("2 × act, 1 × ask");
  expect(second!.textContent).toContain("none yet");
});

test("schedules show what is to come by day, and what became of the rest", () => {
  portalView(model, el);
  const empty: Section = { name: "schedules", at: AT, missing: [], days: 7, known: 0, to_come: [], more: 0, past: [] };
  model.section(empty);
  expect(text('[data-section="schedules"]')).toContain("No schedules yet.");
  const slot = { schedule: "nightly", runbook: "health", due: "2026-11-25T02:30:00Z", count: 3, what: "", why: "", run: "" };
  model.section({ ...empty, known: 1, to_come: [slot], past: [{ ...slot, due: AT, count: 1, what: "missed", why: "nobody was there" }] });
  expect(text(".adp-day")).toBe("Tomorrow02:30 nightly and 2 more");
  expect(text('[data-section="schedules"] details')).toContain("nobody was there");
});
