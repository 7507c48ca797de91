// The postmortem of the incident that an answer is about: written by the runbook that the portal's button and the command
// run. The portal and JupyterLab open its report; elsewhere the place of its files is told.

import { copyButton, h } from "../../views/src/dom";
import { glyph } from "./glyphs";
import type { Store } from "./store";
import type { Turn } from "./turn_state";

const PATIENCE_MS = 900_000; // a run of a runbook: half a minute, or many on a busy machine

/** A button, and the place below it for what became of it. */
export function postmortem(store: Store, turn: Turn): { button: HTMLElement; said: HTMLElement } {
  const caption = h("span", {}, "Write postmortem");
  const button = h("button", { class: "adj-button adj-quiet", type: "button", title: `Of ${turn.incident}` }, glyph("document"), caption);
  const said = h("div", { class: "adj-offer", role: "status" });
  let writing = false;
  button.addEventListener("click", () => {
    if (writing) return; // the button keeps the focus, so it is not disabled
    writing = true;
    button.setAttribute("aria-disabled", "true");
    caption.textContent = "Writing the postmortem…";
    said.replaceChildren(h("p", { class: "adj-muted" }, `Its queries are asked again over the time of ${turn.incident}.`));
    store
      .request("postmortem", { turn: turn.id }, PATIENCE_MS)
      .then(
        (reply) => said.replaceChildren(...written(reply, said)),
        (error: Error) => said.replaceChildren(h("p", { class: "adj-failure" }, error.message)),
      )
      .finally(() => {
        writing = false;
        button.removeAttribute("aria-disabled");
        caption.textContent = "Write postmortem";
      });
  });
  return { button, said };
}

function written(reply: Record<string, unknown>, node: Node): Node[] {
  const where = String(reply["where"]);
  const detail = { run: reply["run"], beside: reply["beside"], node };
  const open = (): boolean => !window.dispatchEvent(new CustomEvent("autodevops:open-run", { detail, cancelable: true }));
  if (!open()) return [h("p", {}, "The postmortem is written: ", h("code", {}, where)), h("div", { class: "adj-row" }, copyButton(where, "Copy where it is", "Copy path"))];
  const again = h("button", { class: "adj-button adj-quiet", type: "button" }, "Open it");
  again.addEventListener("click", open);
  return [h("p", {}, "The postmortem is written."), h("div", { class: "adj-row" }, again)];
}
