// One incident, as a link or its line in the list opens it: what is on record of it, beside a chat that knows of it.

import { copyButton, h, icon } from "../../views/src/dom";
import { clock, day, percent } from "../../views/src/format";
import { putQuestion, remember } from "./page";
import { SAYS } from "./duty";
import { redraw } from "./redraw";
import { ago, nothing, standing } from "./sections";
import type { IncidentPage, Model, Told } from "./wire";

const KINDS: { [kind: string]: string } = { change: "warn", onset: "bad", alert: "bad", recovery: "good" };

interface Opens {
  operation(id: string): void;
  run(id: string): void;
}

export class IncidentView {
  readonly element = h("section", { class: "adp-section adp-incident", "aria-label": "Incident", hidden: true });
  private id = "";
  private asked = "";
  private writing = ""; // the question for a postmortem that is not answered yet
  private shown: IncidentPage | undefined;

  constructor(
    private readonly model: Model,
    private readonly opens: Opens,
  ) {
    model.on("msg:custom", this.receive);
    window.addEventListener("autodevops:selection", this.offer);
  }

  destroy(): void {
    this.model.off("msg:custom", this.receive);
    window.removeEventListener("autodevops:selection", this.offer);
  }

  open(id: string): void {
    this.id = id;
    this.writing = "";
    this.shown = undefined;
    remember("incident", id);
    this.element.hidden = false;
    this.element.replaceChildren(h("div", { class: "adp-wait" }));
    this.refresh();
    this.element.scrollIntoView?.({ block: "nearest" });
  }

  /** Read it anew while it is open. */
  refresh(): void {
    if (!this.id) return;
    this.asked = `incident-${this.id}-${Date.now()}`;
    this.model.send({ type: "incident", id: this.asked, incident: this.id });
  }

  private write(): void {
    if (this.writing) return; // the button keeps the focus, so it is not disabled
    this.writing = `postmortem-${this.id}-${Date.now()}`;
    this.model.send({ type: "postmortem", id: this.writing, incident: this.id });
    this.draw();
  }

  private close(): void {
    this.id = this.asked = this.writing = "";
    this.shown = undefined;
    remember("incident", "");
    this.element.hidden = true;
    window.dispatchEvent(new CustomEvent("autodevops:selected"));
  }

  private readonly receive = (message: unknown): void => {
    const told = message as Told;
    if (this.writing && told.id === this.writing) this.written(told);
    if (!this.asked || told.id !== this.asked) return;
    if (told.type === "failed" && !this.shown) this.element.replaceChildren(this.head([h("b", {}, told.message)]), nothing(told.next_step));
    if (told.type === "section" && told.section.name === "incident") this.show(told.section);
  };

  /** The postmortem's run is the newest of the incident. */
  private written(told: Told): void {
    if (told.type === "section" && told.section.name === "incident") this.show(told.section);
    if (told.type === "section") return;
    this.writing = "";
    this.draw(told.type === "failed" ? `${told.message} ${told.next_step}` : "");
    const run = this.shown?.runs.at(-1);
    if (told.type === "done" && run) this.opens.run(run);
  }

  private show(page: IncidentPage): void {
    const first = !this.shown;
    this.shown = page;
    this.draw();
    if (first) window.dispatchEvent(new CustomEvent("autodevops:selected"));
  }

  private draw(trouble = ""): void {
    const page = this.shown;
    if (!page) return;
    const opened = new Set([...this.element.querySelectorAll("details[open]")].map((each) => each.getAttribute("data-key")));
    redraw(
      this.element,
      this.head([
        standing(page),
        h("h2", { class: "adp-incident-title" }, page.title),
        h("span", { class: "adp-dim" }, [page.severity, page.namespace, page.phase].filter(Boolean).join(" · ")),
      ]),
      ...(trouble ? [h("p", { class: "adp-dim", role: "alert" }, trouble)] : []),
      ...contents(page, this.opens),
    );
    for (const each of this.element.querySelectorAll("details")) if (opened.has(each.getAttribute("data-key"))) each.open = true;
  }

  private head(parts: Node[]): HTMLElement {
    const ask = h("button", { type: "button", class: "adp-button", click: () => putQuestion("What caused this?") }, "Ask Jamie");
    const write = h("button", { type: "button", class: "adp-button", "aria-disabled": this.writing ? "true" : undefined, click: () => this.write() }, this.writing ? "Writing the postmortem…" : "Write postmortem");
    const close = h("button", { type: "button", class: "adp-button", "aria-label": "Close the incident", click: () => this.close() }, icon("cross"));
    return h("header", {}, h("div", { class: "adp-grow" }, ...parts), ...(this.shown ? [ask, write] : []), close);
  }

  /** What a question that is asked meanwhile takes along. */
  private readonly offer = (event: Event): void => {
    const { shown } = this;
    if (shown) (event as CustomEvent<{ offer(offered: object): void }>).detail.offer({ label: `incident “${shown.title.length > 48 ? `${shown.title.slice(0, 47)}…` : shown.title}”`, text: shown.told, chosen: true });
  };
}

function contents(page: IncidentPage, opens: Opens): Node[] {
  const part = (title: string, ...body: (Node | null)[]): HTMLElement => h("div", {}, h("h3", { class: "adp-h3" }, title), ...body);
  const list = (title: string, items: string[]): Node | null => (items.length ? h("div", {}, h("h4", { class: "adp-dim" }, title), h("ul", {}, ...items.map((text) => h("li", {}, text)))) : null);
  const causes = page.causes.map((one, index) =>
    h(
      "details",
      { class: "adp-cause", "data-key": String(index) },
      h("summary", {}, h("b", {}, one.summary), " ", h("span", { class: "adp-dim" }, percent(one.confidence))),
      h("div", {}, list("For", one.supports), list("Against", one.contradicts)),
    ),
  );
  const [leading] = page.causes;
  const next = leading?.next_step ? h("p", {}, h("span", { class: "adp-dim" }, "Next: "), leading.next_step) : null;
  const command = leading?.command ? h("p", { class: "adp-command" }, h("code", {}, leading.command), copyButton(leading.command, "Copy the command")) : null;
  let last = "";
  const lines = page.timeline.flatMap((line) => {
    const at = Date.parse(line.at);
    const date = day(at) === last ? [] : [h("li", { class: "adp-dim" }, (last = day(at)))];
    const text = line.operation ? h("button", { type: "button", class: "adp-ask", click: () => opens.operation(line.operation) }, line.text) : h("span", {}, line.text);
    return [...date, h("li", { "data-tone": KINDS[line.kind] ?? "" }, h("time", { datetime: line.at }, clock(at)), h("span", { class: "adp-dim" }, line.kind), text)];
  });
  const decisions = page.decisions.map((one) =>
    h(
      "li",
      { class: "adp-line" },
      h("span", { class: "adp-tag" }, SAYS[one.verdict] ?? one.verdict),
      h("button", { type: "button", class: "adp-ask", title: "Open it", click: () => opens.operation(one.id) }, h("b", {}, `${one.action.replaceAll("_", " ")} ${one.subject}`), h("span", { class: "adp-dim" }, [one.confidence && `${one.confidence} confidence`, one.risk && `${one.risk} risk`, one.result.replace("_", " ")].filter(Boolean).join(" · "))),
      h("time", { datetime: one.at, title: one.at }, ago(one.at, page.at)),
    ),
  );
  const runs = page.runs.map((run) => h("li", {}, h("button", { type: "button", class: "adp-button", click: () => opens.run(run) }, `Report of run ${run}`)));
  return [
    h("dl", { class: "adp-incident-facts" }, ...page.facts.flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)]), h("dt", {}, "Id"), h("dd", {}, page.id)),
    part("Causes", ...(causes.length ? causes : [nothing("No cause was judged.")]), next, command),
    ...(decisions.length ? [part("Decisions", h("ul", {}, ...decisions))] : []),
    part("Timeline (UTC)", lines.length ? h("ol", { class: "adp-incident-lines", tabindex: 0, "aria-label": "Timeline" }, ...lines) : nothing("Nothing on record.")),
    ...(runs.length ? [part("Runs", h("ul", { class: "adp-incident-runs" }, ...runs))] : []),
  ];
}
