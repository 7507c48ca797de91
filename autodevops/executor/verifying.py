"""Whether it helped: against the symptom, and against the ways in which a change can only look as if it had.

A workload that was deleted, scaled away or left with fewer ready pods has no symptom any more, either. That is worse.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.operation import Symptom
from autodevops.domain.outcome import EffectCheck, Judgement
from autodevops.domain.plan import WorkloadState
from autodevops.executor.kinds import AnyKind, Errand
from autodevops.executor.reading import still_there
from autodevops.kernel.errors import ToolError, ToolUnavailable
from autodevops.toolbox.protocol import Tools

CLEARLY = 0.2  # a share of the value before: less is what a symptom moves by itself
_ORDER: tuple[Judgement, ...] = ("worse", "unknown", "no_effect", "good")


async def measure(tools: Tools, query: str) -> float | None:
    """A query's one number now; None when there is none. Raises ToolError."""
    answer = await tools.call("prometheus.query_instant", {"query": query})
    series = answer.data.get("series") if isinstance(answer.data, dict) else None
    if not isinstance(series, list) or len(series) != 1:
        return None
    samples = series[0].get("samples") if isinstance(series[0], dict) else None
    try:
        return float(samples[-1][1])  # type: ignore[index,arg-type]  # any other shape is no number
    except (TypeError, IndexError, ValueError):
        return None


async def check(
    tools: Tools, kind: AnyKind, errand: Errand[object], symptom: Symptom | None, before: float | None
) -> tuple[EffectCheck, ...]:
    """Everything that is asked afterwards. What cannot be asked is `unknown`, never good."""
    checks: list[EffectCheck] = []
    try:
        for state in errand.pre.workloads:
            checks += workload_checks(state, await still_there(tools, state.subject), resizes=kind.resizes)
        checks += await kind.verify(tools, errand)
    except ToolError as error:
        checks.append(_unread("reading", error))
    if symptom is not None:
        try:
            checks.append(symptom_check(symptom, before, await measure(tools, symptom.query)))
        except ToolError as error:
            checks.append(_unread("symptom", error))
    return tuple(checks)


def _unread(name: str, error: ToolError) -> EffectCheck:
    silent = isinstance(error, ToolUnavailable)
    return EffectCheck(name=name, judgement="unknown", words=str(error), unanswered=silent)


def workload_checks(before: WorkloadState, now: WorkloadState | None, *, resizes: bool) -> Iterable[EffectCheck]:
    subject = before.subject
    if now is None:
        yield EffectCheck(name="exists", judgement="worse", words=f"{subject} is gone.")
        return
    if now.uid != before.uid:
        yield EffectCheck(name="exists", judgement="worse", words=f"{subject} was deleted, and another has its name.")
        return
    if before.replicas and not now.replicas:
        yield EffectCheck(name="replicas", judgement="worse", words=f"{subject} is scaled to zero.")
        return
    if now.replicas < before.replicas and not resizes:
        words = f"{subject} has {now.replicas} replicas, not the {before.replicas} it had."
        yield EffectCheck(name="replicas", judgement="worse", words=words)
    expected = min(before.ready, now.replicas)
    words = f"{now.ready} of {now.replicas} pods of {subject} are ready; it was {before.ready} of {before.replicas}."
    yield EffectCheck(name="ready", judgement="worse" if now.ready < expected else "good", words=words)


def symptom_check(symptom: Symptom, before: float | None, now: float | None) -> EffectCheck:
    def said(judgement: Judgement, words: str) -> EffectCheck:
        return EffectCheck(name="symptom", judgement=judgement, words=words)

    if now is None:
        return said("unknown", f"There is no one number for {symptom.about or symptom.query}.")
    sign = 1 if symptom.better == "lower" else -1
    told = f"{symptom.about or symptom.query} is {now:g}" + (f", was {before:g}" if before is not None else "")
    if symptom.good is not None and sign * (now - symptom.good) <= 0:
        return said("good", f"{told}; good from {symptom.good:g}.")
    if before is None:
        return said("unknown" if symptom.good is None else "no_effect", f"{told}.")
    change = sign * (now - before)
    if change > CLEARLY * abs(before):
        return said("worse", f"{told}.")
    if symptom.good is None and change < -CLEARLY * abs(before):
        return said("good", f"{told}.")
    return said("no_effect", f"{told}.")


def overall(checks: Iterable[EffectCheck]) -> Judgement:
    """The worst there is; nothing checked is nothing known."""
    found = {check.judgement for check in checks}
    return next((one for one in _ORDER if one in found), "unknown")
