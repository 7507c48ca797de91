// Elements from values. Text is always a text node: nothing here, or anywhere else, parses HTML.

type Child = Node | string | null | undefined | false;
type Attributes = { [name: string]: string | number | boolean | undefined | ((event: never) => void) };

const SVG = "http://www.w3.org/2000/svg";

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value as (event: Event) => void);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

const ICONS = {
  chevron: "M6 4l4 4-4 4",
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4.5 4.5l7 7m0-7l-7 7",
  copy: "M6 6V3.5h6.5V10H10M3.5 6H10v6.5H3.5z",
  plus: "M8 3.5v9M3.5 8h9",
  up: "M8 12.5v-9M4.5 7L8 3.5 11.5 7",
  alert: "M8 5v4m0 2.2v.1M8 2l6.5 11.5h-13z",
  arrow: "M3.5 8h9M9 4.5L12.5 8 9 11.5",
  square: "M5 5h6v6H5z",
} as const;

export function icon(name: keyof typeof ICONS): SVGSVGElement {
  return s(
    "svg",
    { class: `adj-icon adj-icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    s("path", { d: ICONS[name] }),
  );
}

/** A button that copies `text` and says so. */
export function copyButton(text: string, label: string, says = "Copy"): HTMLButtonElement {
  const caption = h("span", {}, says);
  const button = h("button", { class: "adj-button adj-quiet", type: "button", "aria-label": label }, icon("copy"), caption);
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    void copyText(text).then((done) => {
      caption.textContent = done ? "Copied" : "Press Ctrl+C";
      setTimeout(() => (caption.textContent = says), 1600);
    });
  });
  return button;
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard without HTTPS or permission: the old way still works inside a click.
    const area = h("textarea", { class: "adj-offscreen", readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A button that shows and hides a body made on first use. */
export function disclosure(
  className: string,
  head: Child[],
  body: () => Node,
  open = false,
): { element: HTMLElement; setOpen: (value: boolean) => void } {
  const toggle = h("button", { class: "adj-toggle", type: "button", "aria-expanded": "false" }, icon("chevron"), ...head);
  const element = h("div", { class: className }, toggle);
  let content: HTMLElement | undefined;
  const setOpen = (value: boolean): void => {
    toggle.setAttribute("aria-expanded", String(value));
    if (value && !content) element.append((content = h("div", { class: "adj-disclosed" }, body())));
    if (content) content.hidden = !value;
  };
  toggle.addEventListener("click", () => setOpen(toggle.getAttribute("aria-expanded") !== "true"));
  if (open) setOpen(true);
  return { element, setOpen };
}
