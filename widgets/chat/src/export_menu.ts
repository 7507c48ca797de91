// The conversation as a file: a notebook whose cells ask the same again, Markdown, or one HTML page without script.

import { h } from "../../views/src/dom";
import { save } from "./files";
import { glyph } from "./glyphs";
import type { Store } from "./store";

const FORMATS = [
  ["ipynb", "Notebook", "cells that ask again"],
  ["md", "Markdown", "for a ticket or a wiki"],
  ["html", "HTML page", "one file, no script"],
] as const;

export class ExportMenu {
  readonly element: HTMLElement;
  private readonly button = h("button", { class: "adj-tool-button", type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": "Export", title: "Export" }, glyph("download"));
  private readonly menu = h("div", { class: "adj-menu", role: "menu", "aria-label": "Export the conversation", hidden: true });

  constructor(private readonly store: Store, private readonly failed: (message: string) => void) {
    for (const [format, name, purpose] of FORMATS) {
      const item = h("button", { type: "button", role: "menuitem", tabindex: -1 }, h("span", {}, name), h("span", { class: "adj-muted" }, purpose));
      item.addEventListener("click", () => this.take(format));
      this.menu.append(item);
    }
    this.element = h("div", { class: "adj-menu-place" }, this.button, this.menu);
    this.button.addEventListener("click", () => (this.menu.hidden ? this.open() : this.close()));
    this.button.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      this.open();
    });
    this.menu.addEventListener("keydown", (event) => this.onKey(event));
    this.element.addEventListener("focusout", (event) => {
      if (!this.element.contains(event.relatedTarget as Node | null)) this.hide();
    });
  }

  close(): boolean {
    if (this.menu.hidden) return false;
    this.hide();
    this.button.focus();
    return true;
  }

  private hide(): void {
    this.menu.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  private open(): void {
    this.menu.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.items[0]?.focus();
  }

  private get items(): HTMLElement[] {
    return [...this.menu.querySelectorAll("button")];
  }

  private onKey(event: KeyboardEvent): void {
    const { items } = this;
    const here = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    items[to % items.length]?.focus();
  }

  private take(format: string): void {
    this.close();
    this.store.request("export", { format }).then(
      (reply) => save(String(reply["name"]), String(reply["mime"]), String(reply["text"])),
      (error: Error) => this.failed(error.message),
    );
  }
}
