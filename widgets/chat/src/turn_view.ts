// One question and its answer. The answer comes first, then why, then what it was drawn from.

import { ApprovalCard } from "../../views/src/approval";
import { h, icon } from "../../views/src/dom";
import { drawn } from "../../views/src/drawn";
import { answerTools } from "./answer_tools";
import { showEvidence } from "./evidence";
import { CITATION, MarkdownView } from "./markdown";
import { colours, Cursor, type Part, type TurnScope } from "../../views/src/scope";
import { StepsView, system } from "./steps";
import type { Panel } from "./panel";
import type { Store } from "./store";
import { cited, firstLine, type Turn } from "./turn_state";
import { findings, hypothesisTable, missing, nextSteps, timeline, verdictLine } from "../../views/src/verdict";

/** What a turn needs of the view around it. */
export interface Surroundings {
  store: Store;
  panel: Panel;
  ask(question: string): void;
  edit(question: string): void;
}

const LONG_QUESTION = 500; // characters: pasted text scrolls by itself, so that the answer is in sight
export class TurnView {
  readonly element: HTMLElement;
  private readonly toggle = h("button", { class: "adj-question-toggle", type: "button", "aria-expanded": "true" });
  private readonly digest = h("p", { class: "adj-digest", hidden: true });
  private readonly body = h("div", { class: "adj-turn-body" });
  private readonly context = h("div", { class: "adj-context" });
  private readonly waiting = h("div", { class: "adj-waiting" }, h("span", { class: "adj-pulse", "aria-hidden": "true" }), h("span", {}, "Working"));
  private readonly verdict = h("div");
  /** Between the words and the charts: what a reader may act on. A card that asks for approval belongs first in it. */
  private readonly actions = h("div", { class: "adj-actions" });
  private readonly charts = h("div", { class: "adj-charts" });
  private readonly ending = h("div", { class: "adj-ending" });
  private readonly steps: StepsView;
  private readonly text: MarkdownView;
  private readonly scope: TurnScope;
  private readonly parts: Part[] = [];
  private readonly cards: ApprovalCard[] = [];
  private order: string[] = [];
  private finished = false;

  constructor(
    private readonly turn: Turn,
    private readonly around: Surroundings,
    private opened: boolean,
  ) {
    this.scope = { cite: (id) => this.citation(id), ask: around.ask, cursor: new Cursor(), colour: colours() };
    this.steps = new StepsView(this.scope);
    this.text = new MarkdownView(this.scope.cite);
    this.body.append(this.context, this.steps.element, this.verdict, this.text.element, this.waiting, this.actions, this.charts, this.ending);
    this.element = h("article", { class: "adj-turn", "data-turn": turn.id }, h("h3", { class: "adj-question-text" }, this.toggle), this.digest, this.body);
    this.toggle.addEventListener("click", () => this.open(!this.opened));
    this.digest.addEventListener("click", () => this.open(true));
    this.open(opened);
  }

  /** A folded turn shows how its answer begins; its charts are drawn when it is opened. */
  open(value: boolean): void {
    this.opened = value;
    this.toggle.setAttribute("aria-expanded", String(value));
    this.element.classList.toggle("adj-turn-folded", !value);
    this.body.hidden = !value;
    this.digest.hidden = value;
    this.update();
  }

  focus(): void {
    this.toggle.focus({ preventScroll: true });
  }

  update(): void {
    const { turn } = this;
    this.element.dataset["status"] = turn.status;
    this.toggle.textContent = turn.question;
    this.toggle.parentElement?.classList.toggle("adj-question-long", turn.question.length > LONG_QUESTION);
    this.element.setAttribute("aria-label", turn.question);
    if (!this.opened) {
      this.digest.textContent = firstLine(turn);
      return;
    }
    this.showContext();
    this.steps.update(turn);
    this.text.update(turn.text);
    while (this.parts.length < turn.charts.length) {
      const chart = turn.charts[this.parts.length];
      if (!chart) break;
      const part = drawn(chart, this.scope);
      this.parts.push(part);
      this.charts.append(part.element);
    }
    while (this.cards.length < turn.proposals.length) {
      const card = new ApprovalCard(turn.proposals[this.cards.length]!, this.around.store.door, this.scope.cite);
      const before = this.cards.at(-1)?.element;
      this.cards.push(card);
      if (before) before.after(card.element);
      else this.actions.prepend(card.element);
      // Who asked in this view, and types nothing else, is given the careful answer to press.
      if (!turn.restored && this.element.closest(".adj")?.contains(document.activeElement) && !this.around.store.draft.trim()) card.opened();
    }
    const running = turn.status === "running";
    this.waiting.hidden = !running;
    this.waiting.lastElementChild!.textContent = doing(turn);
    if (!running && !this.finished) this.finish();
    this.number();
  }

  destroy(): void {
    for (const part of this.parts) part.destroy();
    for (const card of this.cards) card.destroy();
  }

  /** Said when nothing came back for a while: the kernel runs another cell, or is gone. */
  silent(): void {
    if (this.turn.status === "running" && this.turn.calls.length === 0 && !this.turn.context) {
      this.waiting.lastElementChild!.textContent = "The kernel has not answered yet: it is busy with a cell, or it was stopped.";
    }
  }

  private showContext(): void {
    const { context } = this.turn;
    if (!context || this.context.childNodes.length) return;
    const chips = [context.namespace && `namespace ${context.namespace}`, context.subject, context.window, context.about && `with ${context.about}`];
    this.context.append(chips.filter(Boolean).join("  ·  "));
  }

  private finish(): void {
    this.finished = true;
    const { answer, failure } = this.turn;
    if (failure) {
      this.ending.append(
        h(
          "div",
          { class: failure.cancelled ? "adj-end adj-end-stopped" : "adj-end adj-end-failed", role: failure.cancelled ? "status" : "alert" },
          icon(failure.cancelled ? "square" : "alert"),
          h("div", {}, h("b", {}, failure.message), failure.next_step && h("p", {}, failure.next_step)),
        ),
        this.tools(),
      );
      return;
    }
    if (!answer) {
      this.ending.append(h("div", { class: "adj-end adj-end-stopped" }, icon("square"), h("div", {}, h("b", {}, "This answer was not finished."))), this.tools());
      return;
    }
    const { investigation } = answer;
    if (investigation) {
      this.verdict.append(verdictLine(investigation));
      this.actions.append(...[nextSteps(investigation, answer.text), hypothesisTable(investigation, this.scope)].filter((node) => node !== null));
    }
    const folds = [findings(this.turn.findings, this.scope), investigation && timeline(investigation, answer.text, this.scope), investigation && missing(investigation)];
    this.ending.append(...folds.filter((node): node is HTMLElement => !!node));
    this.ending.append(h("p", { class: "adj-footnote" }, `Written by ${answer.narrator === "built-in" ? "the built-in narrator" : answer.narrator}`, answer.note && `. ${answer.note}`), this.tools());
    if (answer.follow_ups.length) {
      this.ending.append(h("div", { class: "adj-follow-ups", role: "group", "aria-label": "Ask next" }, ...answer.follow_ups.map((text) => suggestion(text, this.scope.ask))));
    }
  }

  private tools(): HTMLElement {
    return answerTools(this.around.store, this.turn, this.around.ask, this.around.edit);
  }

  /** Citations are numbered as the text cites them, then as charts do; chips that are there already follow. */
  private number(): void {
    const order = [...this.turn.text.matchAll(CITATION)].map((match) => match[1] ?? "");
    const ids = [...new Set([...order, ...this.turn.charts.flatMap((chart) => chart.evidence)])];
    for (const chip of this.element.querySelectorAll<HTMLElement>(".adj-cite")) {
      const id = chip.dataset["evidence"] ?? "";
      if (!ids.includes(id)) ids.push(id);
      const text = String(ids.indexOf(id) + 1);
      if (chip.textContent === text) continue;
      chip.textContent = text;
      const { tool } = cited(this.turn, id);
      chip.setAttribute("aria-label", `Evidence ${text}${tool && `, ${tool}`}`);
    }
    this.order = ids;
  }

  private citation(id: string): Node {
    const { tool } = cited(this.turn, id);
    if (!this.order.includes(id)) this.order.push(id);
    const number = this.order.indexOf(id) + 1;
    const chip = h(
      "button",
      {
        class: `adj-cite adj-system-${system(tool) || "unknown"}`,
        type: "button",
        "data-evidence": id,
        "aria-expanded": "false",
        "aria-label": `Evidence ${number}${tool && `, ${tool}`}`,
        title: tool ? `${tool}  ${id}` : id,
      },
      String(number),
    );
    chip.addEventListener("click", (event) => {
      event.stopPropagation();
      showEvidence(this.around.panel, this.around.store, this.turn, id, chip);
    });
    return chip;
  }
}

function doing(turn: Turn): string {
  if (turn.text) return "Writing";
  if (turn.calls.some((call) => !call.finished)) return "Gathering evidence";
  return turn.calls.length ? "Weighing the evidence" : "Reading the question";
}

export function suggestion(text: string, ask: (question: string) => void): HTMLButtonElement {
  const button = h("button", { class: "adj-suggestion", type: "button" }, h("span", {}, text), icon("arrow"));
  button.addEventListener("click", () => ask(text));
  return button;
}
