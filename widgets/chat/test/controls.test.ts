import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { matching } from "../src/history";
import chat from "../src/index";
import { packed } from "../src/deflate";
import { newTurn, type Turn } from "../src/turn_state";
import type { TurnEvent, TurnRecord } from "../src/wire";
import { FakeModel } from "./fake_model";

let model: FakeModel;
let host: HTMLElement;
let clean: (() => void)[];

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => (callback(), 0));
  vi.stubGlobal("cancelAnimationFrame", () => undefined);
  model = new FakeModel();
  model.state["takes_feedback"] = true;
  host = document.body.appendChild(document.createElement("div"));
  clean = [chat.initialize({ model })];
  clean.push(chat.render({ model, el: host }));
});
afterEach(() => {
  for (const done of clean.reverse()) done();
  host.remove();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const find = <E extends HTMLElement = HTMLElement>(selector: string): E => {
  const element = host.querySelector<E>(selector);
  if (!element) throw new Error(`nothing matches ${selector}`);
  return element;
};
const named = (label: string): HTMLElement => find(`[aria-label="${label}"]`);
const press = (key: string, target: Element): void => void target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const settled = (): Promise<void> => new Promise((done) => setTimeout(done));
const completed = (text: string, ...evidence: string[]): TurnEvent => ({
  type: "answer_completed",
  text,
  narrator: "built-in",
  note: "",
  investigation: null,
  follow_ups: [],
  evidence: evidence.map((id) => ({
    id, tool: "loki.query_range", arguments: {}, query: '{app="x"}', window: null, digest: "sha256:0", truncated: false, error: null,
    collected_at: "2026-11-24T09:00:00Z", duration_ms: 3, excerpt: "the beginning", excerpt_cut: true,
  })),
});

function answered(question: string, text: string, ...evidence: string[]): string {
  const box = find<HTMLTextAreaElement>("textarea.adj-input");
  box.value = question;
  box.dispatchEvent(new Event("input"));
  press("Enter", box);
  const id = model.asked();
  model.event(id, 0, { type: "turn_started", question });
  model.event(id, 1, completed(text, ...evidence));
  return id;
}

const reply = (type: string, rest: object): void => model.fire("msg:custom", { type, id: model.last(type)?.id, ...rest });

describe("earlier turns", () => {
  test("fold when the next question is asked, and open on a click", () => {
    answered("one", "First **line**.\n\nSecond.");
    answered("two", "Other.");
    const [first, second] = host.querySelectorAll<HTMLElement>(".adj-turn");
    expect(first!.querySelector(".adj-digest")!.textContent).toBe("First line.");
    expect(first!.querySelector<HTMLElement>(".adj-turn-body")!.hidden).toBe(true);
    expect(second!.querySelector<HTMLElement>(".adj-turn-body")!.hidden).toBe(false);
    first!.querySelector("button")!.click();
    expect(first!.querySelector<HTMLElement>(".adj-turn-body")!.hidden).toBe(false);
  });

  test("of a saved conversation only the last is open", async () => {
    const saved = await Promise.all(["a", "b", "c"].map(async (id): Promise<TurnRecord> => ({ id, question: id, packed: await packed([completed(id)]) })));
    model.set("turns", saved);
    await vi.waitFor(() => expect(host.querySelectorAll(".adj-turn")).toHaveLength(3));
    expect([...host.querySelectorAll(".adj-question-toggle")].map((toggle) => toggle.getAttribute("aria-expanded"))).toEqual(["false", "false", "true"]);
  });
});

describe("history", () => {
  test.each([["", 3], ["disk", 1], ["DISK payment", 1], ["payment", 2], ["nothing", 0]])("%j finds %s", (text, count) => {
    const turns = [["why is payment slow?", "The disk is full."], ["status?", "All well."], ["and payment?", "Well."]].map(([question, answer]): Turn => ({ ...newTurn("t", question!), text: answer! }));
    expect(matching(turns, text)).toHaveLength(count);
  });

  test("searches, and jumps to a turn that is folded", () => {
    answered("why is payment slow?", "The disk is full.");
    answered("status?", "All well.");
    named("History").click();
    const search = find<HTMLInputElement>(".adj-search");
    expect(document.activeElement).toBe(search);
    search.value = "disk";
    search.dispatchEvent(new Event("input"));
    expect(find(".adj-history").textContent).toBe("why is payment slow?The disk is full.");
    press("ArrowDown", search);
    (document.activeElement as HTMLElement).click();
    expect(document.activeElement!.textContent).toBe("why is payment slow?");
    expect(document.activeElement!.getAttribute("aria-expanded")).toBe("true");
  });
});

test("a question is edited in the composer, and what was typed there comes back", () => {
  answered("wyh?", "Pardon?");
  const box = find<HTMLTextAreaElement>("textarea.adj-input");
  box.value = "a draft";
  box.dispatchEvent(new Event("input"));
  named("Edit the question").click();
  expect([box.value, document.activeElement]).toEqual(["wyh?", box]);
  press("ArrowDown", box);
  expect(box.value).toBe("a draft");
});

test("an answer is judged at once, explained after, and what was said last counts", async () => {
  const id = answered("q", "a");
  named("This did not help").click();
  expect(model.last("feedback")).toMatchObject({ turn: id, thumb: -1, comment: "" });
  reply("feedback", {});
  const comment = named("Comment on this answer") as HTMLTextAreaElement;
  comment.value = "the wrong pod";
  press("Enter", comment);
  expect(model.last("feedback")).toMatchObject({ thumb: -1, comment: "the wrong pod" });
  reply("feedback", { error: { message: "The disk is full.", next_step: "Free some space." } });
  await settled();
  expect(find(".adj-thumbs").textContent).toBe("The disk is full. Free some space.");
  expect(named("This did not help").getAttribute("aria-pressed")).toBe("true");
});

test("evidence shows its beginning, then what the kernel has of it", async () => {
  const id = answered("q", "Down [ev-aaaa1111].", "ev-aaaa1111");
  find(".adj-cite").click();
  expect(find(".adj-data").textContent).toBe("the beginning");
  expect(model.last("data")).toMatchObject({ turn: id, evidence: "ev-aaaa1111" });
  reply("data", { text: "the beginning and the end", cut: false });
  await settled();
  expect(find(".adj-data").textContent).toBe("the beginning and the end");
  press("Escape", find(".adj-panel"));
  expect(document.activeElement).toBe(find(".adj-cite"));
});

describe("write postmortem", () => {
  const button = (): HTMLElement => [...host.querySelectorAll<HTMLElement>("button")].find((one) => one.textContent === "Write postmortem")!;
  const about = (incident: string): string => {
    const box = find<HTMLTextAreaElement>("textarea.adj-input");
    box.value = "q";
    box.dispatchEvent(new Event("input"));
    press("Enter", box);
    model.event(model.asked(), 0, { type: "turn_started", question: "q", incident });
    model.event(model.asked(), 1, completed("a"));
    return model.asked();
  };

  test("an answer about no incident has no such button", () => {
    answered("q", "a");
    expect(button()).toBeUndefined();
  });

  test("it is asked for once, keeps the focus, and tells where it is when nobody opens it", async () => {
    const id = about("inc-1");
    const write = button();
    write.focus();
    write.click();
    write.click();
    expect(model.sent.filter((message) => message.type === "postmortem")).toMatchObject([{ turn: id }]);
    expect(write.getAttribute("aria-disabled")).toBe("true");
    expect(find('.adj-below').textContent).toContain("inc-1");
    expect(document.activeElement).toBe(write);
    reply("postmortem", { run: "r1", where: "artifacts/r1" });
    await settled();
    expect(find(".adj-below").textContent).toContain("artifacts/r1");
    expect(write.hasAttribute("aria-disabled")).toBe(false);
  });

  test("the portal or JupyterLab opens its report, as often as is wanted", async () => {
    about("inc-1");
    const opened = vi.fn((event: Event) => event.preventDefault());
    window.addEventListener("autodevops:open-run", opened);
    button().click();
    reply("postmortem", { run: "r1", where: "/w/artifacts/r1", beside: "artifacts/r1" });
    await settled();
    find(".adj-below .adj-row button").click();
    const asked = { run: "r1", beside: "artifacts/r1", node: find(".adj-below .adj-row").parentElement };
    expect(opened.mock.calls.map(([event]) => (event as CustomEvent).detail)).toEqual([asked, asked]);
    window.removeEventListener("autodevops:open-run", opened);
  });

  test("what went wrong is told, and it can be tried again", async () => {
    about("inc-1");
    button().click();
    reply("postmortem", { error: { message: "There is no incident inc-1.", next_step: "List them." } });
    await settled();
    expect(find(".adj-failure").textContent).toBe("There is no incident inc-1. List them.");
    expect(button().hasAttribute("aria-disabled")).toBe(false);
  });
});

describe("insert as cells", () => {
  const cells = [{ cell_type: "markdown", source: "Down." }, { cell_type: "code", source: "logs.query('x')" }];
  const button = (): HTMLElement => [...host.querySelectorAll<HTMLElement>("button")].find((one) => one.textContent === "Insert as cells")!;

  test("whoever listens inserts them", async () => {
    const id = answered("q", "a");
    const seen = vi.fn((event: Event) => (event as CustomEvent<{ done(value: boolean): void }>).detail.done(true));
    window.addEventListener("autodevops:insert-cells", seen, { once: true });
    button().click();
    expect(model.last("cells")).toMatchObject({ turn: id });
    reply("cells", { cells });
    await settled();
    expect((seen.mock.calls[0]![0] as CustomEvent<{ cells: unknown }>).detail.cells).toEqual(cells);
    expect(find(".adj-answer-tools").textContent).toContain("Inserted below");
  });

  test("where nobody does, they can be copied or taken along", async () => {
    answered("q", "a");
    button().click();
    reply("cells", { cells });
    await vi.waitFor(() => expect(find(".adj-offer").textContent).toContain("Download notebook"));
    const written: string[] = [];
    vi.stubGlobal("navigator", { clipboard: { writeText: (text: string) => (written.push(text), Promise.resolve()) } });
    find('.adj-offer [aria-label="Copy as code"]').click();
    expect(written).toEqual(["# Down.\n\nlogs.query('x')"]);
  });

  test("a kernel that does not answer is named", async () => {
    answered("q", "a");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    button().click();
    await vi.advanceTimersByTimeAsync(16_000);
    expect(find(".adj-offer").textContent).toContain("kernel does not answer");
  });
});

test("the export menu is worked by keys, and Esc closes it before anything else", () => {
  answered("q", "a");
  const menu = named("Export");
  menu.click();
  expect(document.activeElement!.textContent).toContain("Notebook");
  press("ArrowDown", document.activeElement!);
  expect(document.activeElement!.textContent).toContain("Markdown");
  press("Escape", document.activeElement!);
  expect([document.activeElement, find(".adj-menu").hidden]).toEqual([menu, true]);
  expect(model.last("stop")).toBeUndefined();
});

test.each(["", "meanwhile"])("a change that waits is a card whose deny has the focus, unless %j is being typed; the answer goes by id and digest", async (typed) => {
  model.state["answers"] = "kernel";
  const box = find<HTMLTextAreaElement>("textarea.adj-input");
  box.value = "restart cart";
  box.dispatchEvent(new Event("input"));
  press("Enter", box);
  box.focus();
  const id = model.asked();
  model.event(id, 0, { type: "turn_started", question: "restart cart" });
  model.event(id, 1, { type: "action_proposed", operation: "op-1", title: "Restart workload" });
  model.event(id, 2, { type: "action_proposed", operation: "op-1", title: "Restart workload" });
  expect(host.querySelectorAll(".ada")).toHaveLength(1);
  const looked = model.last("operation") as { id: string; operation: string };
  expect(looked.operation).toBe("op-1");
  const operation = { operation: "op-1", title: "Restart workload", digest: "sha256:1", state: "pending", stage: "awaiting", expires_at: new Date(Date.now() + 60_000).toISOString(), answers: [], outcome: null };
  box.value = typed;
  model.fire("msg:custom", { type: "operation", id: looked.id, operation });
  await settled();
  expect(document.activeElement).toBe(typed ? box : find('[data-answer="deny"]'));
  find<HTMLButtonElement>('[data-answer="deny"]').click();
  const { id: _, ...sent } = model.last("approve")!;
  expect(sent).toEqual({ type: "approve", operation: "op-1", digest: "sha256:1", yes: false, comment: "" });
});
