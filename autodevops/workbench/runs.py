"""Runbooks on the bench: what they are run with, who is asked before they act, a rehearsal, the postmortem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from autodevops.kernel.errors import RunFailed
from autodevops.workbench.bench import Bench, entered
from autodevops.workbench.doctor import checks

if TYPE_CHECKING:
    from autodevops.domain.base import Json
    from autodevops.runbooks import Gate, Means, Runbook, RunQueue, RunRecord
    from autodevops.runbooks.rehearsal import Rehearsal


class RunningBench(Bench):
    """Runs runbooks, and rehearses them."""

    async def rehearse(self, runbook: Runbook, parameters: Mapping[str, Json]) -> Rehearsal:
        """Check parameters and secrets and ask about preconditions; nothing is run.

        Raises UsageError when a parameter is wrong or a secret is not to be had.
        """
        import asyncio

        from autodevops.runbooks import Places
        from autodevops.runbooks.rehearsal import Answered, rehearsal
        from autodevops.runbooks.secrets import fetch_secrets

        rehearsal(runbook, parameters, ())
        places = Places(self.settings.secrets.by_name, self.settings.kubernetes)
        await asyncio.to_thread(fetch_secrets, runbook.name, runbook.front.secrets, places)
        asked = {condition.system for condition in runbook.front.preconditions if condition.system}
        found = {check.system: check for check in await checks(entered(self._once), self.settings, only=asked)}
        answered = []
        for condition in runbook.front.preconditions:
            if condition.system is None:
                answered.append(Answered(precondition=condition, state="unknown", message="only a person can tell"))
                continue
            check = found[condition.system]
            state: Literal["met", "not met"] = "met" if check.state == "ok" else "not met"
            answered.append(
                Answered(precondition=condition, state=state, message=check.message, next_step=check.next_step)
            )
        return rehearsal(runbook, parameters, tuple(answered))

    def approval_gate(self) -> Gate:
        """Where runbooks' cells that do something wait for a person's yes, by `autodevops approve` for instance."""
        import asyncio

        from autodevops.executor import switch
        from autodevops.executor.cells import ApprovalGate
        from autodevops.executor.means import Means as Asking

        settings = self.settings.executor
        return ApprovalGate(
            Asking(
                ledger=self.ledger,
                settings=settings,
                clock=self._clock,
                sleep=asyncio.sleep,
                actor=self._actor,
                stop_file=switch.stop_file(settings),
            )
        )

    def run_means(self, *, warm_kernels: int = 0, gate: Gate | None = None) -> Means:
        """What runbooks are run with. Cells that do something are denied unless a gate grants them."""
        from autodevops.runbooks import DenyingGate, KernelPool, Means, Places
        from autodevops.runbooks.kernels import ColdKernels

        return Means(
            artifacts=self.settings.scarlet.artifacts_folder,
            clock=self._clock,
            kernels=KernelPool(warm_kernels) if warm_kernels else ColdKernels(),
            gate=gate or DenyingGate(),
            secrets=Places(self.settings.secrets.by_name, self.settings.kubernetes),
            redacting=self.settings.runs.redact,
            ledger=self.ledger,
        )

    def run_queue(self, means: Means) -> RunQueue:
        """The queue for runs by these means; use it as a context manager."""
        from autodevops.runbooks import RunQueue

        return RunQueue(means, at_once=self.settings.runs.at_once)

    async def write_postmortem(self, incident: str, *, edited: str = "", objective: float = 0.999) -> RunRecord:
        """Run the runbook that makes it; its run is kept with the incident. `edited` is an earlier Markdown version.

        Raises UsageError when there is no such incident, RunFailed when the run did not succeed.
        """
        from autodevops.kernel.person import person
        from autodevops.runbooks import RunRequest
        from autodevops.runbooks.sources import catalogue_of
        from autodevops.stores.incidents import change_incident, find_incident

        known = find_incident(self.ledger, incident).id
        values: dict[str, Json] = {"incident": known, "edited": edited, "objective": objective}
        runbook = catalogue_of(self.settings.scarlet).load("postmortem")
        async with self.run_queue(self.run_means()) as queue:
            record = await queue.submit(RunRequest(runbook, values, requested_by=person(), reason=known)).result()
        if record.status != "succeeded":
            words = record.run.error.message if record.run.error else record.status
            raise RunFailed(f"Run {record.run.id} of postmortem {record.status}: {words}", f"See {record.where}.")
        change_incident(
            self.ledger,
            known,
            "documented",
            lambda was: was.model_copy(update={"bundles": (*was.bundles, record.run.id)}),
            now=self._clock(),
            actor=self._actor,
            data={"run": record.run.id},
        )
        return record
