// Where a question is typed. Enter sends, Shift+Enter is a new line, Esc stops, arrow-up brings back the last question.

import { h, icon } from "../../views/src/dom";
import { Attachment } from "./attachment";
import type { Store } from "./store";

const TALLEST = 180; // pixels, about eight lines

export class Composer {
  readonly element: HTMLElement;
  readonly input = h("textarea", { class: "adj-input", rows: 1, "aria-label": "Question for Jamie", placeholder: "Ask about your systems", spellcheck: "false" });
  private readonly send = h("button", { class: "adj-send", type: "button", "aria-label": "Send" }, icon("up"));
  private readonly attachment = new Attachment();
  private recalled = -1;
  /** What was typed before an earlier question came in its place; arrow-down brings it back. */
  private typed = "";

  constructor(private readonly store: Store, private readonly sent: () => void) {
    this.element = h(
      "div",
      { class: "adj-composer" },
      this.attachment.element,
      h("div", { class: "adj-field" }, this.input, this.send),
      h("div", { class: "adj-hint", "aria-hidden": "true" }, h("span", {}, h("kbd", {}, "Enter"), " sends"), h("span", {}, h("kbd", {}, "Shift Enter"), " new line"), h("span", {}, h("kbd", {}, "Esc"), " stops")),
    );
    this.input.value = store.draft;
    this.input.addEventListener("input", () => this.edited());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("focus", this.attachment.look);
    this.send.addEventListener("click", () => (this.store.running ? this.store.stop() : this.submit()));
    this.element.querySelector(".adj-field")?.addEventListener("click", () => this.input.focus());
    this.update();
  }

  update(): void {
    const running = this.store.running !== undefined;
    const before = this.send.dataset["mode"];
    const mode = running ? "stop" : "send";
    if (before !== mode) {
      this.send.dataset["mode"] = mode;
      this.send.setAttribute("aria-label", running ? "Stop" : "Send");
      this.send.title = running ? "Stop (Esc)" : "Send (Enter)";
      this.send.replaceChildren(icon(running ? "square" : "up"));
    }
    this.send.disabled = !running && this.input.value.trim() === "";
  }

  destroy(): void {
    this.attachment.destroy();
  }

  grow(): void {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, TALLEST)}px`;
  }

  /** An earlier question to change and send again. */
  edit(question: string): void {
    if (this.recalled < 0) this.typed = this.input.value;
    this.recalled = Math.max(this.asked.indexOf(question), 0);
    this.fill(question);
    this.input.focus();
    this.input.setSelectionRange(question.length, question.length);
  }

  private get asked(): string[] {
    return this.store.turns.map((turn) => turn.question).reverse();
  }

  private submit(): void {
    if (this.store.running || this.input.value.trim() === "") return;
    const question = this.input.value;
    this.fill("");
    this.recalled = -1;
    this.typed = "";
    this.store.ask(question, this.attachment.take());
    this.sent();
  }

  private fill(text: string): void {
    this.input.value = text;
    this.edited();
  }

  private edited(): void {
    this.store.draft = this.input.value;
    this.grow();
    this.update();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && this.input.selectionEnd === 0) {
      this.recall(event, 1);
    } else if (event.key === "ArrowDown" && this.recalled >= 0) {
      this.recall(event, -1);
    }
  }

  private recall(event: KeyboardEvent, step: number): void {
    const { asked } = this;
    const next = this.recalled + step;
    if (next >= asked.length) return;
    event.preventDefault();
    if (this.recalled < 0) this.typed = this.input.value;
    this.recalled = Math.max(next, -1);
    this.fill(asked[this.recalled] ?? this.typed);
    this.input.setSelectionRange(0, 0);
  }
}
