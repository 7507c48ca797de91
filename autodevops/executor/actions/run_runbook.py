"""Run a runbook: its declared parameters, its cells that do something granted by the yes to the plan that shows them.

For what no typed action does and a team has written down. Risk is what its front matter says; where it acts is told by
its parameters `namespace` and `node`, where it has such. Its cells tagged `verify` judge what it did; those tagged
`rollback` take it back, as the run's own last part: when an action or a verification failed. What has succeeded is not
taken back from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autodevops.domain.action import RunRunbook
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState
from autodevops.domain.risk import Risk
from autodevops.domain.run import GOOD
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.executor.runs import Runs, Seen, as_rejected
from autodevops.kernel.errors import ToolRejected
from autodevops.runbooks.catalogue import Runbook, read_notebook, source_of, tags_of
from autodevops.runbooks.gates import GATED, ROLLBACK, VERIFY, source_digest, tag_of
from autodevops.runbooks.parameters import resolve
from autodevops.toolbox.protocol import Tools

READ_ONLY = "read-only"


@dataclass(frozen=True)
class RunRunbookKind(Kind[RunRunbook]):
    """`runs` None: runbooks are not run from here, and every plan of one is refused."""

    runs: Runs | None = None
    noun = RunRunbook
    risk: Risk = "medium"
    undo_words = "Its rollback cells run when one of its actions or verifications fails."

    async def survey(self, tools: Tools, action: RunRunbook, now: datetime) -> PreState:
        runbook = self._there.load(action.runbook)
        cells: list[dict[str, Any]] = read_notebook(runbook.path, runbook.source)["cells"]
        granted = [cell for cell in cells if tag_of(cell.get("metadata", {})) == "action"]
        tags = {tag for cell in cells for tag in tags_of(cell)}
        return PreState(
            taken_at=now,
            bound={
                "source": runbook.digest,
                "parameters": _values(runbook, action),
                "cells": [source_digest(source_of(cell)) for cell in granted],
            },
            saved={
                "risk": runbook.front.risk,
                "systems": list(runbook.front.systems),
                "verifies": VERIFY in tags,
                "rolls_back": ROLLBACK in tags,
            },
        )

    def blast(self, action: RunRunbook, pre: PreState) -> BlastRadius:
        if pre.saved["risk"] == READ_ONLY:
            return BlastRadius()
        given = pre.bound["parameters"]
        named = {
            name: (str(given[name]),) if isinstance(given, Mapping) and given.get(name) else ()
            for name in ("namespace", "node")
        }
        return BlastRadius(namespaces=named["namespace"], nodes=named["node"], unknown=True)

    def preconditions(self, action: RunRunbook, pre: PreState) -> tuple[Refusal, ...]:
        return ()

    def risk_of(self, pre: PreState) -> Risk:
        risks: dict[str, Risk] = {READ_ONLY: "low", "low": "low", "medium": "medium"}
        return risks.get(str(pre.saved["risk"]), "high")

    def undo_of(self, pre: PreState) -> str:
        return self.undo_words if pre.saved["rolls_back"] else ""

    async def dry_run(self, tools: Tools, errand: Errand[RunRunbook]) -> DryRun:
        """Nothing is run: parameters, secrets and preconditions are checked, and the cells that would act are shown."""
        runbook, values = self._planned(errand)
        with as_rejected():
            rehearsed = await self._there.rehearse(runbook, values)
        for one in rehearsed.preconditions:
            if one.state == "not met":
                raise ToolRejected(f"It must hold, and does not: {one.precondition.text} {one.message}", one.next_step)
        systems = ", ".join(runbook.front.systems) or "no system it names"
        return DryRun(
            summary=f"{runbook.front.title} would run; it reads or changes {systems}.",
            edits=tuple(_edits(runbook, values)),
            warnings=tuple(
                f"Not checked: {one.precondition.text}" for one in rehearsed.preconditions if one.state == "unknown"
            ),
        )

    async def apply(self, tools: Tools, errand: Errand[RunRunbook]) -> Applied:
        if not self._there.seen(errand.operation):
            runbook, values = self._planned(errand)
            await self._there.run(runbook, values, errand)
        progress = await self.look(tools, errand)
        if progress.state == "not_applied":
            raise ToolRejected(progress.words, "See the run, and what is to be mended first.")
        last = self._there.seen(errand.operation)[-1]
        return Applied(summary=progress.words, data={"run": last.run, "status": last.status})

    async def look(self, tools: Tools, errand: Errand[RunRunbook]) -> Progress:
        attempts = self._there.seen(errand.operation)
        if not attempts:
            return Progress(state="not_applied", words="No run was begun.", final=True)
        last = attempts[-1]
        if last.status == "running":
            return Progress(state="applied", words=f"Run {last.run} is going on.")
        reads_well = errand.pre.saved["risk"] == READ_ONLY and last.status in GOOD
        if not reads_well and not any(one.acted for one in attempts):
            words = f"{_said(last)} before any cell that does something."
            return Progress(state="not_applied", words=words, final=True)
        return Progress(state="settled" if last.status in GOOD else "lost", words=f"{_said(last)}.")

    async def verify(self, tools: Tools, errand: Errand[RunRunbook]) -> tuple[EffectCheck, ...]:
        attempts = self._there.seen(errand.operation)
        if not attempts:
            return (EffectCheck(name="run", judgement="unknown", words="There is no run of it."),)
        last, saved = attempts[-1], errand.pre.saved
        if last.status not in GOOD:
            return (EffectCheck(name="run", judgement="worse", words=f"{_said(last)}."),)
        if saved["risk"] == READ_ONLY:
            return (EffectCheck(name="run", judgement="good", words=f"{_said(last)}; it only reads."),)
        if last.status == "succeeded" and saved["verifies"]:
            return (EffectCheck(name="run", judgement="good", words=f"{_said(last)}, its verification with it."),)
        return (EffectCheck(name="run", judgement="unknown", words=f"{_said(last)}, and nothing verified it."),)

    async def undo(self, tools: Tools, errand: Errand[RunRunbook]) -> Applied:
        attempts = self._there.seen(errand.operation)
        way = f"its way back: {attempts[-1].rollback.replace('_', ' ')}" if attempts and attempts[-1].rollback else ""
        raise ToolRejected(
            f"Its run is over, {way or 'and its rollback cells run only within one that fails'}.",
            "Read the run's page, and put back by hand what should be.",
        )

    async def look_undone(self, tools: Tools, errand: Errand[RunRunbook]) -> Progress:
        attempts = self._there.seen(errand.operation)
        if attempts and attempts[-1].rollback == "succeeded":
            return Progress(state="settled", words=f"The rollback cells of run {attempts[-1].run} succeeded.")
        return Progress(state="not_applied", words="No rollback cell has succeeded.")

    @property
    def _there(self) -> Runs:
        if self.runs is None:
            raise ToolRejected("Runbooks are not run from here.", "Use the executor of a Workbench.")
        return self.runs

    def _planned(self, errand: Errand[RunRunbook]) -> tuple[Runbook, dict[str, Any]]:
        runbook = self._there.load(errand.action.runbook)
        if runbook.digest != errand.pre.bound["source"]:
            raise ToolRejected(f"The runbook {runbook.name} has changed since the plan was made.", "Make a new plan.")
        return runbook, _values(runbook, errand.action)


def _values(runbook: Runbook, action: RunRunbook) -> dict[str, Any]:
    with as_rejected():
        return dict(resolve(runbook.name, runbook.front.parameters, action.parameters))


def _edits(runbook: Runbook, values: Mapping[str, Json]) -> Iterator[FieldEdit]:
    for name, value in values.items():
        yield FieldEdit(path=f"parameter {name}", after=value)
    for number, cell in enumerate(read_notebook(runbook.path, runbook.source)["cells"], start=1):
        told = [tag for tag in (*GATED, VERIFY, ROLLBACK) if tag in tags_of(cell)]
        if told:
            yield FieldEdit(path=f"cell {number} ({', '.join(told)})", after=source_of(cell))


def _said(seen: Seen) -> str:
    return f"Run {seen.run} ended as {seen.status.replace('_', ' ')}"
