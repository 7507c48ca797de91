// What waits for people, each opening to the executor's question. An open card stays as it is while the list is read anew.

import { ApprovalCard, serverDoor } from "../../views/src/approval";
import { h, icon } from "../../views/src/dom";
import { remember } from "./page";
import { ago, nothing } from "./sections";
import type { Inbox, Question } from "./wire";

const WORDS: { [state: string]: [string, string] } = {
  verified: ["verified", "good"], undone: ["undone", "warn"], not_applied: ["not applied", ""], unverified: ["not verified", "bad"],
  undo_failed: ["undo failed", "bad"], handed_over: ["handed over", "good"], denied: ["denied", ""], expired: ["expired", "warn"],
};

interface Row {
  element: HTMLElement;
  toggle: HTMLButtonElement;
  head: HTMLElement;
  place: HTMLElement;
  card?: ApprovalCard;
}

export class InboxView {
  readonly element: HTMLElement;
  private readonly list = h("ul", { class: "adp-inbox" });
  private readonly empty = h("div", {});
  private readonly past = h("ul", { class: "adp-inbox adp-inbox-past" });
  private readonly lately = h("details", { class: "adp-lately", hidden: true }, h("summary", {}, "Answered lately"), this.past);
  private readonly rows = new Map<string, Row>();

  constructor() {
    this.element = h("div", {}, this.empty, this.list, this.lately);
  }

  show(section: Inbox): void {
    const wanted = new Map([...section.items, ...section.past].map((item) => [item.id, item]));
    for (const [id, row] of this.rows) {
      if (wanted.has(id) || row.card) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    for (const [list, items] of [[this.list, section.items], [this.past, section.past]] as const) {
      for (const item of items) {
        const row = this.row(item.id);
        describe(row, item, section.at);
        // What is open, or has the focus, stays where it was: it must not move away under somebody's hands.
        if (row.element.parentElement !== list && !(row.element.parentElement && (row.card || row.element.contains(document.activeElement)))) list.append(row.element);
      }
    }
    const none = section.missing.length ? "What waits could not be read." : "Nothing waits. When a change needs a person's yes, it is asked about here, with its exact diff.";
    this.empty.replaceChildren(...(this.list.childElementCount ? [] : [nothing(none)]));
    this.lately.hidden = !this.past.childElementCount;
  }

  /** As a link, or a square of the decisions, asks for. */
  open(id: string): void {
    const row = this.row(id);
    if (!row.element.isConnected && !row.element.parentElement) this.list.append(row.element);
    if (row.element.parentElement === this.past) this.lately.setAttribute("open", "");
    if (!row.card) this.toggle(id, row);
    row.element.scrollIntoView?.({ block: "nearest" });
    this.empty.replaceChildren();
  }

  destroy(): void {
    for (const row of this.rows.values()) row.card?.destroy();
  }

  private row(id: string): Row {
    const known = this.rows.get(id);
    if (known) return known;
    const head = h("span", { class: "adp-inbox-head" }, h("b", {}, id));
    const toggle = h("button", { type: "button", class: "adp-inbox-toggle", "aria-expanded": "false" }, icon("chevron"), head);
    const place = h("div", {});
    const row: Row = { element: h("li", { "data-operation-row": id }, toggle, place), toggle, head, place };
    toggle.addEventListener("click", () => this.toggle(id, row));
    this.rows.set(id, row);
    return row;
  }

  private toggle(id: string, row: Row): void {
    const opens = !row.card;
    row.toggle.setAttribute("aria-expanded", String(opens));
    remember("approval", opens ? id : "");
    if (!opens) {
      row.card?.destroy();
      row.card?.element.remove();
      row.card = undefined;
      return;
    }
    row.card = new ApprovalCard({ operation: id }, serverDoor());
    row.place.append(row.card.element);
    row.card.opened();
  }
}

function describe(row: Row, item: Question, at: string): void {
  const over = item.state === "pending" && Date.parse(item.expires_at) <= Date.parse(at);
  const [said, tone] = WORDS[over || item.state === "expired" ? "expired" : item.state === "denied" ? "denied" : item.result] ?? (item.state === "pending" ? [`${item.risk} risk`, item.risk === "low" ? "" : item.risk === "high" ? "bad" : "warn"] : ["under way", ""]);
  const more = item.needed > 1 && item.state === "pending" ? `${item.yeses} of ${item.needed} yes` : "";
  const facts = [`by ${item.asked_by}`, more, ago(item.at, at)].filter(Boolean).join(" · ");
  const text = [item.title, item.subject, facts, said].join("\n");
  if (row.head.dataset["text"] === text) return;
  row.head.dataset["text"] = text;
  row.head.replaceChildren(h("b", {}, item.title), h("span", {}, item.subject), h("span", { class: "adp-dim" }, facts), h("span", { class: "adp-tag", "data-tone": tone }, said));
}
