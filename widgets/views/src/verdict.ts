// What the investigation concluded, apart from the words: verdict, ranked causes for and against, next steps.

import { copyButton, disclosure, h } from "./dom";
import { clock, percent, subject, words } from "./format";
import type { ViewScope } from "./scope";
import type { Claim, Finding, Hypothesis, Investigation, SuggestedAction } from "./nouns";

const VERDICTS = { explained: "Cause found", healthy: "Healthy", undetermined: "Not determined" } as const;

export function verdictLine(investigation: Investigation): HTMLElement {
  const [first] = investigation.hypotheses;
  return h(
    "div",
    { class: `adj-verdict adj-verdict-${investigation.verdict}` },
    h("span", { class: "adj-badge" }, VERDICTS[investigation.verdict]),
    first && h("span", {}, words(first.reason)),
    first && h("code", {}, subject(first.subject)),
    first && meter(first.confidence),
  );
}

function meter(confidence: number): HTMLElement {
  return h(
    "span",
    { class: "adj-confidence", title: "How sure the investigation is" },
    h("span", { class: "adj-meter", role: "meter", "aria-label": "Confidence", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(confidence * 100) }, h("span", { style: `width:${Math.round(confidence * 100)}%` })),
    percent(confidence),
  );
}

/** Ranked causes: a row each, opened to what speaks for it, what against, and why it stands before the next. */
export function hypothesisTable(investigation: Investigation, scope: ViewScope): HTMLElement | null {
  const all = investigation.hypotheses;
  if (all.length === 0) return null;
  const rows = all.map((hypothesis, index) => {
    const head = [
      h("span", { class: "adj-rank" }, String(index + 1)),
      h("span", { class: "adj-hypothesis-summary" }, hypothesis.summary),
      h("span", { class: "adj-balance" }, `${hypothesis.supports.length} for`, h("span", { class: "adj-muted" }, ` · ${hypothesis.contradicts.length} against`)),
      meter(hypothesis.confidence),
    ];
    return disclosure("adj-hypothesis", head, () => forAndAgainst(hypothesis, scope)).element;
  });
  return h("section", { class: "adj-part", "aria-label": "Ranked causes" }, h("header", {}, h("h4", {}, "Ranked causes")), ...rows);
}

function forAndAgainst(hypothesis: Hypothesis, scope: ViewScope): Node {
  const column = (title: string, claims: Claim[]): Node =>
    h(
      "div",
      { class: "adj-claims" },
      h("h5", {}, title),
      claims.length === 0 ? h("p", { class: "adj-muted" }, "Nothing seen.") : h("ul", {}, ...claims.map((claim) => h("li", {}, `${claim.text} `, ...claim.evidence.map(scope.cite)))),
    );
  return h(
    "div",
    {},
    h("p", { class: "adj-muted" }, words(hypothesis.reason), " · ", hypothesis.subject.kind, " ", h("code", {}, subject(hypothesis.subject))),
    h("div", { class: "adj-columns" }, column("For", hypothesis.supports), column("Against", hypothesis.contradicts)),
    hypothesis.ahead && h("div", { class: "adj-claims adj-ahead" }, h("h5", {}, "Why it is ahead of the next"), h("ul", {}, ...hypothesis.ahead.map((text) => h("li", {}, text)))),
  );
}

/** The first cause's suggested actions that the answer's text does not already give. */
export function nextSteps(investigation: Investigation, text: string): HTMLElement | null {
  const told = (action: SuggestedAction): boolean => text.includes(action.command || action.summary);
  const actions = (investigation.hypotheses[0]?.suggested_actions ?? []).filter((action) => !told(action));
  if (actions.length === 0) return null;
  const items = actions.map((action) =>
    h(
      "li",
      {},
      h("span", { class: `adj-kind adj-kind-${action.kind}` }, words(action.kind)),
      h("span", { class: "adj-action" }, action.summary),
      action.command !== "" && h("div", { class: "adj-code" }, h("pre", {}, h("code", {}, action.command)), copyButton(action.command, "Copy the command")),
    ),
  );
  return h("section", { class: "adj-part adj-next", "aria-label": "Next steps" }, h("header", {}, h("h4", {}, "Next steps"), h("span", { class: "adj-muted" }, "Suggestions; nothing has been changed")), h("ul", {}, ...items));
}

export function findings(list: Finding[], scope: ViewScope): HTMLElement | null {
  if (list.length === 0) return null;
  const head = [h("span", {}, `${list.length} ${list.length === 1 ? "finding" : "findings"}`)];
  const body = (): Node =>
    h(
      "ul",
      { class: "adj-findings" },
      ...list.map((finding) =>
        h(
          "li",
          { class: `adj-severity-${finding.severity}` },
          h("span", { class: "adj-severity", title: finding.rule_id }, finding.severity),
          h("span", {}, h("b", {}, words(finding.reason)), " ", h("code", {}, subject(finding.subject)), " ", finding.message, " ", ...finding.evidence.map(scope.cite)),
          h("span", { class: "adj-muted" }, finding.onset ? clock(Date.parse(finding.onset)) : ""),
        ),
      ),
    );
  return disclosure("adj-fold", head, body).element;
}

export function timeline(investigation: Investigation, text: string, scope: ViewScope): HTMLElement | null {
  const { timeline: entries } = investigation;
  if (entries.every((entry) => text.includes(entry.text.replace(/\.$/, "")))) return null;
  const body = (): Node =>
    h(
      "ol",
      { class: "adj-timeline" },
      ...entries.map((entry) =>
        h("li", { class: `adj-entry-${entry.kind}` }, h("time", { datetime: entry.at }, clock(Date.parse(entry.at))), h("span", {}, entry.text, " ", ...entry.evidence.map(scope.cite))),
      ),
    );
  return disclosure("adj-fold", [h("span", {}, `Timeline, ${entries.length} entries (UTC)`)], body).element;
}

export function missing(investigation: Investigation): HTMLElement | null {
  if (investigation.missing.length === 0) return null;
  const head = [h("span", {}, "Concluded without: ", investigation.missing.map((item) => item.tool).filter((tool, at, all) => all.indexOf(tool) === at).join(", "))];
  const body = (): Node => h("ul", { class: "adj-missing" }, ...investigation.missing.map((item) => h("li", {}, h("code", {}, item.query), " ", item.error)));
  return disclosure("adj-fold adj-fold-warning", head, body).element;
}
