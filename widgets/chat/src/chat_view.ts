// One view of the conversation: the turns, the panel beside them, the composer.

import { Composer } from "./composer";
import { h } from "../../views/src/dom";
import { ExportMenu } from "./export_menu";
import { tool } from "./glyphs";
import { showHistory } from "./history";
import { Panel } from "./panel";
import type { Store } from "./store";
import { followTheme } from "../../views/src/theme";
import type { Turn } from "./turn_state";
import { suggestion, TurnView } from "./turn_view";

const SILENCE_MS = 6_000;
const NARROW = 760; // pixels, as in style.css: the panel lies over the conversation

export function chatView(store: Store, host: HTMLElement): () => void {
  const views = new Map<Turn, TurnView>();
  const panel = new Panel();
  const log = h("div", { class: "adj-log-of-turns", role: "log", "aria-live": "polite", "aria-label": "Conversation with Jamie", tabindex: 0 });
  const ask = (question: string): void => {
    store.ask(question);
    follow();
  };
  const jump = (turn: Turn): void => {
    const view = views.get(turn);
    if (!view) return;
    if (root.clientWidth < NARROW) panel.close(false);
    view.open(true);
    top(view.element);
    view.focus();
  };
  const note = h("p", { class: "adj-note", role: "status" });
  const menu = new ExportMenu(store, (message) => {
    note.textContent = message;
    setTimeout(() => (note.textContent = ""), 8_000);
  });
  const history = tool("history", "History", (button) => showHistory(panel, store.turns, button, jump));
  history.setAttribute("aria-expanded", "false");
  const bar = h("div", { class: "adj-bar-of-tools", role: "toolbar", "aria-label": "Conversation" }, h("b", {}, "Jamie"), note, history, menu.element);
  const empty = h(
    "div",
    { class: "adj-empty" },
    h("div", { class: "adj-emblem", "aria-hidden": "true" }, "J"),
    h("h2", {}, "What are you seeing?"),
    h("p", { class: "adj-muted" }, "Ask in plain words. Every claim in the answer cites the query it rests on."),
    h("div", { class: "adj-examples" }, ...store.examples.map((text) => suggestion(text, ask))),
  );
  const composer = new Composer(store, () => follow());
  const root = h("div", { class: "adj", "data-lm-suppress-shortcuts": "true", "data-jp-suppress-context-menu": "" }, h("div", { class: "adj-main" }, bar, log, composer.element), panel.element);

  const top = (element: HTMLElement): void => {
    log.scrollTop = element.offsetTop + element.clientTop;
  };
  const showLast = (): void => {
    if (log.lastElementChild instanceof HTMLElement) top(log.lastElementChild);
  };
  /**
   * Bring the newest question to the top; its answer grows below it, and nothing scrolls under the reader. Earlier
   * turns fold. In a notebook that is scrolled past our upper edge, that edge comes back: the answer begins there.
   */
  const follow = (): void => {
    for (const [turn, view] of views) if (turn !== store.turns.at(-1)) view.open(false);
    draw();
    showLast();
    root.scrollIntoView?.({ block: "nearest" });
  };

  const draw = (): void => {
    for (const [turn, view] of views) {
      if (store.turns.includes(turn)) continue;
      view.destroy();
      view.element.remove();
      views.delete(turn);
    }
    for (const turn of store.turns) {
      const view = views.get(turn);
      if (view) {
        view.update();
        continue;
      }
      // Turns of an earlier session come folded, but for the last.
      const added = new TurnView(turn, { store, panel, ask, edit: (question) => composer.edit(question) }, !turn.restored || turn === store.turns.at(-1));
      views.set(turn, added);
      log.append(added.element);
      if (turn.status === "running") {
        silence(added);
        top(added.element);
      }
    }
    if (store.turns.length > 0 || store.restoring) empty.remove();
    else log.append(empty);
    bar.hidden = store.turns.length === 0;
    composer.update();
  };

  const timers = new Set<ReturnType<typeof setTimeout>>();
  const silence = (view: TurnView): void => {
    const timer = setTimeout(() => view.silent(), SILENCE_MS);
    timers.add(timer);
  };

  let frame = 0;
  const schedule = (): void => {
    if (frame === 0) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        draw();
      });
    }
  };

  // Keys typed here are ours: no notebook shortcut may act on them, but for the one that saves the notebook.
  // JupyterLab looks for shortcuts on the document, some versions before any element hears of the key; the
  // attribute stops those, not passing the event on stops the others.
  const beforeAll = (event: KeyboardEvent): void => {
    if (event.target instanceof Node && root.contains(event.target)) root.toggleAttribute("data-lm-suppress-shortcuts", !saves(event));
  };
  window.addEventListener("keydown", beforeAll, true);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !menu.close() && !panel.close()) store.stop();
    if (!saves(event)) event.stopPropagation();
  });
  for (const name of ["keyup", "keypress", "paste", "copy", "cut"]) root.addEventListener(name, (event) => event.stopPropagation());

  const stopTheme = followTheme(root);
  const stopListening = store.listen(schedule);
  host.append(root);
  draw();
  const placed = requestAnimationFrame(() => {
    showLast();
    composer.grow();
  });

  return () => {
    stopListening();
    stopTheme();
    window.removeEventListener("keydown", beforeAll, true);
    cancelAnimationFrame(frame);
    cancelAnimationFrame(placed);
    for (const timer of timers) clearTimeout(timer);
    for (const view of views.values()) view.destroy();
    composer.destroy();
    root.remove();
  };
}

function saves(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
}
