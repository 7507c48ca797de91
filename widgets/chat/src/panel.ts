// The place beside the conversation: evidence or the history, one at a time, closed by Esc, its button or its opener.

import { h, icon } from "../../views/src/dom";

export class Panel {
  readonly element = h("div", { class: "adj-panel", role: "dialog", tabindex: -1, hidden: true });
  private opener: HTMLElement | null = null;
  private shown = "";

  /** Shows `content` under `key`; the same key again closes it. The focus goes to `first`, or to the panel. */
  show(key: string, label: string, content: Node[], opener: HTMLElement, first: HTMLElement = this.element): void {
    if (!this.element.hidden && this.shown === key) {
      this.close();
      return;
    }
    this.opener?.setAttribute("aria-expanded", "false");
    this.opener = opener;
    opener.setAttribute("aria-expanded", "true");
    this.shown = key;
    this.element.setAttribute("aria-label", label);
    this.element.replaceChildren(...content);
    this.element.hidden = false;
    this.element.scrollTop = 0;
    first.focus({ preventScroll: true });
  }

  /** Returns whether there was something to close. The focus goes back to what opened it. */
  close(focus = true): boolean {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    this.opener?.setAttribute("aria-expanded", "false");
    if (focus) this.opener?.focus({ preventScroll: true });
    return true;
  }

  closeButton(label: string): HTMLButtonElement {
    const button = h("button", { class: "adj-button adj-quiet adj-close", type: "button", "aria-label": label }, icon("cross"));
    button.addEventListener("click", () => this.close());
    return button;
  }
}
