// The executor's question as a card: all that it rests on, yes and no, and what came of it. The chat and the portal
// share it. What a message or a saved notebook says of an operation is only shown: buttons wake when the executor was
// asked and still waits, an answer names the digest it told, and what became of it is asked again.

import { copyButton, h } from "./dom";
import { clock, moment } from "./format";
import type { Json } from "./nouns";

export interface Edit {
  path: string;
  before: Json;
  after: Json;
}

export interface Answered {
  granted: boolean;
  by: string;
  where: string;
  at: string;
  words: string;
}

export interface Outcome {
  result: string;
  words: string;
  checks: { name: string; judgement: string; words: string }[];
  at: string;
}

/** `ShownOperation` of autodevops/domain/shown_operation.py. */
export interface Shown {
  operation: string;
  title: string;
  subject: string;
  risk: string;
  reversible: boolean;
  why: string;
  asked_by: string;
  diff: Edit[];
  dry_run: string;
  warnings: string[];
  touches: string;
  undo: string;
  factors: string[];
  evidence: string[];
  digest: string;
  role: string;
  needed: number;
  expires_at: string | null;
  state: string;
  stage: string;
  answers: Answered[];
  outcome: Outcome | null;
}

/** Who asks the executor: the kernel by messages, or the portal's server by requests. Both fail with words for people. */
export interface Door {
  /** Empty, or why nobody can answer here. */
  closed: string;
  look(operation: string): Promise<Shown>;
  answer(operation: string, digest: string, yes: boolean, comment: string): Promise<Shown>;
}

export const LOOK_MS = 4_000; // while it waits for people: somebody else may answer
export const WATCH_MS = 1_500; // while it is carried out
/** Event of a card: what it is about is at another stage than it told before. */
export const MOVED = "autodevops:operation-moved";
const STAGES: { [stage: string]: string } = {
  proposed: "Being planned", planned: "Being decided", cleared: "Approved, about to begin", admitted: "Approved, about to begin",
  intended: "Being applied", applied: "Applied, settling", settled: "Settled, being verified", undoing: "Being taken back",
};
const RESULTS: { [result: string]: [string, string] } = {
  verified: ["Applied and verified", "good"], undone: ["Undone", "warn"], not_applied: ["Not applied", ""],
  unverified: ["Applied, not verified", "bad"], undo_failed: ["Undo failed", "bad"], handed_over: ["Handed to its run", "good"],
};
const SIGNS: { [judgement: string]: string } = { good: "✓", no_effect: "=", worse: "✗", unknown: "?" };
let cards = 0;

export class ApprovalCard {
  readonly element: HTMLElement;
  private known: Partial<Shown> & { operation: string };
  /** True once the executor itself told: before that nothing can be answered. */
  private told = false;
  /** True once it was asked in vain. */
  private unheard = false;
  private sending = false;
  private focusWanted = false;
  private opener: Element | null = null;
  private gone = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly ticking: ReturnType<typeof setInterval>;
  private drawn = "";
  private readonly head = h("div", { class: "ada-head" });
  private readonly body = h("div", { class: "ada-body" });
  private readonly time = h("span", { class: "ada-time", role: "timer" });
  private readonly comment = h("textarea", { class: "ada-comment", rows: 1, placeholder: "A word with it, for the record", "aria-label": "Comment on your answer", maxlength: 500 });
  private readonly deny = h("button", { type: "button", class: "ada-button", "data-answer": "deny" }, "Deny");
  private readonly approve = h("button", { type: "button", class: "ada-button ada-primary", "data-answer": "approve" }, "Approve");
  private readonly closed = h("p", { class: "ada-dim" });
  private readonly form = h("div", { class: "ada-form" }, this.comment, h("div", { class: "ada-buttons" }, this.time, this.deny, this.approve));
  private readonly said = h("p", { class: "ada-said", role: "status" });
  private readonly ending = h("div", { class: "ada-ending", role: "status" });

  constructor(
    known: Partial<Shown> & { operation: string },
    private readonly door: Door,
    private readonly cite: (id: string) => Node = (id) => h("code", {}, id),
  ) {
    this.known = known;
    const id = `ada-${(cards += 1)}`;
    this.head.id = `${id}-head`;
    this.body.id = `${id}-body`;
    this.element = h("section", { class: "ada", "aria-labelledby": this.head.id, "aria-describedby": this.body.id, "data-operation": known.operation }, this.head, this.body, this.form, this.closed, this.said, this.ending);
    this.deny.addEventListener("click", () => void this.answer(false));
    this.approve.addEventListener("click", () => void this.answer(true));
    this.draw();
    this.ticking = setInterval(() => this.tick(), 1_000);
    void this.look();
  }

  /** A person opened it: the careful answer gets the focus, as soon as there is one to give. */
  opened(): void {
    this.focusWanted = true;
    this.opener = document.activeElement;
    this.place();
  }

  destroy(): void {
    this.gone = true;
    clearTimeout(this.timer);
    clearInterval(this.ticking);
  }

  private get waits(): boolean {
    return this.told && this.known.state === "pending" && this.known.stage !== "closed" && this.left() > 0;
  }

  private left(): number {
    return this.known.expires_at ? Date.parse(this.known.expires_at) - Date.now() : 0;
  }

  private async look(): Promise<void> {
    clearTimeout(this.timer);
    if (!document.hidden) {
      try {
        this.take(await this.door.look(this.known.operation));
      } catch (error) {
        if (!this.told) {
          this.say((error as Error).message);
          this.unheard = true;
          this.draw();
        }
      }
    }
    this.again();
  }

  private again(): void {
    clearTimeout(this.timer);
    if (this.gone || this.known.stage === "closed") return;
    this.timer = setTimeout(() => void this.look(), this.told && this.known.state !== "pending" ? WATCH_MS : LOOK_MS);
  }

  private take(shown: Shown): void {
    if (this.gone || this.sending || shown.operation !== this.known.operation) return;
    if (!this.told) this.say("");
    this.told = true;
    const moved = this.known.stage !== shown.stage || this.known.answers?.length !== shown.answers.length;
    this.known = shown;
    this.draw();
    if (moved) this.element.dispatchEvent(new CustomEvent(MOVED, { bubbles: true }));
  }

  private async answer(yes: boolean): Promise<void> {
    if (!this.waits || this.sending || this.door.closed) return;
    this.sending = true;
    this.buttons();
    this.say("Sending your answer");
    const held = this.form.contains(document.activeElement);
    let refused = "";
    let shown: Shown | undefined;
    try {
      shown = await this.door.answer(this.known.operation, this.known.digest ?? "", yes, this.comment.value.trim());
    } catch (error) {
      refused = (error as Error).message;
    }
    this.sending = false;
    this.say(refused);
    if (shown) this.take(shown);
    else await this.look();
    this.buttons();
    if (held && !this.waits) this.element.focus({ preventScroll: true });
    this.again();
  }

  private say(words: string): void {
    this.said.textContent = words;
    this.said.hidden = !words;
  }

  private draw(): void {
    const now = JSON.stringify([this.known, this.told, this.unheard]);
    if (now !== this.drawn) {
      this.drawn = now;
      const known = this.known;
      const [state, tone] = this.headline();
      this.element.dataset["state"] = known.outcome?.result ?? (this.told ? (known.state ?? "") : "unknown");
      this.head.replaceChildren(
        h("div", {}, h("b", {}, known.title ?? "A change"), " ", h("span", { class: "ada-subject" }, known.subject ?? "")),
        h("span", { class: "ada-tag", "data-tone": tone }, state),
      );
      this.body.replaceChildren(...contents(known, this.cite));
      this.ending.replaceChildren(...record(known));
    }
    this.buttons();
    this.tick();
    this.place();
  }

  private headline(): [string, string] {
    const { outcome, stage, state } = this.known;
    if (outcome && state === "denied") return ["Denied", ""];
    if (outcome && state === "expired") return ["Expired, escalated", "warn"];
    if (outcome) return RESULTS[outcome.result] ?? [outcome.result, ""];
    if (!this.told) return this.unheard && !this.known.title ? ["How it stands is not known", "warn"] : ["Asking how it stands", ""];
    if (state === "pending") return this.left() > 0 ? ["Waits for a yes or no", "warn"] : ["Expired", "warn"];
    return [STAGES[stage ?? ""] ?? stage ?? "", ""];
  }

  private buttons(): void {
    const { waits } = this;
    this.form.hidden = !waits || !!this.door.closed;
    this.closed.textContent = waits ? this.door.closed : "";
    this.closed.hidden = !this.closed.textContent;
    for (const button of [this.deny, this.approve]) button.disabled = !waits || this.sending;
    this.element.setAttribute("role", waits && !this.door.closed ? "alertdialog" : "group");
    this.element.tabIndex = -1;
  }

  private tick(): void {
    this.place();
    if (this.known.state !== "pending" || this.known.stage === "closed") return;
    const seconds = Math.max(0, Math.floor(this.left() / 1000));
    const text = seconds >= 3600 ? `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min left` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
    if (this.time.textContent !== text) this.time.textContent = text;
    this.time.toggleAttribute("data-late", seconds < 60);
    if (seconds === 0 && !this.form.hidden) {
      this.drawn = "";
      this.draw();
    }
  }

  /** Never takes the focus from where somebody went meanwhile. */
  private place(): void {
    if (!this.focusWanted) return;
    const { activeElement } = document;
    const typing = activeElement instanceof HTMLTextAreaElement && activeElement.value !== "";
    if (typing || (activeElement && activeElement !== document.body && activeElement !== this.opener)) this.focusWanted = false;
    if (!this.focusWanted || this.form.hidden || this.deny.disabled || !this.element.isConnected) return;
    this.focusWanted = false;
    this.deny.focus();
  }
}

function contents(known: Partial<Shown>, cite: (id: string) => Node): Node[] {
  const row = (name: string, ...value: (Node | string)[]): Node[] => (value.some((one) => one !== "") ? [h("dt", {}, name), h("dd", {}, ...value)] : []);
  const evidence = (known.evidence ?? []).map((id) => h("span", {}, cite(id), " "));
  const needed = known.needed && known.needed > 1 ? `${known.needed} people have to say yes` : "";
  return [
    h(
      "dl",
      { class: "ada-facts" },
      ...row("Why", [known.why, known.asked_by && `asked by ${known.asked_by}`].filter(Boolean).join(", ")),
      ...(evidence.length ? row("Evidence", ...evidence) : []),
      ...(known.risk ? row : () => [])("Risk", h("b", { class: "ada-risk", "data-risk": known.risk ?? "" }, known.risk ?? ""), [known.touches, needed].filter(Boolean).map((text) => `, ${text}`).join("")),
      ...row("Undo", known.undo || (known.reversible === false ? "It cannot be taken back." : "")),
      ...row("Dry run", known.dry_run ?? "", ...(known.warnings ?? []).map((text) => h("p", { class: "ada-warning" }, text))),
    ),
    known.diff?.length ? diff(known.diff) : null,
    known.factors?.length ? h("details", {}, h("summary", {}, "What was weighed"), h("ul", {}, ...known.factors.map((text) => h("li", {}, text)))) : null,
    known.digest ? h("p", { class: "ada-dim ada-digest" }, `Plan ${known.digest.slice(0, 19)} `, copyButton(known.digest, "Copy the plan's digest")) : null,
  ].filter((node): node is HTMLElement => node !== null);
}

function diff(edits: Edit[]): HTMLElement {
  const side = (sign: string, name: string, value: Json): Node | null =>
    value === null || value === undefined ? null : h("div", { class: name }, h("span", { "aria-hidden": "true" }, `${sign} `), h("span", { class: "ada-hidden" }, sign === "-" ? "before: " : "after: "), typeof value === "string" ? value : JSON.stringify(value));
  return h("div", { class: "ada-diff", role: "group", "aria-label": "What would change", tabindex: 0 }, ...edits.map((edit) => h("div", {}, h("div", { class: "ada-path" }, edit.path), side("-", "ada-before", edit.before), side("+", "ada-after", edit.after))));
}

/** Who said what, and what came of it. */
function record(known: Partial<Shown>): Node[] {
  const answers = (known.answers ?? []).map((one) =>
    h("li", {}, h("b", {}, one.granted ? "Yes" : "No"), ` from ${one.by}, `, h("time", { datetime: one.at, title: moment(one.at) }, `${clock(Date.parse(one.at))} UTC`), `, ${one.where}`, one.words ? `: ${one.words}` : ""),
  );
  const { outcome } = known;
  return [
    ...(answers.length ? [h("ul", { class: "ada-answers", "aria-label": "Answers" }, ...answers)] : []),
    ...(outcome
      ? [
          h("p", { class: "ada-outcome" }, `${outcome.words} `, h("time", { class: "ada-dim", datetime: outcome.at, title: moment(outcome.at) }, `${clock(Date.parse(outcome.at))} UTC`)),
          ...(outcome.checks.length ? [h("ul", { class: "ada-checks", "aria-label": "Checks" }, ...outcome.checks.map((one) => h("li", { "data-judgement": one.judgement }, `${SIGNS[one.judgement] ?? "?"} ${one.name}: ${one.words}`)))] : []),
        ]
      : []),
  ];
}

/** The portal's server: it knows who the visitor is, and takes that from nobody else. */
export function serverDoor(): Door {
  const ask = async (operation: string, body?: object): Promise<Shown> => {
    let answer: Response;
    try {
      const sent = body ? { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-XSRFToken": xsrf() } } : {};
      answer = await fetch(`${base()}approvals/${encodeURIComponent(operation)}`, { ...sent, credentials: "same-origin" });
    } catch {
      throw new Error("The portal does not answer. Reload the page.");
    }
    const told = (await answer.json().catch(() => ({}))) as { operation?: Shown; error?: { message: string; next_step: string } };
    if (told.error) throw new Error(`${told.error.message} ${told.error.next_step}`.trim());
    if (!told.operation) throw new Error(answer.status === 403 ? "You are not logged in any more. Reload the page." : `The portal answered with ${answer.status}. Reload the page.`);
    return told.operation;
  };
  return { closed: "", look: (operation) => ask(operation), answer: (operation, digest, yes, comment) => ask(operation, { digest, yes, comment }) };
}

export function base(): string {
  return document.body.dataset["baseUrl"]?.replace(/voila\/?$/, "") ?? "/";
}

function xsrf(): string {
  return /(?:^|; )_xsrf=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}
