// What lies outside the widget: the address of the page, and the chat beside it.

import { base } from "../../views/src/approval";

export interface Link {
  namespace: string;
  question: string;
  run: string;
  approval: string;
  incident: string;
}

export function deepLink(): Link {
  const query = new URLSearchParams(window.location.search);
  const of = (name: string): string => (query.get(name) ?? "").slice(0, 2000);
  return { namespace: of("namespace"), question: of("question"), run: of("run"), approval: of("approval"), incident: of("incident") };
}

/** Keep the address a link to what is shown. */
export function remember(name: keyof Link, value: string): void {
  const url = new URL(window.location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  window.history.replaceState(window.history.state, "", url);
}

const BOX = '[aria-label="Question for Jamie"]';

/** Put a question into the chat's box for the person to send. Waits for a chat that is not there yet. */
export function putQuestion(question: string): void {
  show("chat");
  when(
    () => document.querySelector<HTMLTextAreaElement>(BOX),
    (box) => {
      box.value = question;
      box.dispatchEvent(new Event("input", { bubbles: true }));
      box.focus();
    },
  );
}

/** Use what `find` finds, now or as soon as the page has it. */
export function when<T>(find: () => T | null, use: (found: T) => void): void {
  const found = find();
  if (found !== null) {
    use(found);
    return;
  }
  const observer = new MutationObserver(() => {
    const late = find();
    if (late === null) return;
    observer.disconnect();
    use(late);
  });
  observer.observe(document.body, { childList: true, subtree: true });
}

/** On a narrow screen one of the two is seen; the template's style reads this. */
export function show(view: "overview" | "chat"): void {
  document.body.dataset["portalView"] = view;
  document.dispatchEvent(new CustomEvent("autodevops:view", { detail: view }));
}

/** Where the portal serves the report of a run. */
export function reportAddress(run: string): string {
  return `${base()}runs/${encodeURIComponent(run)}/report.html`;
}
