// What was asked before: a list that can be searched, each entry a way back to its turn.

import { h, icon } from "../../views/src/dom";
import type { Panel } from "./panel";
import type { Turn } from "./turn_state";
import { firstLine } from "./turn_state";

/** `jump` shows a turn and takes the focus there. */
export function showHistory(panel: Panel, turns: readonly Turn[], opener: HTMLElement, jump: (turn: Turn) => void): void {
  const search = h("input", { class: "adj-search", type: "search", placeholder: "Search questions and answers", "aria-label": "Search the conversation", spellcheck: "false" });
  const list = h("ol", { class: "adj-history", "aria-label": "Questions asked" });
  const count = h("p", { class: "adj-muted", role: "status" });
  const draw = (): void => {
    const found = matching(turns, search.value);
    list.replaceChildren(...found.map((turn) => entry(turn, search.value, jump)).reverse());
    count.textContent = search.value.trim() === "" ? "" : found.length === 0 ? "Nothing matches." : `${found.length} of ${turns.length}`;
  };
  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      list.querySelector("button")?.focus();
    }
  });
  list.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const buttons = [...list.querySelectorAll("button")];
    const next = buttons.indexOf(document.activeElement as HTMLButtonElement) + step;
    (next < 0 ? search : buttons[Math.min(next, buttons.length - 1)])?.focus();
  });
  draw();
  panel.show("history", "History", [h("header", {}, h("h4", {}, "History"), panel.closeButton("Close history")), search, count, list], opener, search);
}

/** The turns in which every word of `text` occurs, in question or answer. */
export function matching(turns: readonly Turn[], text: string): Turn[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return turns.filter((turn) => {
    const all = `${turn.question}\n${turn.text}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

function entry(turn: Turn, text: string, jump: (turn: Turn) => void): HTMLElement {
  const bad = turn.status === "failed" || turn.status === "stopped";
  const button = h("button", { type: "button" }, h("b", {}, turn.question), h("span", { class: "adj-muted" }, bad && icon(turn.status === "failed" ? "alert" : "square"), where(turn, text)));
  button.addEventListener("click", () => jump(turn));
  return h("li", {}, button);
}

/** The part of the answer that holds what is searched for; else how it begins. */
function where(turn: Turn, text: string): string {
  const word = text.toLowerCase().split(/\s+/).find((one) => one !== "" && !turn.question.toLowerCase().includes(one));
  const plain = turn.text.replace(/\[ev-[0-9a-z]+\]|\*\*|`/g, "").replace(/\s+/g, " ");
  const at = word === undefined ? -1 : plain.toLowerCase().indexOf(word);
  if (at < 0) return firstLine(turn);
  return `${at > 30 ? "…" : ""}${plain.slice(Math.max(0, at - 30), at + 90)}`;
}
