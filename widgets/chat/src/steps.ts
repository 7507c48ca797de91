// What was asked of the systems: one card a tool call, folded to one line once the answer is there.

import { copyButton, h, icon } from "../../views/src/dom";
import { duration } from "../../views/src/format";
import type { TurnScope } from "../../views/src/scope";
import type { ToolCall, Turn } from "./turn_state";

interface Card {
  element: HTMLElement;
  finished: boolean;
}

export class StepsView {
  readonly element = h("div", { class: "adj-steps", hidden: true });
  private readonly summary = h("span", { class: "adj-steps-summary" });
  private readonly toggle = h("button", { class: "adj-toggle", type: "button", "aria-expanded": "true" }, icon("chevron"), this.summary);
  private readonly body = h("div", { class: "adj-cards" });
  private readonly cards: Card[] = [];
  private touched = false;

  constructor(private readonly scope: TurnScope) {
    this.element.append(this.toggle, this.body);
    this.toggle.addEventListener("click", () => {
      this.touched = true;
      this.open(this.body.hidden === true);
    });
  }

  update(turn: Turn): void {
    this.element.hidden = turn.calls.length === 0;
    for (const [index, call] of turn.calls.entries()) {
      const card = this.cards[index];
      if (!card) {
        const element = this.card(call);
        this.cards.push({ element, finished: call.finished !== undefined });
        this.body.append(element);
        if (!call.finished) this.body.scrollTop = this.body.scrollHeight;
      } else if (call.finished && !card.finished) {
        const element = this.card(call);
        card.element.replaceWith(element);
        this.cards[index] = { element, finished: true };
      }
    }
    this.summary.replaceChildren(...this.summarised(turn));
    // Folded as soon as there is something better to read, unless the reader decided.
    if (!this.touched) this.open(turn.status === "running" && turn.text === "");
  }

  private open(value: boolean): void {
    this.body.hidden = !value;
    this.toggle.setAttribute("aria-expanded", String(value));
  }

  private summarised(turn: Turn): Node[] {
    const done = turn.calls.filter((call) => call.finished);
    const failed = done.filter((call) => !call.finished?.ok).length;
    const systems = [...new Set(turn.calls.map((call) => system(call.started.tool)))];
    const running = turn.status === "running" && done.length < turn.calls.length;
    const text = running ? `Asking ${systems.join(", ")}` : `${turn.calls.length} ${turn.calls.length === 1 ? "query" : "queries"} to ${systems.join(", ")}`;
    const nodes: Node[] = [h("span", {}, text)];
    if (running) nodes.push(h("span", { class: "adj-muted" }, `${done.length} of ${turn.calls.length}`));
    if (failed) nodes.push(h("span", { class: "adj-bad" }, `${failed} failed`));
    return nodes;
  }

  private card(call: ToolCall): HTMLElement {
    const { started, finished } = call;
    const state = !finished ? "running" : finished.ok ? "ok" : "failed";
    const names = { running: "Running", ok: "Succeeded", failed: "Failed" };
    const mark = h("span", { class: "adj-state", role: "img", "aria-label": names[state] }, state === "ok" && icon("check"), state === "failed" && icon("cross"));
    const head = h(
      "button",
      { class: "adj-card-head", type: "button", "aria-expanded": "false" },
      mark,
      h("span", { class: "adj-tool" }, h("span", { class: `adj-system adj-system-${system(started.tool)}` }, system(started.tool)), started.tool.split(".").slice(1).join(".")),
      h("code", { class: "adj-card-query" }, started.query),
      h("span", { class: "adj-card-preview" }, finished?.preview),
      h("span", { class: "adj-card-time" }, finished ? duration(finished.duration_ms) : ""),
    );
    const element = h("div", { class: `adj-card adj-card-${state}`, "data-state": state }, head);
    let detail: HTMLElement | undefined;
    head.addEventListener("click", () => {
      if (detail) detail.hidden = !detail.hidden;
      else element.append((detail = this.detail(call)));
      head.setAttribute("aria-expanded", String(!detail.hidden));
    });
    return element;
  }

  private detail({ started, finished }: ToolCall): HTMLElement {
    return h(
      "div",
      { class: "adj-card-detail" },
      h("pre", {}, started.query),
      finished && h("p", {}, finished.preview),
      h("dl", { class: "adj-pairs" }, ...Object.entries(started.arguments).filter(([, value]) => value !== started.query).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, typeof value === "string" ? value : JSON.stringify(value))])),
      h("div", { class: "adj-row" }, copyButton(started.query, "Copy the query"), finished && this.scope.cite(finished.evidence)),
    );
  }
}

export function system(tool: string): string {
  return tool.split(".")[0] ?? tool;
}
