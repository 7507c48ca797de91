// Evidence, one click away: the exact query, its window, what came back, and a way to ask it again yourself.

import { copyButton, h } from "../../views/src/dom";
import { duration, moment, span } from "../../views/src/format";
import { insertion } from "./insertion";
import type { Panel } from "./panel";
import { system } from "./steps";
import type { Store } from "./store";
import { cited, type Turn } from "./turn_state";
import type { Json } from "./wire";

export function showEvidence(panel: Panel, store: Store, turn: Turn, id: string, opener: HTMLElement): void {
  panel.show(turn.id + id, "Evidence", content(panel, store, turn, id), opener);
}

function content(panel: Panel, store: Store, turn: Turn, id: string): Node[] {
  const { tool, evidence, call } = cited(turn, id);
  const name = tool.split(".").slice(1).join(".") || id;
  const nodes: Node[] = [h("header", {}, h("span", { class: `adj-system adj-system-${system(tool)}` }, system(tool) || "evidence"), h("h4", {}, name), panel.closeButton("Close evidence"))];
  const query = evidence?.query ?? call?.started.query;
  if (query === undefined) return [...nodes, h("p", { class: "adj-muted" }, `${id} is not among this answer's evidence.`)];
  const failure = evidence?.error ?? (call?.finished?.ok === false ? call.finished.preview : null);
  if (failure) nodes.push(h("p", { class: "adj-failure" }, failure));
  else if (call?.finished) nodes.push(h("p", {}, call.finished.preview));
  nodes.push(h("section", {}, h("h5", {}, "Query"), h("pre", { tabindex: 0, "aria-label": "Query" }, query)));
  const insert = evidence && insertion(store, { turn: turn.id, evidence: id }, "Insert as cell");
  nodes.push(h("div", { class: "adj-row" }, copyButton(query, "Copy the query"), insert?.button), ...(insert ? [insert.offer] : []));
  const pairs: [string, string][] = [];
  if (evidence?.window) pairs.push(["window", span(evidence.window)]);
  for (const [key, value] of Object.entries(evidence?.arguments ?? call?.started.arguments ?? {})) {
    if (value !== query) pairs.push([key, shown(value)]);
  }
  if (evidence) pairs.push(["collected", `${moment(evidence.collected_at)}, took ${duration(evidence.duration_ms)}`], ["digest", evidence.digest]);
  pairs.push(["id", id]);
  nodes.push(h("dl", { class: "adj-pairs" }, ...pairs.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)])));
  if (evidence?.excerpt) nodes.push(data(store, turn, evidence));
  else if (!evidence) nodes.push(h("p", { class: "adj-muted" }, "The data is here once the answer is complete."));
  return nodes;
}

/** Its beginning at once, and more of it as soon as the kernel says it. */
function data(store: Store, turn: Turn, evidence: { id: string; excerpt: string; excerpt_cut: boolean; truncated: boolean }): Node {
  const text = h("pre", { class: "adj-data", tabindex: 0, "aria-label": "Data" }, evidence.excerpt);
  const note = h("p", { class: "adj-muted" });
  const copy = h("span", {});
  const draw = (value: string, cut: boolean, why = ""): void => {
    text.textContent = value;
    copy.replaceChildren(copyButton(value, "Copy the data shown"));
    note.textContent = [evidence.truncated && "The system's answer was cut.", cut && "Only its beginning is shown.", why].filter(Boolean).join(" ");
    note.hidden = note.textContent === "";
  };
  draw(evidence.excerpt, evidence.excerpt_cut);
  if (evidence.excerpt_cut) {
    store.request("data", { turn: turn.id, evidence: evidence.id }).then(
      (reply) => draw(String(reply["text"]), reply["cut"] === true),
      (error: Error) => draw(evidence.excerpt, true, error.message),
    );
  }
  return h("section", {}, h("div", { class: "adj-row adj-spread" }, h("h5", {}, "Data"), copy), text, note);
}

function shown(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
