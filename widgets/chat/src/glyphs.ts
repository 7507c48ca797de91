// The signs on the chat's own buttons; those that data needs are in views/src/dom.ts.

import { h, s } from "../../views/src/dom";

const GLYPHS = {
  history: "M2.5 4h11M2.5 8h11M2.5 12h7",
  download: "M8 2.5v7.5M4.8 7L8 10.2 11.2 7M3 13h10",
  again: "M12.8 8a4.8 4.8 0 1 1-1.5-3.5M13 2.5v2.6h-2.6",
  pencil: "M3 13l.6-2.7L10.9 3l2.1 2.1-7.3 7.3zM9.6 4.3l2.1 2.1",
  cells: "M3 2.8h10v3.4H3zM3 9.8h5M10.6 12.2h4M12.6 10.2v4M3 9.8v3.4h5",
  document: "M4 2.2h5.2L12.4 5.4v8.4H4zM9 2.4v3.2h3.2M6 8.2h4.4M6 10.8h4.4",
  up: "M5 7.2L7.4 2.4c1 0 1.7.7 1.7 1.7v2.4h3.2c.8 0 1.3.7 1.1 1.5l-.9 4c-.1.6-.6 1-1.2 1H5zM2.6 7.2H5V13H2.6z",
  down: "M11 8.8l-2.4 4.8c-1 0-1.7-.7-1.7-1.7V9.5H3.7c-.8 0-1.3-.7-1.1-1.5l.9-4c.1-.6.6-1 1.2-1H11zM13.4 8.8H11V3h2.4z",
} as const;

export function glyph(name: keyof typeof GLYPHS): SVGSVGElement {
  return s("svg", { class: "adj-icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, s("path", { d: GLYPHS[name] }));
}

/** A button that is its sign; `label` is its name and its tip. */
export function tool(name: keyof typeof GLYPHS, label: string, click: (button: HTMLButtonElement) => void): HTMLButtonElement {
  const button = h("button", { class: "adj-tool-button", type: "button", "aria-label": label, title: label }, glyph(name));
  button.addEventListener("click", () => click(button));
  return button;
}
