// Markdown to elements, safe and steady: text that came from logs or a model is shown, never interpreted.
//
// `marked` only finds the tokens; we make the elements. Raw HTML is shown as it was written, images are shown as
// their text (loading one would tell another host), links go to http(s) alone, `[ev-...]` becomes a citation.
// While text streams in, blocks that did not change keep their elements, so a selection survives.

import { Lexer, type Token, type Tokens } from "marked";
import { copyButton, h } from "../../views/src/dom";
import type { Cite } from "../../views/src/scope";

export const CITATION = /\[(ev-[0-9a-z]{4,64})\]/g;
const ENTITIES: { [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: "\u00a0" };

export class MarkdownView {
  readonly element = h("div", { class: "adj-markdown" });
  private raws: string[] = [];

  constructor(private readonly cite: Cite) {}

  update(text: string): void {
    const blocks = new Lexer({ gfm: true }).lex(text).filter((token) => token.type !== "space" && token.type !== "def");
    let same = 0;
    while (same < blocks.length && blocks[same]?.raw === this.raws[same]) same += 1;
    while (this.element.childNodes.length > same) this.element.lastChild?.remove();
    this.element.append(...blocks.slice(same).map((token) => block(token, this.cite)));
    this.raws = blocks.map((token) => token.raw);
  }
}

function block(token: Token, cite: Cite): Node {
  switch (token.type) {
    case "heading": {
      const level = Math.min((token as Tokens.Heading).depth + 2, 6) as 3 | 4 | 5 | 6;
      return h(`h${level}`, {}, ...inline(token.tokens, cite));
    }
    case "paragraph":
      return h("p", {}, ...inline(token.tokens, cite));
    case "text":
      return h("span", {}, ...inline(token.tokens ?? [token], cite));
    case "code":
      return codeBlock(token as Tokens.Code);
    case "blockquote":
      return h("blockquote", {}, ...(token.tokens ?? []).map((item) => block(item, cite)));
    case "list":
      return list(token as Tokens.List, cite);
    case "table":
      return table(token as Tokens.Table, cite);
    case "hr":
      return h("hr");
    case "space":
    case "def":
      return document.createTextNode("");
    default:
      return h("p", {}, ...withCitations(token.raw.trimEnd(), cite));
  }
}

function codeBlock(token: Tokens.Code): Node {
  return h(
    "div",
    { class: "adj-code" },
    h("pre", {}, h("code", {}, token.text)),
    copyButton(token.text, "Copy this code"),
  );
}

function list(token: Tokens.List, cite: Cite): Node {
  const items = token.items.map((item) =>
    h("li", {}, ...item.tokens.filter((child) => child.type !== "space").map((child) => (child.type === "checkbox" ? document.createTextNode(item.checked ? "☑ " : "☐ ") : block(child, cite)))),
  );
  if (!token.ordered) return h("ul", {}, ...items);
  return h("ol", { start: token.start || undefined }, ...items);
}

function table(token: Tokens.Table, cite: Cite): Node {
  const cells = (tag: "td" | "th", row: Tokens.TableCell[]): Node[] =>
    row.map((cell) => h(tag, { class: cell.align ? `adj-${cell.align}` : undefined }, ...inline(cell.tokens, cite)));
  return h(
    "div",
    { class: "adj-scroll-x" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...cells("th", token.header))),
      h("tbody", {}, ...token.rows.map((row) => h("tr", {}, ...cells("td", row)))),
    ),
  );
}

function inline(tokens: Token[] | undefined, cite: Cite): Node[] {
  return (tokens ?? []).flatMap((token) => one(token, cite));
}

function one(token: Token, cite: Cite): Node[] {
  switch (token.type) {
    case "text":
      return token.tokens ? inline(token.tokens, cite) : withCitations(decoded((token as Tokens.Text).text), cite);
    case "escape":
      return [document.createTextNode((token as Tokens.Escape).text)];
    case "strong":
      return [h("strong", {}, ...inline(token.tokens, cite))];
    case "em":
      return [h("em", {}, ...inline(token.tokens, cite))];
    case "del":
      return [h("del", {}, ...inline(token.tokens, cite))];
    case "codespan":
      return [h("code", {}, (token as Tokens.Codespan).text)];
    case "br":
      return [h("br")];
    case "link":
      return link(token as Tokens.Link, cite);
    case "image":
      return [h("span", { class: "adj-muted" }, `[image: ${(token as Tokens.Image).text || (token as Tokens.Image).href}]`)];
    default:
      return withCitations(token.raw, cite);
  }
}

function link(token: Tokens.Link, cite: Cite): Node[] {
  // A definition such as `[ev-1234]: http://...` must not turn a citation into a link.
  if (token.raw.search(CITATION) === 0) return withCitations(token.raw, cite);
  if (!/^https?:\/\//i.test(token.href)) return [document.createTextNode(token.raw)];
  const attributes = { href: token.href, target: "_blank", rel: "noopener noreferrer", title: token.href };
  return [h("a", attributes, ...inline(token.tokens, cite))];
}

/** Text with its `[ev-...]` as citations; the space before one is kept together with it. */
export function withCitations(text: string, cite: Cite): Node[] {
  const nodes: Node[] = [];
  let from = 0;
  for (const match of text.matchAll(CITATION)) {
    if (match.index > from) nodes.push(document.createTextNode(text.slice(from, match.index)));
    nodes.push(cite(match[1] ?? ""));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

function decoded(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|nbsp|#39);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
