"""What follows from an investigation: the next useful questions, and the answer to "since when?"."""

from __future__ import annotations

from collections.abc import Sequence

from autodevops.domain.investigation import Investigation
from autodevops.domain.remedy import Remedy
from autodevops.jamie.answers import Answer
from autodevops.jamie.markdown import cites, code, prose
from autodevops.jamie.narrator_builtin import moment, onset_of

PROPOSE_FIRST = "Propose the first one"
SINCE_WHEN = "Since when?"
_DEPLOYED = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")


def after(investigation: Investigation) -> tuple[str, ...]:
    where = investigation.namespace
    if investigation.verdict == "healthy":
        return (f"What changed today in {where}?", "What is firing?", f"Which pods are not ready in {where}?")
    subject = investigation.hypotheses[0].subject if investigation.hypotheses else investigation.subject
    if subject is None or not (subject.kind in {*_DEPLOYED, "Pod"} or subject.api_version == "opentelemetry.io"):
        return (f"Show me the errors in the logs in {where}", f"What changed today in {where}?", "What is firing?")
    name = subject.name
    since = (SINCE_WHEN,) if onset_of(investigation) else ()
    changed = f"What changed in {name} today?" if subject.kind in _DEPLOYED else f"What changed today in {where}?"
    return (f"Show me the logs of {name}", f"Show me the metrics of {name}", changed, *since)


def remedies_told(offered: Sequence[Remedy]) -> str:
    """The changes that could be proposed, numbered as `propose the second one` counts them."""
    rows = []
    for place, one in enumerate(offered, 1):
        title = f"{one.action.kind.replace('_', ' ')} {one.action.subject}"
        rows.append(f"{place}. {code(title)} ({one.kind}): {prose(one.why)}")
    return "\n\n**What I can propose**; nothing is done before people say yes:\n\n" + "\n".join(rows)


def since_when(investigation: Investigation) -> Answer:
    """From the investigation at hand: no new call is needed."""
    onset = onset_of(investigation)
    evidence = investigation.evidence
    following = tuple(question for question in after(investigation) if question != SINCE_WHEN)
    if onset is None:
        if investigation.verdict == "healthy":
            said = f"**Nothing is wrong in what I looked at, so nothing began.** {prose(investigation.summary)}"
        else:
            said = "**I found no moment at which it clearly began.**"
        return Answer(said, follow_ups=following)
    ago = round((investigation.window.end - onset.at).total_seconds() / 60)
    said = f"**Since {onset.at:%Y-%m-%d %H:%M} UTC, {ago} minutes before the end of the window.** {prose(onset.text)}"
    text = said + cites(onset.evidence)
    earlier = [entry for entry in investigation.timeline if entry.kind == "change" and entry.at <= onset.at]
    if earlier:
        text += "\n\nThe last change before that:\n\n" + moment(max(earlier, key=lambda entry: entry.at))
    cited = {*onset.evidence, *(item for entry in earlier for item in entry.evidence)}
    return Answer(text, tuple(item for item in evidence if item.id in cited), following)
