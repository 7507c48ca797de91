// What can be done with an answer: copy it, put it into the notebook, write the postmortem of its incident, ask again,
// edit the question, judge it.

import { copyButton, h } from "../../views/src/dom";
import { tool } from "./glyphs";
import { insertion } from "./insertion";
import { postmortem } from "./postmortem";
import type { Store } from "./store";
import type { Turn } from "./turn_state";

export function answerTools(store: Store, turn: Turn, ask: (question: string) => void, edit: (question: string) => void): HTMLElement {
  const row = h("div", { class: "adj-answer-tools", role: "group", "aria-label": "This answer" });
  const place = h("div", { class: "adj-below" });
  if (turn.answer) {
    const cells = insertion(store, { turn: turn.id }, "Insert as cells");
    row.append(copyButton(turn.text, "Copy the answer"), cells.button);
    place.append(cells.offer);
    if (turn.incident) {
      const document = postmortem(store, turn);
      row.append(document.button);
      place.append(document.said);
    }
  }
  row.append(
    tool("again", "Ask again", () => ask(turn.question)),
    tool("pencil", "Edit the question", () => edit(turn.question)),
  );
  if (turn.answer && store.takesFeedback) row.append(thumbs(store, turn, place));
  return h("div", {}, row, place);
}

/** Two thumbs; the one chosen can be explained. The last word counts. */
function thumbs(store: Store, turn: Turn, place: HTMLElement): HTMLElement {
  const said = h("div", { class: "adj-feedback", hidden: true });
  const comment = h("textarea", { class: "adj-comment", rows: 2, "aria-label": "Comment on this answer" });
  const status = h("span", { class: "adj-muted", role: "status" });
  const send = h("button", { class: "adj-button", type: "button" }, "Send");
  const drop = h("button", { class: "adj-button adj-quiet", type: "button" }, "No comment");
  let opener: HTMLElement | undefined;
  let thumb: 1 | -1 = 1;
  const tell = (text: string): void => {
    store.judge(turn, { thumb, comment: text }).then(
      () => (status.textContent = text ? "Noted, thank you." : "Noted."),
      (error: Error) => (status.textContent = error.message),
    );
  };
  const close = (): void => {
    said.hidden = true;
    opener?.focus();
  };
  const choose = (value: 1 | -1, button: HTMLElement): void => {
    thumb = value;
    opener = button;
    comment.placeholder = value > 0 ? "What helped?" : "What was wrong, or missing?";
    said.hidden = false;
    draw();
    tell(comment.value.trim());
    comment.focus();
    said.scrollIntoView?.({ block: "nearest" });
  };
  const buttons = { "1": tool("up", "This helped", (button) => choose(1, button)), "-1": tool("down", "This did not help", (button) => choose(-1, button)) };
  const draw = (): void => {
    const now = said.hidden ? turn.feedback?.thumb : thumb;
    for (const [value, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(String(now) === value));
  };
  const finish = (): void => {
    if (comment.value.trim()) tell(comment.value.trim());
    close();
  };
  send.addEventListener("click", finish);
  drop.addEventListener("click", close);
  comment.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey))) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") finish();
    else close();
  });
  comment.value = turn.feedback?.comment ?? "";
  said.append(comment, h("div", { class: "adj-row" }, send, drop));
  place.append(said);
  draw();
  return h("span", { class: "adj-thumbs", role: "group", "aria-label": "Judge this answer" }, status, buttons["1"], buttons["-1"]);
}
