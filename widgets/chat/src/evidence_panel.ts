// Evidence, one click away: the exact query, its window, its digest, and what came back.

import { copyButton, h, icon } from "../../views/src/dom";
import { duration, moment, span } from "../../views/src/format";
import { system } from "./steps";
import { cited, type Turn } from "./turn_state";
import type { Json } from "./wire";

export class EvidencePanel {
  readonly element = h("aside", { class: "adj-panel", role: "dialog", "aria-label": "Evidence", tabindex: -1, hidden: true });
  private opener: HTMLElement | null = null;
  /** What is shown, so that the same chip closes it again. */
  private shown = "";

  open(turn: Turn, id: string, opener: HTMLElement): void {
    if (!this.element.hidden && this.shown === turn.id + id) {
      this.close();
      return;
    }
    this.opener?.setAttribute("aria-expanded", "false");
    this.opener = opener;
    opener.setAttribute("aria-expanded", "true");
    this.shown = turn.id + id;
    this.element.replaceChildren(...this.content(turn, id));
    this.element.hidden = false;
    this.element.focus({ preventScroll: true });
  }

  /** Returns whether there was something to close. */
  close(): boolean {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    this.opener?.setAttribute("aria-expanded", "false");
    this.opener?.focus({ preventScroll: true });
    return true;
  }

  private content(turn: Turn, id: string): Node[] {
    const { tool, evidence, call } = cited(turn, id);
    const close = h("button", { class: "adj-button adj-quiet adj-close", type: "button", "aria-label": "Close evidence" }, icon("cross"));
    close.addEventListener("click", () => this.close());
    const nodes: Node[] = [
      h("header", {}, h("span", { class: `adj-system adj-system-${system(tool)}` }, system(tool) || "evidence"), h("h4", {}, tool.split(".").slice(1).join(".") || id), close),
    ];
    const query = evidence?.query ?? call?.started.query;
    if (query === undefined) return [...nodes, h("p", { class: "adj-muted" }, `${id} is not among this answer's evidence.`)];
    const failure = evidence?.error ?? (call?.finished?.ok === false ? call.finished.preview : null);
    if (failure) nodes.push(h("p", { class: "adj-failure" }, failure));
    else if (call?.finished) nodes.push(h("p", {}, call.finished.preview));
    nodes.push(section("Query", copyButton(query, "Copy the query"), h("pre", {}, query)));
    const pairs: [string, string][] = [];
    if (evidence?.window) pairs.push(["window", span(evidence.window)]);
    for (const [name, value] of Object.entries(evidence?.arguments ?? call?.started.arguments ?? {})) {
      if (value !== query) pairs.push([name, shown(value)]);
    }
    if (evidence) pairs.push(["collected", `${moment(evidence.collected_at)}, took ${duration(evidence.duration_ms)}`], ["digest", evidence.digest]);
    pairs.push(["id", id]);
    nodes.push(h("dl", { class: "adj-pairs" }, ...pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
    if (evidence?.excerpt) {
      const cut = evidence.truncated ? "The system's answer was cut. " : "";
      const rest = evidence.excerpt_cut ? "Only its beginning is shown." : "";
      nodes.push(section("Data", copyButton(evidence.excerpt, "Copy the data shown"), h("pre", { class: "adj-data" }, evidence.excerpt)));
      if (cut || rest) nodes.push(h("p", { class: "adj-muted" }, cut + rest));
    } else if (!evidence) {
      nodes.push(h("p", { class: "adj-muted" }, "The data is here once the answer is complete."));
    }
    return nodes;
  }
}

function section(title: string, button: Node, body: Node): Node {
  return h("section", {}, h("div", { class: "adj-row adj-spread" }, h("h5", {}, title), button), body);
}

function shown(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
