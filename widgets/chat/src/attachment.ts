// What a person has selected beside the chat: a cell of the notebook, an incident in the portal. Whoever shows such a
// thing answers a CustomEvent on `window`, `autodevops:selection`, whose detail is {node, offer({label, text, chosen})};
// nobody does where there is none. It goes with a question only while its button is pressed, as data for Jamie.

import { h, icon } from "../../views/src/dom";

export interface Offered {
  label: string;
  text: string;
  /** Whether it goes along without a click: somebody marked it, or it holds an error. */
  chosen: boolean;
}

const MOST_CHARACTERS = 50_000;
/** Event on `window`: there is something else to offer. */
const CHANGED = "autodevops:selected";

export class Attachment {
  readonly element = h("button", { class: "adj-attachment", type: "button", hidden: true, title: "Jamie takes it along with the question, as data" });
  private offered: Offered | undefined;
  private pressed = false;

  constructor() {
    this.element.addEventListener("click", () => {
      this.pressed = !this.pressed;
      this.draw();
    });
    window.addEventListener(CHANGED, this.look);
  }

  destroy(): void {
    window.removeEventListener(CHANGED, this.look);
  }

  /** Ask what there is now; a choice that was made stays with what it was made for. */
  readonly look = (): void => {
    let found: Offered | undefined;
    const offer = (offered: Offered): void => void (found ??= { ...offered, text: offered.text.slice(0, MOST_CHARACTERS) });
    window.dispatchEvent(new CustomEvent("autodevops:selection", { detail: { node: this.element, offer } }));
    if (found?.label !== this.offered?.label || found?.text !== this.offered?.text) this.pressed = found?.chosen ?? false;
    this.offered = found;
    this.draw();
  };

  /** What goes along with a question that is asked now. */
  take(): { label: string; text: string } | undefined {
    this.look();
    const { offered } = this;
    return this.pressed && offered ? { label: offered.label, text: offered.text } : undefined;
  }

  private draw(): void {
    this.element.hidden = !this.offered;
    this.element.setAttribute("aria-pressed", String(this.pressed));
    const label = this.offered?.label ?? "";
    this.element.replaceChildren(icon(this.pressed ? "check" : "plus"), h("span", {}, this.pressed ? `With ${label}` : `Take ${label} along`));
  }
}
