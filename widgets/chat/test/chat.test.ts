import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import chat from "../src/index";
import { packed, unpacked } from "../src/deflate";
import { fitted } from "../src/store";
import type { Chart, TurnEvent, TurnRecord } from "../src/wire";
import { FakeModel } from "./fake_model";

let model: FakeModel;
let host: HTMLElement;
let clean: (() => void)[];

function render(): void {
  clean.push(chat.render({ model, el: host }));
}

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => (callback(), 0));
  vi.stubGlobal("cancelAnimationFrame", () => undefined);
  model = new FakeModel();
  host = document.body.appendChild(document.createElement("div"));
  clean = [chat.initialize({ model })];
});
afterEach(() => {
  for (const done of clean.reverse()) done();
  host.remove();
  vi.unstubAllGlobals();
});

const find = <E extends Element = HTMLElement>(selector: string): E => {
  const element = host.querySelector<E>(selector);
  if (!element) throw new Error(`nothing matches ${selector}`);
  return element;
};
const box = (): HTMLTextAreaElement => find<HTMLTextAreaElement>("textarea");
const press = (key: string, more: KeyboardEventInit = {}, on: Element = box()): KeyboardEvent => {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  on.dispatchEvent(event);
  return event;
};
const type = (text: string): void => {
  box().value = text;
  box().dispatchEvent(new Event("input"));
};
const ask = (text: string): string => {
  type(text);
  press("Enter");
  return model.asked();
};
const completed = (text: string): TurnEvent => ({ type: "answer_completed", text, narrator: "built-in", note: "", evidence: [], investigation: null, follow_ups: ["And now?"] });
const call = (id: string): TurnEvent => ({ type: "tool_call_started", call_id: id, tool: "loki.query_range", arguments: { limit: 5 }, query: '{app="x"}' });

describe("asking", () => {
  test("an example question is sent as it stands", () => {
    render();
    find<HTMLButtonElement>(".adj-suggestion").click();
    expect(model.sent.at(-1)).toMatchObject({ type: "ask", question: "Why are requests failing?" });
  });

  test("Enter sends, Shift+Enter does not, and nothing empty is sent", () => {
    render();
    type("  ");
    press("Enter");
    type("hello");
    expect(press("Enter", { shiftKey: true }).defaultPrevented).toBe(false);
    expect(model.asked()).toBe("");
    press("Enter");
    expect(model.sent.at(-1)).toMatchObject({ type: "ask", question: "hello" });
    expect(box().value).toBe("");
  });

  test("what is selected beside the chat goes along when it was marked, or its button is pressed", () => {
    let now = { label: "cell [3]", text: "print(1)", chosen: false };
    const offer = (event: Event): void => (event as CustomEvent<{ offer(offered: object): void }>).detail.offer(now);
    render();
    ask("alone");
    expect(model.sent.at(-1)).not.toHaveProperty("selection");
    model.event(model.asked(), 0, completed("ok"));
    window.addEventListener("autodevops:selection", offer);
    box().focus();
    const button = find<HTMLButtonElement>(".adj-attachment");
    expect([button.hidden, button.textContent]).toEqual([false, "Take cell [3] along"]);
    ask("without");
    expect(model.sent.at(-1)).not.toHaveProperty("selection");
    model.event(model.asked(), 0, completed("ok"));
    button.click();
    ask("with");
    expect(model.sent.at(-1)).toMatchObject({ selection: { label: "cell [3]", text: "print(1)" } });
    model.event(model.asked(), 0, completed("ok"));
    now = { label: "the marked text of cell [3]", text: "x".repeat(99_999), chosen: true };
    ask("marked");
    expect((model.sent.at(-1) as unknown as { selection: { text: string } }).selection.text).toHaveLength(50_000);
    window.removeEventListener("autodevops:selection", offer);
  });

  test("a second question waits for the first; Esc stops it", () => {
    render();
    const id = ask("one");
    ask("two");
    expect(model.sent.filter((message) => message.type === "ask")).toHaveLength(1);
    press("Escape");
    expect(model.sent.at(-1)).toEqual({ type: "stop", id });
  });

  test("arrow up brings back what was asked", () => {
    render();
    const id = ask("one");
    model.event(id, 0, completed("done"));
    type("");
    press("ArrowUp");
    expect(box().value).toBe("one");
    press("ArrowDown");
    expect(box().value).toBe("");
  });

  test("keys stay in the widget, but for the one that saves", () => {
    render();
    const seen = vi.fn();
    document.body.addEventListener("keydown", seen);
    press("a");
    press("Enter", { shiftKey: true });
    expect(seen).not.toHaveBeenCalled();
    press("s", { ctrlKey: true });
    expect(seen).toHaveBeenCalledOnce();
    document.body.removeEventListener("keydown", seen);
  });
});

describe("an answer", () => {
  test("streams text, shows calls with their state, and folds them when it is there", () => {
    render();
    const id = ask("why?");
    model.event(id, 0, { type: "turn_started", question: "why?" });
    model.event(id, 1, call("c1"));
    expect(find(".adj-card").dataset["state"]).toBe("running");
    expect(find(".adj-cards").hidden).toBe(false);
    model.event(id, 2, { type: "tool_call_finished", call_id: "c1", evidence: "ev-aaaa1111", ok: false, preview: "timeout", duration_ms: 10 });
    expect(find(".adj-card").dataset["state"]).toBe("failed");
    model.event(id, 3, { type: "text_delta", text: "Because **x" });
    model.event(id, 4, { type: "text_delta", text: "** [ev-aaaa1111]." });
    expect(find(".adj-markdown strong").textContent).toBe("x");
    expect(find(".adj-cards").hidden).toBe(true);
    model.event(id, 5, completed("Because **x** [ev-aaaa1111]."));
    expect(find(".adj-turn").dataset["status"]).toBe("done");

    find<HTMLButtonElement>(".adj-cite").click();
    expect(find(".adj-panel").textContent).toContain('{app="x"}');
    press("Escape", {}, find(".adj-panel"));
    expect(find(".adj-panel").hidden).toBe(true);
    find<HTMLButtonElement>(".adj-follow-ups button").click();
    expect(model.sent.at(-1)).toMatchObject({ type: "ask", question: "And now?" });
  });

  test("events out of order, twice or malformed do no harm", () => {
    render();
    const id = ask("q");
    model.event(id, 1, { type: "text_delta", text: "b" });
    model.event(id, 0, { type: "text_delta", text: "a" });
    model.event(id, 0, { type: "text_delta", text: "a" });
    for (const bad of [null, 7, {}, { type: "events" }, { type: "events", turn: id, seq: 2 }, { type: "events", turn: id, seq: 2, events: [null] }]) model.fire("msg:custom", bad);
    expect(find(".adj-markdown").textContent).toBe("ab");
  });

  test("a failed turn says what to do and can be asked again", () => {
    render();
    const id = ask("q");
    model.event(id, 0, { type: "turn_failed", message: "No namespace shopp.", next_step: "Name one of: shop.", code: "usage", cancelled: false });
    expect(find("[role=alert]").textContent).toContain("Name one of: shop.");
    find<HTMLButtonElement>("[aria-label='Ask again']").click();
    expect(model.sent.at(-1)).toMatchObject({ type: "ask", question: "q" });
  });

  test("silence is explained", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    render();
    ask("q");
    vi.advanceTimersByTime(7_000);
    expect(find(".adj-waiting").textContent).toContain("kernel has not answered");
    vi.useRealTimers();
  });
});

describe("the conversation outlives a view", () => {
  const record = async (id: string, ...events: TurnEvent[]): Promise<TurnRecord> => ({ id, question: "before?", packed: await packed(events) });

  test("what the trait holds is shown", async () => {
    model.set("turns", [await record("old", completed("It was **fine**."))]);
    render();
    await vi.waitFor(() => expect(find(".adj-question-text").textContent).toBe("before?"));
    expect(find(".adj-markdown").textContent).toBe("It was fine.");
  });

  test("a finished turn is kept in the model, without what its end repeats", async () => {
    render();
    const id = ask("q");
    model.event(id, 0, { type: "text_delta", text: "half" });
    model.event(id, 1, completed("half and half"));
    await vi.waitFor(() => expect(model.state["turns"]).toHaveLength(1));
    const [kept] = model.state["turns"] as TurnRecord[];
    expect(kept).toMatchObject({ id, question: "q" });
    expect(await unpacked(kept!.packed)).toMatchObject([{ type: "answer_completed", text: "half and half" }]);
  });

  test("a conversation too large to keep loses its oldest charts first, then its oldest turns", async () => {
    const noise = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(3_000))));
    const chart: TurnEvent = { type: "chart_ready", chart: { type: "logs", title: noise, records: [], evidence: [] } as unknown as Chart };
    const records = await Promise.all(["old", "new", "newest"].map((id) => record(id, chart, completed(id))));
    const counts = async (limit: number): Promise<number[]> => Promise.all((await fitted(records, limit)).map(async (kept) => ((await unpacked(kept.packed)) as TurnEvent[]).length));
    expect([await counts(100_000), await counts(9_500), await counts(5_000), await counts(100)]).toEqual([[2, 2, 2], [1, 2, 2], [1, 1, 2], [2]]);
  });

  test("long events arrive deflated and keep their place", async () => {
    render();
    const id = ask("q");
    const bytes = Uint8Array.from(atob(await packed([{ type: "text_delta", text: "a" }])), (character) => character.charCodeAt(0));
    model.fire("msg:custom", { type: "events", turn: id, seq: 0 }, [new DataView(bytes.buffer)]);
    model.event(id, 1, { type: "text_delta", text: "b" });
    await vi.waitFor(() => expect(find(".adj-markdown").textContent).toBe("ab"));
  });

  test("a second view shows a running turn, and both follow it", () => {
    render();
    const id = ask("q");
    model.event(id, 0, { type: "text_delta", text: "half" });
    const other = document.createElement("div");
    clean.push(chat.render({ model, el: other }));
    model.event(id, 1, { type: "text_delta", text: " way" });
    expect([find(".adj-markdown").textContent, other.querySelector(".adj-markdown")?.textContent]).toEqual(["half way", "half way"]);
  });

  test("a turn joined midway is asked for from its beginning", () => {
    render();
    model.event("elsewhere", 5, { type: "text_delta", text: "late" });
    expect(model.sent.at(-1)).toEqual({ type: "sync" });
    for (let seq = 0; seq < 5; seq += 1) model.event("elsewhere", seq, { type: "text_delta", text: `${seq}` });
    expect(find(".adj-markdown").textContent).toBe("01234late");
  });

  test("a typed draft survives a view that is drawn again", () => {
    render();
    type("half a ques");
    clean.pop()?.();
    expect(host.childElementCount).toBe(0);
    render();
    expect(box().value).toBe("half a ques");
  });

  test("cleaning up leaves no listener", () => {
    render();
    for (const done of clean.reverse()) done();
    clean = [];
    expect(model.listeners()).toBe(0);
  });
});

test("charts, traces and logs are drawn from their events", () => {
  render();
  const id = ask("q");
  const series = ["a", "b"].map((name, index) => ({ labels: { service: name }, samples: [[0, index], [60, null], [120, index + 1]] as [number, number | null][] }));
  model.event(id, 0, { type: "chart_ready", chart: { type: "metric", title: "Errors", unit: "1", series, legend: "service", marks: [{ at: "1970-01-01T00:01:00Z", kind: "onset", label: "start" }], evidence: ["ev-aaaa1111"] } });
  model.event(id, 1, { type: "chart_ready", chart: { type: "logs", title: "Logs", records: [{ timestamp: "2026-11-24T09:00:00Z", body: "<b>x</b>", severity: "error", attributes: { pod: "p" }, trace_id: "t1" }], evidence: [] } });
  const plot = find<SVGSVGElement>(".adj-plot");
  expect(plot.querySelectorAll(".adj-line")).toHaveLength(2);
  expect(plot.querySelector(".adj-mark-onset text")?.textContent).toBe("start");
  press("ArrowLeft", {}, plot);
  expect(find(".adj-tip").textContent).toBe("1970-01-01 00:02:00 UTCb200 %a100 %");
  find<HTMLButtonElement>(".adj-legend-item").click();
  expect(plot.querySelectorAll(".adj-line")).toHaveLength(1);
  expect(find(".adj-log-body").textContent).toBe("<b>x</b>");
  find<HTMLButtonElement>(".adj-level-error").click();
  expect(host.querySelector(".adj-log-body")).toBeNull();
});
