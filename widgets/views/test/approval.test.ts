import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ApprovalCard, type Door, LOOK_MS, type Shown, WATCH_MS } from "../src/approval";

const NOW = Date.parse("2026-11-24T04:00:00Z");
const waiting: Shown = {
  operation: "op-1", title: "Restart workload", subject: "Deployment shop/cart", risk: "medium", reversible: false, why: "it leaks", asked_by: "bob",
  diff: [{ path: "spec.replicas", before: 3, after: 5 }, { path: "metadata.x", before: null, after: "<b>raw</b>" }],
  dry_run: "It would restart.", warnings: [], touches: "3 of 3 pods", undo: "", factors: ["a person asked → asks"], evidence: ["ev-1"], digest: "sha256:" + "a".repeat(64),
  role: "approvers", needed: 1, expires_at: "2026-11-24T04:10:00Z", state: "pending", stage: "awaiting", answers: [], outcome: null,
};
const yes = { granted: true, by: "alice", where: "portal from 10.0.0.1", at: "2026-11-24T04:00:05Z", words: "go on" };
const approved: Shown = { ...waiting, state: "granted", stage: "cleared", answers: [yes] };
const done = (result: string, words: string): Shown => ({
  ...approved, state: "used", stage: "closed", outcome: { result, words, at: "2026-11-24T04:01:00Z", checks: [{ name: "ready", judgement: "good", words: "3 of 3" }] },
});

class Executor implements Door {
  closed = "";
  now: Shown = waiting;
  refuses = "";
  asked: unknown[][] = [];
  looks = 0;
  look(): Promise<Shown> {
    this.looks += 1;
    return Promise.resolve(this.now);
  }
  answer(...asked: unknown[]): Promise<Shown> {
    this.asked.push(asked);
    return this.refuses ? Promise.reject(new Error(this.refuses)) : Promise.resolve((this.now = approved));
  }
}

let executor: Executor;
let card: ApprovalCard;

function shown(known: Partial<Shown> = {}): ApprovalCard {
  card = new ApprovalCard({ ...known, operation: "op-1" }, executor);
  document.body.append(card.element);
  return card;
}
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const find = <E extends HTMLElement>(selector: string): E => card.element.querySelector<E>(selector)!;
const button = (name: string): HTMLButtonElement => find(`[data-answer="${name}"]`);
const tag = (): string => find(".ada-tag").textContent ?? "";

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  document.body.replaceChildren();
  executor = new Executor();
});
afterEach(() => {
  card.destroy();
  vi.useRealTimers();
});

describe("a question", () => {
  test("shows all that it rests on, as text", async () => {
    shown();
    await settle();
    for (const text of ["Deployment shop/cart", "it leaks, asked by bob", "medium, 3 of 3 pods", "It cannot be taken back.", "It would restart.", "spec.replicas", "ev-1", "<b>raw</b>", "10:00 left"]) {
      expect(card.element.textContent).toContain(text);
    }
    expect(card.element.getAttribute("role")).toBe("alertdialog");
    expect(document.getElementById(card.element.getAttribute("aria-labelledby")!)?.textContent).toContain("Restart workload");
    await settle(1_000);
    expect(find(".ada-time").textContent).toBe("9:59 left");
  });

  test("takes no focus by itself, and deny has it when a person opened the card", async () => {
    shown();
    await settle(LOOK_MS);
    expect(document.activeElement).toBe(document.body);
    card.opened();
    expect(document.activeElement).toBe(button("deny"));
  });

  test("takes no focus from where somebody went meanwhile", async () => {
    const box = document.body.appendChild(document.createElement("textarea"));
    shown();
    card.opened();
    box.focus();
    await settle(LOOK_MS);
    expect(document.activeElement).toBe(box);
  });

  test("is answered once however often it is clicked, with the digest that the executor told", async () => {
    shown({ ...waiting, digest: "sha256:forged" });
    await settle();
    find<HTMLTextAreaElement>(".ada-comment").value = " go on ";
    button("approve").click();
    button("approve").click();
    button("deny").click();
    await settle();
    expect(executor.asked).toEqual([["op-1", waiting.digest, true, "go on"]]);
    expect(tag()).toBe("Approved, about to begin");
    expect(find(".ada-answers").textContent).toBe("Yes from alice, 04:00:05 UTC, portal from 10.0.0.1: go on");
  });

  test("what is refused is said, and the truth is looked up", async () => {
    shown();
    await settle();
    executor.refuses = "The question is denied already, by bob.";
    executor.now = { ...waiting, state: "denied", stage: "closed", answers: [{ ...yes, granted: false, by: "bob" }], outcome: { result: "not_applied", words: "bob said no.", checks: [], at: yes.at } };
    button("approve").click();
    await settle();
    expect(find(".ada-said").textContent).toContain("denied already, by bob");
    expect(tag()).toBe("Denied");
    expect(find(".ada-answers").textContent).toContain("No from bob");
    expect(find(".ada-form").hidden).toBe(true);
  });

  test("that was answered elsewhere shows it, and keeps what is being typed until then", async () => {
    shown();
    await settle();
    find<HTMLTextAreaElement>(".ada-comment").value = "half a";
    await settle(LOOK_MS);
    expect(find<HTMLTextAreaElement>(".ada-comment").value).toBe("half a");
    executor.now = approved;
    await settle(LOOK_MS);
    expect(find(".ada-form").hidden).toBe(true);
    executor.now = done("verified", "It helped.");
    await settle(WATCH_MS);
    expect(tag()).toBe("Applied and verified");
    const { looks } = executor;
    await settle(10 * LOOK_MS);
    expect(executor.looks).toBe(looks);
  });

  test("whose time is over cannot be answered", async () => {
    shown();
    await settle();
    await settle(600_000);
    expect(tag()).toBe("Expired");
    button("approve").click();
    await settle();
    expect(executor.asked).toEqual([]);
  });

  test("where nobody can answer says so", async () => {
    executor.closed = "Nobody can answer here.";
    shown();
    await settle();
    expect(card.element.textContent).toContain("Nobody can answer here.");
    expect(find(".ada-form").hidden).toBe(true);
  });
});

test.each([
  ["verified", "Applied and verified"],
  ["undone", "Undone"],
  ["unverified", "Applied, not verified"],
  ["undo_failed", "Undo failed"],
])("what came of it is told: %s", async (result, words) => {
  executor.now = done(result, "So it went.");
  shown();
  await settle();
  expect(tag()).toBe(words);
  expect(card.element.textContent).toContain("So it went.");
  expect(card.element.textContent).toContain("✓ ready: 3 of 3");
  expect(card.element.getAttribute("role")).toBe("group");
});

test("a message that says it waits, or is done, wakes no button and is corrected", async () => {
  executor.look = () => Promise.reject(new Error("The kernel does not answer."));
  shown({ ...waiting, state: "granted", outcome: null });
  await settle();
  expect(tag()).toBe("Asking how it stands");
  expect(find(".ada-said").textContent).toBe("The kernel does not answer.");
  button("approve").click();
  await settle();
  expect(executor.asked).toEqual([]);
});

test("another operation's state is not taken", async () => {
  executor.now = { ...waiting, operation: "op-2" };
  shown({ title: "Mine" });
  await settle();
  expect(tag()).toBe("Asking how it stands");
  expect(card.element.textContent).toContain("Mine");
});
