"""Scarlet's side of the bench: her loop and schedules, what she watches and learns. With it the bench is whole."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from autodevops.workbench.answers import AnsweringBench

if TYPE_CHECKING:
    from autodevops.domain.investigation import Investigation
    from autodevops.domain.learned import Learned
    from autodevops.domain.operation import Operation
    from autodevops.domain.signal import Look
    from autodevops.domain.window import TimeWindow
    from autodevops.runbooks import RunQueue
    from autodevops.scarlet.agent import Scarlet
    from autodevops.scarlet.learning.cases import Cases
    from autodevops.scarlet.learning.foresight import Foresight
    from autodevops.scarlet.learning.health import ScarletHealth
    from autodevops.scarlet.response.loop import Loop
    from autodevops.scarlet.watching import Watch

log = logging.getLogger(__name__)

NO_CLUSTER: Final = "There is no kubeconfig: what runs beside Kubernetes is watched, by Prometheus, and no cluster."


class Workbench(AnsweringBench):
    """Use as an async context manager: entering connects the toolbox, leaving closes it. As a plain one, for runs and
    the ledger, it connects nothing; leaving either closes what was opened.

    What is done is entered in `ledger`, by default the one that the settings name, as done by `actor`, by default the
    user of this process. `program` is whose settings these are: a change since its last start is an event.
    """

    _ahead: Foresight | None = None

    async def __aexit__(self, *exc_info: object) -> None:
        await super().__aexit__(*exc_info)
        self._ahead = self._leader = None

    def scarlet(self, *, staying: bool = True) -> Scarlet:
        """`staying`: she runs for long, so that kernels which wait are worth their start.

        Schedules that wait for alerts and deploys need the workbench to be entered.
        """
        from autodevops.scarlet.agent import Scarlet

        runs = self.settings.runs
        gate = self.approval_gate() if self.settings.executor.approvers else None  # else there is nobody to ask
        means = self.run_means(warm_kernels=runs.warm_kernels if staying else 0, gate=gate)
        respond = self.settings.scarlet.respond and self._tools is not None
        if respond:
            self.lead()  # what tends beside the response is held to it, too
            if not self.has_cluster:
                log.warning("%s", NO_CLUSTER)
        return Scarlet(
            self.settings.scarlet,
            clock=self._clock,
            means=means,
            channels=self.settings.channels,
            webhook=self.settings.webhook,
            tools=self._tools,
            runs_at_once=runs.at_once,
            responding=partial(self.response, waiting=staying) if respond else None,
            alert_hook=self.settings.watch.hook,
            wake=self.wake if respond and self.has_cluster and "objects" in self.settings.watch.sources else None,
        )

    @asynccontextmanager
    async def response(self, queue: RunQueue | None = None, *, waiting: bool = True) -> AsyncIterator[Loop]:
        """Scarlet's loop over what she watches; it documents by runs of `queue`, where there is one.

        Not `waiting`: what is noticed is not kept for a while to see what belongs to it.
        """
        from autodevops.executor.acting import Acting
        from autodevops.kernel.ids import time_sortable_id
        from autodevops.runbooks.sources import catalogue_of
        from autodevops.scarlet.response.doing import Doing
        from autodevops.scarlet.response.loop import response
        from autodevops.scarlet.response.machine import Means as Responding
        from autodevops.stores.sqlite_ledger import folder_of

        settings, leader = self.settings, self.lead()
        doing = Doing(
            investigating=self.investigate,
            acts=Acting(self.executor, self.tools, self.ledger, settings.github.repositories),
            queue=queue,
            catalogue=catalogue_of(settings.scarlet),
            channels=settings.channels,
            names=settings.executor.escalate_to,
        )
        scarlet = settings.scarlet if waiting else settings.scarlet.model_copy(update={"group_seconds": 0.0})
        means = Responding(doing, self.ledger, scarlet, self._clock, settings.watch.every_seconds)
        checkpoints = folder_of(settings.ledger) / "scarlet.sqlite"
        holder = f"{self._actor} {time_sortable_id(self._clock())}"
        async with response(means, self.watch(), checkpoints, holder=holder, leads=leader) as loop:
            yield loop

    async def why_not_any_more(self, operation: Operation) -> str:
        """Of what Scarlet asked about for an incident: why it has lost its reason; empty where it has not."""
        from autodevops.executor.acting import Acting
        from autodevops.scarlet.response.rechecking import why_not_any_more
        from autodevops.stores.incidents import find_incident

        proposal = operation.proposal
        if proposal.by_person or not proposal.incident:
            return ""
        acts = Acting(self.executor, self.tools, self.ledger, self.settings.github.repositories)
        incident = find_incident(self.ledger, proposal.incident)
        why = await why_not_any_more(self._investigate, acts.remedies, incident, proposal, self._clock())
        return why.words if why else ""

    async def _investigate(self, place: str | None, window: TimeWindow) -> Investigation:
        """As an incident's `namespace` has it: empty for what runs beside Kubernetes."""
        return await self.investigate(namespace=place or "", window=window, beside=place == "")

    def watch(self) -> Watch:
        """What Scarlet sees with."""
        from autodevops.jamie.zones import of_user
        from autodevops.scarlet.watching import Watch

        settings = self.settings
        systems = [name for name in ("prometheus", "alertmanager", "loki", "tempo") if getattr(settings, name).url]
        zone = of_user(settings.investigation.time_zone)
        if self.has_cluster:
            systems.append("kubernetes")
        return Watch(self._looking, settings.watch, foresight=self._foresight, zone=zone, systems=systems)

    async def wake(self, woken: Callable[[], None]) -> None:
        """Call `woken` whenever the cluster warns of something, until cancelled."""
        from autodevops.scarlet.watching.waking import Waking

        await Waking(self._looking, self.settings.watch, woken).forever()

    @property
    def _foresight(self) -> Foresight:
        """One for the watch and for who tells people: what runs out is asked once."""
        from autodevops.scarlet.learning.foresight import Foresight

        if self._ahead is None:
            self._ahead = Foresight(self._looking, self.settings.learning)
        return self._ahead

    async def tend(self) -> None:
        """End what executors left behind, and escalate what nobody answered: now and then, until cancelled."""
        from autodevops.scarlet.tending import tend_forever

        settings = self.settings
        await tend_forever(self.executor.recover, settings.channels, settings.executor.escalate_to)

    async def study(self) -> None:
        """Learn from what happened, and tell people what is going to run out: now and then, until cancelled."""
        import asyncio

        from autodevops.scarlet.learning.announcing import announce_forever, watched
        from autodevops.scarlet.learning.learn import learn_forever
        from autodevops.scarlet.tell import tell_all

        settings, foresight = self.settings, self._foresight

        async def look() -> Look:
            return watched(await foresight.look(self._clock()), settings.watch)

        work = [learn_forever(self.learn)]
        if settings.prometheus.url and "predictions" in settings.watch.sources:
            tell = partial(tell_all, settings.channels, settings.executor.escalate_to)
            work.append(announce_forever(look, self.ledger, tell))
        await asyncio.gather(*work)

    async def learn(self, alerts: bool = False) -> tuple[str, ...]:
        """Learn from what happened so far, and show it in `learned.json` beside the ledger; what a person should know
        about the file that was there. With `alerts` Prometheus is asked, by a bench that was entered.

        Raises LedgerUnavailable.
        """
        import asyncio

        from autodevops.executor.lessons import lessons
        from autodevops.executor.operations import load_all
        from autodevops.executor.record import read_record
        from autodevops.scarlet.learning.learn import learn

        settings, now = self.settings, self._clock()
        record, operations = read_record(self.ledger), await asyncio.to_thread(load_all, self.ledger)
        await learn(
            self.ledger,
            lessons(record, operations, settings.executor),
            settings.learning,
            zone=settings.investigation.time_zone,
            now=now,
            actor=self._actor,
            tools=self.tools if alerts else None,
        )
        return self._show_learned()

    def unlearn(self, lesson_id: str, why: str, *, by: str) -> Learned:
        """A person undoes what was learned; it counts no more for decisions. Raises UsageError, LedgerUnavailable."""
        from autodevops.executor.lessons import forget
        from autodevops.scarlet.learning import book

        now, ledger = self._clock(), self.ledger
        forgetting = partial(forget, ledger, why=why, now=now, actor=by)
        known = book.end(ledger, lesson_id, why, now=now, actor=by, forget=forgetting)
        self._show_learned()
        return known

    def scarlet_health(self, since: datetime | None = None, *, known: Cases | None = None) -> ScarletHealth:
        """How well she does, of incidents and actions since then. `known` is carried on: each event is read once.

        Raises LedgerUnavailable.
        """
        from autodevops.executor.lessons import levels
        from autodevops.executor.record import read_record
        from autodevops.scarlet.learning.cases import Cases
        from autodevops.scarlet.learning.health import health_of

        known = known or Cases()
        known.read(self.ledger)
        return health_of(
            known,
            self.ledger,
            since=since,
            now=self._clock(),
            minutes_by_hand=self.settings.learning.minutes_by_hand,
            levels=levels(read_record(self.ledger), self.settings.executor),
        )

    def _show_learned(self) -> tuple[str, ...]:
        from autodevops.scarlet.learning.file import show
        from autodevops.stores.sqlite_ledger import folder_of

        return show(self.ledger, folder_of(self.settings.ledger), now=self._clock())
