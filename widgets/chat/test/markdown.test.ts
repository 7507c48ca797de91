import { describe, expect, test } from "vitest";
import { MarkdownView } from "../src/markdown";

function view(): MarkdownView {
  return new MarkdownView((id) => Object.assign(document.createElement("button"), { textContent: id, className: "cite" }));
}

function shown(text: string): HTMLElement {
  const made = view();
  made.update(text);
  return made.element;
}

describe("untrusted text is shown, never interpreted", () => {
  test.each([
    "<script>alert(1)</script>",
    "a <img src=x onerror=alert(1)> b",
    "<div onclick='x()'>\n\nhi\n\n</div>",
    "**<svg/onload=alert(1)>**",
    "| <b>a</b> |\n|---|\n| <iframe src=x> |",
    "- <style>*{}</style>",
  ])("%s", (text) => {
    const element = shown(text);
    expect(element.querySelector("script,img,svg[onload],iframe,style,[onclick],b")).toBeNull();
    expect(element.textContent).toContain("<");
  });

  test("links go to http and https alone", () => {
    const links = shown("[a](javascript:alert(1)) [b](data:text/html,x) [c](https://grafana.example/d)").querySelectorAll("a");
    expect([...links].map((link) => link.getAttribute("href"))).toEqual(["https://grafana.example/d"]);
    expect(links[0]?.rel).toBe("noopener noreferrer");
  });

  test("images are not loaded", () => {
    const element = shown("![cat](http://evil.example/cat.png?leak=1)");
    expect(element.querySelector("img")).toBeNull();
    expect(element.textContent).toContain("[image: cat]");
  });

  test("a link definition cannot take over a citation", () => {
    const element = shown("Down [ev-81536d2db1].\n\n[ev-81536d2db1]: https://evil.example");
    expect(element.querySelector("a")).toBeNull();
    expect(element.querySelector(".cite")?.textContent).toBe("ev-81536d2db1");
  });
});

test("citations inside lists, tables and emphasis become chips", () => {
  const element = shown("- one [ev-aaaa1111]\n\n| a |\n|---|\n| **x [ev-bbbb2222]** |");
  expect([...element.querySelectorAll(".cite")].map((chip) => chip.textContent)).toEqual(["ev-aaaa1111", "ev-bbbb2222"]);
});

test("code keeps its characters", () => {
  expect(shown("```promql\nrate(x{a=\"<b>\"}[5m]) & 1\n```").querySelector("code")?.textContent).toBe('rate(x{a="<b>"}[5m]) & 1');
});

test("entities are characters in prose", () => {
  expect(shown("a &amp; b &lt;").textContent).toBe("a & b <");
});

test("finished blocks keep their elements while text streams in", () => {
  const made = view();
  made.update("First.\n\nSecond");
  const first = made.element.firstElementChild;
  made.update("First.\n\nSecond grows.\n\n- a");
  expect(made.element.firstElementChild).toBe(first);
  expect(made.element.textContent).toBe("First.Second grows.a");
});

test("any prefix of an answer can be drawn", () => {
  const text = "**Bold [ev-aaaa1111]** `c`\n\n1. x\n   - y\n\n| a | b |\n|--|:-:|\n| 1 | 2 |\n\n```sh\nls\n```\n> q";
  const made = view();
  for (let end = 0; end <= text.length; end += 1) made.update(text.slice(0, end));
  expect(made.element.innerHTML).toBe(shown(text).innerHTML);
});
