"""The composition root: settings in, a working bench out. The only module that knows everybody.

It builds the MCP servers from settings, connects the toolbox to them in memory, wraps it
(`toolbox.stack`), and hands it to the agents. Surfaces (CLI, notebook) call a `Workbench` and nothing below it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from autodevops.domain.window import TimeWindow
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import AutoDevOpsError, LedgerUnavailable, RunFailed, SettingsError, ToolError, UsageError
from autodevops.settings import Settings, load_settings

if TYPE_CHECKING:
    from autodevops.domain.action import Action
    from autodevops.domain.base import Json
    from autodevops.domain.evidence import Evidence
    from autodevops.domain.hypothesis import Hypothesis
    from autodevops.domain.investigation import Investigation
    from autodevops.domain.learned import Learned
    from autodevops.domain.ledger import NewEvent
    from autodevops.domain.operation import Operation
    from autodevops.domain.remedy import Remedy
    from autodevops.domain.shown_operation import ShownOperation
    from autodevops.domain.signal import Look
    from autodevops.domain.stream import TurnEvent
    from autodevops.domain.turn_health import Feedback, Thumb, TurnHealth
    from autodevops.executor.executor import Executor
    from autodevops.executor.means import Sleep
    from autodevops.executor.runs import Runs
    from autodevops.jamie.agent import JamieAgent
    from autodevops.jamie.persona import Level
    from autodevops.jamie.remembering import Remembering
    from autodevops.runbooks import Gate, Means, Runbook, RunQueue, RunRecord
    from autodevops.runbooks.rehearsal import Rehearsal
    from autodevops.scarlet import Scarlet
    from autodevops.scarlet.learning.cases import Cases
    from autodevops.scarlet.learning.foresight import Foresight
    from autodevops.scarlet.learning.health import ScarletHealth
    from autodevops.scarlet.response.loop import Loop
    from autodevops.scarlet.watching import Watch
    from autodevops.stores.ledger import Ledger
    from autodevops.stores.memory_keeper import MemoryKeeper
    from autodevops.stores.memory_protocol import Embedder
    from autodevops.toolbox.protocol import Emit, Keeper, Tools

log = logging.getLogger(__name__)

WRITE_SECONDS = 20.0  # for one call that may write: less than the 30 s of the shortest lease, more than servers take


@dataclass(frozen=True)
class Check:
    """One line of `autodevops doctor`."""

    system: str
    address: str
    state: Literal["ok", "failed", "not configured"]
    message: str
    next_step: str = ""


def _system_of(tool: str) -> str:
    """What is down when a tool's system is down: the Prometheus server has two systems behind it."""
    server, _, name = tool.partition(".")
    return "alertmanager" if server == "prometheus" and ("silence" in name or "alert_group" in name) else server


def _ignore(_event: TurnEvent) -> None:
    return None


def _not_entered(_event: NewEvent) -> None:
    return None


def current_user() -> str:
    """Whose process this is, for the record."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name for this user id, as in some containers
        return f"uid {os.getuid()}"


def memory_keeper(settings: Settings, *, clock: Clock = utc_now) -> MemoryKeeper:
    """Jamie's memory by the settings, with the handbook in it; opened when it is first needed."""
    from autodevops.knowledge import handbook
    from autodevops.llm.embeddings import embedders
    from autodevops.stores.memory_hashing import HashingEmbedder
    from autodevops.stores.memory_keeper import MemoryKeeper, Shipped

    ways: list[Embedder] = [*embedders(settings.ollama, settings.memory.embedding_model), HashingEmbedder()]
    shipped = Shipped(handbook.SOURCE, handbook.edition, handbook.documents)
    return MemoryKeeper(settings.memory, ways, shipped, clock=clock)


@dataclass(frozen=True)
class _AsPerson:
    """What Jamie is given of the executor: to propose, for the person whose workbench it is."""

    bench: Workbench

    async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
        from autodevops.executor.remedies import remedies

        return await remedies(self.bench.tools, hypothesis, self.bench.settings.github.repositories)

    async def propose(self, action: Action, *, why: str, remedy: Remedy | None = None) -> Operation:
        from autodevops.domain.operation import Proposal

        proposal = Proposal(action=action, asked_by=self.bench.actor, by_person=True, why=why)
        if remedy is not None:
            rests_on = {name: getattr(remedy, name) for name in ("reason", "confidence", "evidence")}
            proposal = proposal.model_copy(update=rests_on)
        return await self.bench.executor.propose(proposal)


class Workbench:
    """Use as an async context manager: entering connects the toolbox, leaving closes it. As a plain one, for runs and
    the ledger, it connects nothing; leaving either closes what was opened.

    What is done is entered in `ledger`, by default the one that the settings name, as done by `actor`, by default the
    user of this process. `program` is whose settings these are: a change since its last start is an event.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        ledger: Ledger | None = None,
        actor: str = "",
        program: str = "",
        sleep: Sleep | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._sleep = sleep
        self._ledger = ledger
        self._actor = actor or current_user()
        self._program = program or Path(sys.argv[0]).name or "python"
        self._exit = AsyncExitStack()
        self._opened = ExitStack()  # ledger and memory, when they were first needed
        self._tools: Tools | None = None
        self._once: Tools | None = None
        self._toolbox: Tools | None = None
        self._agent: JamieAgent | None = None
        self._keeper: Keeper | None = None
        self._enter: Callable[[NewEvent], None] = _not_entered  # what may be in the ledger a moment later
        self._remembering: Remembering | None = None
        self._ahead: Foresight | None = None

    @classmethod
    def from_settings(cls, settings: Settings | None = None, *, clock: Clock = utc_now) -> Workbench:
        return cls(settings or load_settings(), clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._opened.close()

    async def __aenter__(self) -> Self:
        from autodevops.kernel.startup import skip_unused_imports

        skip_unused_imports()
        from autodevops import servers
        from autodevops.runbooks.keeper import keeper_of_this_run
        from autodevops.toolbox import McpToolbox
        from autodevops.toolbox.audited import Audited
        from autodevops.toolbox.stack import asked_once, standard

        self._keeper = keeper_of_this_run()
        settings, seconds = self.settings.toolbox, self.settings.investigation.tool_timeout_seconds
        further = self._further_servers()
        enter = self._enter = self._entering()  # before the toolbox, so that it outlives the last call
        targets = {name: servers.create(name, self.settings, clock=self._clock, plain=True) for name in servers.NAMES}
        toolbox = await self._exit.enter_async_context(McpToolbox({**targets, **further}))
        audited = partial(Audited, enter=enter, actor=self._actor, salt=self._salt, clock=self._clock)
        self._toolbox = toolbox
        self._once = audited(asked_once(toolbox, settings, seconds))
        self._tools = audited(standard(toolbox, settings, seconds, system_of=_system_of, clock=self._clock))
        return self

    @property
    def actor(self) -> str:
        """On whose behalf this is done."""
        return self._actor

    @property
    def _salt(self) -> str:
        return self.settings.toolbox.redaction_salt.get_secret_value()

    @property
    def ledger(self) -> Ledger:
        """Opened when it is first asked for. Raises LedgerUnavailable."""
        if self._ledger is None:
            from autodevops.stores.sqlite_ledger import open_ledger

            self._ledger = self._opened.enter_context(open_ledger(self.settings.ledger))
        return self._ledger

    def _entering(self) -> Callable[[NewEvent], None]:
        """Where events of reading go. A ledger that cannot be opened stops nobody who only asks."""
        from autodevops.stores.background import BackgroundWriter
        from autodevops.stores.configuration import note_settings

        values = self.settings.model_dump(mode="json")
        try:
            ledger = self.ledger
            note_settings(ledger, values, program=self._program, actor=self._actor, now=self._clock())
        except LedgerUnavailable as error:
            log.warning("What is read is not entered in the ledger. %s", error)
            return _not_entered
        writer = BackgroundWriter(ledger)
        self._exit.callback(writer.close)
        return writer.enter

    def _further_servers(self) -> dict[str, Any]:
        """Those of the mcpServers file. Raises SettingsError when one bears a name of ours."""
        from autodevops import servers
        from autodevops.toolbox import load_mcp_config

        path = self.settings.toolbox.servers
        if path is None:
            return {}
        further = load_mcp_config(path)
        for name in servers.NAMES:
            if name in further:
                raise SettingsError(f"{path} has a server {name!r}, which is one of our own.", "Give it another name.")
        return further

    async def __aexit__(self, *exc_info: object) -> None:
        with self._opened:
            await self._exit.aclose()
        self._tools = self._once = self._toolbox = self._agent = self._remembering = self._ahead = None
        self._enter = _not_entered

    @property
    def tools(self) -> Tools:
        if self._tools is None:
            raise RuntimeError("enter the workbench first: `async with workbench: ...`")
        return self._tools

    @property
    def executor(self) -> Executor:
        """The one door for change; it alone has tools that write. Raises LedgerUnavailable: without a record nothing is
        done."""
        import asyncio

        from autodevops.executor.actions.run_runbook import RunRunbookKind
        from autodevops.executor.catalogue import KINDS
        from autodevops.executor.executor import Executor
        from autodevops.toolbox.audited import Audited
        from autodevops.toolbox.writing import writing

        if self._toolbox is None:
            raise RuntimeError("enter the workbench first: `async with workbench: ...`")
        settings, ledger = self.settings, self.ledger

        def enter(event: NewEvent) -> None:
            ledger.append(event)  # at once and durably: the record is there before the answer is used

        tools = Audited(
            writing(self._toolbox, settings.toolbox, WRITE_SECONDS),
            enter,
            actor=self._actor,
            salt=self._salt,
            clock=self._clock,
        )
        return Executor(
            tools,
            ledger,
            settings.executor,
            actor=self._actor,
            zone=settings.investigation.time_zone,
            clock=self._clock,
            sleep=self._sleep or asyncio.sleep,
            watches=self._sleep is None,
            kinds={**KINDS, "run_runbook": RunRunbookKind(self._runs())},
        )

    def _runs(self) -> Runs:
        """What the executor runs runbooks with."""
        from autodevops.executor import switch
        from autodevops.executor.runs import Runs
        from autodevops.runbooks.sources import catalogue_of

        settings = self.settings.executor
        return Runs(
            catalogue=partial(catalogue_of, self.settings.scarlet),
            rehearse=self.rehearse,
            means=self.run_means(gate=self.approval_gate() if settings.approvers else None),
            stopped=partial(switch.stopped, self.ledger, switch.stop_file(settings)),
            actor=self._actor,
        )

    def operation_state(self, operation_id: str) -> ShownOperation:
        """What an operation is, and what became of it. May be called from any thread. Raises UsageError."""
        from autodevops.domain.shown_operation import ShownOperation
        from autodevops.executor.operations import load

        return ShownOperation.of(load(self.ledger, operation_id).operation)

    def answer_approval(
        self, operation_id: str, digest: str, yes: bool, comment: str = "", *, by: str, where: str
    ) -> ShownOperation:
        """One person's yes or no to what waits. Nothing is done by it: `carry_out` does. May be called from any thread.

        `by` is who the calling surface knows it to be. Raises UsageError when the answer does not count.
        """
        from autodevops.domain.shown_operation import ShownOperation
        from autodevops.executor import approvals

        return ShownOperation.of(
            approvals.answer(
                self.ledger,
                operation_id,
                granted=yes,
                digest=digest,
                by=by,
                where=where,
                words=comment,
                now=self._clock(),
                settings=self.settings.executor,
            )
        )

    async def carry_out(self, operation_id: str) -> ShownOperation:
        """Do what people cleared, to the outcome. A runbook's cell is left to the run that waits for it."""
        from autodevops.domain.shown_operation import ShownOperation

        known = self.operation_state(operation_id)
        if known.stage != "cleared" or known.kind == "run_cell":
            return known
        return ShownOperation.of(await self.executor.execute(operation_id))

    def window(self, *, minutes: int | None = None, end: datetime | None = None) -> TimeWindow:
        """The span a question is about: `minutes` up to `end`, by default the configured length up to now."""
        length = timedelta(minutes=minutes or self.settings.investigation.window_minutes)
        return TimeWindow.ending(end or self._clock(), length)

    def ask(
        self,
        question: str,
        *,
        namespace: str = "",
        window: TimeWindow | None = None,
        persona: Level | None = None,
        selection: str = "",
    ) -> AsyncGenerator[TurnEvent, None]:
        """One turn with Jamie. Turns on one workbench share a conversation; `persona` "off" is for machines.

        `selection`, text of cells or a variable, is what the question may be about.
        """
        turn = self.jamie.turn(question, namespace=namespace, window=window, persona=persona, selection=selection)
        return self.remembering.around(question, turn)

    @property
    def jamie(self) -> JamieAgent:
        if self._agent is None:
            from autodevops.jamie.agent import JamieAgent
            from autodevops.jamie.health import HealthBook
            from autodevops.jamie.intent_model import ModelIntents
            from autodevops.llm import chat_model

            model = chat_model(self.settings.ollama)
            self._agent = JamieAgent(
                self.tools,
                model=model,
                intent_model=ModelIntents(model, self.settings.ollama.intent_seconds) if model else None,
                tool_rounds=self.settings.ollama.tool_rounds,
                settings=self.settings.investigation,
                clock=self._clock,
                keeper=self._keeper,
                recall=self.remembering,
                persona=self.settings.jamie.persona,
                health=HealthBook(self._turn_ended),
                proposing=_AsPerson(self) if self.settings.kubernetes.allow_writes else None,
            )
        return self._agent

    def feedback(self, turn_id: str, thumb: Thumb, comment: str = "") -> str:
        """Note what a person thinks of a turn (1: it helped, -1: it did not); says what was noted.

        It is entered in the ledger, and what the turn said or quoted is found a little sooner or later from now on.
        May be called from any thread. Raises UsageError.
        """
        from autodevops.jamie.context import LONGEST_QUESTION

        if not turn_id or thumb not in (-1, 1):
            raise UsageError(f"Turn {turn_id!r} cannot be judged with {thumb!r}.", "Give a turn's id, and 1 or -1.")
        if len(comment) > LONGEST_QUESTION:
            raise UsageError(
                f"The comment has {len(comment)} characters; {LONGEST_QUESTION} is the most that is kept.",
                "Shorten it.",
            )
        return self.remembering.judge(turn_id, thumb, comment)

    def _turn_ended(self, turn: TurnHealth) -> None:
        from autodevops.jamie.health_events import turn_event

        kept = self.settings.jamie.record_questions
        self._enter(turn_event(turn, actor=self._actor, salt=self._salt, with_question=kept))

    def _judged(self, feedback: Feedback) -> None:
        from autodevops.jamie.health_events import feedback_event

        self._enter(feedback_event(feedback.model_copy(update={"by": self._actor}), salt=self._salt))

    @property
    def remembering(self) -> Remembering:
        """What goes on around Jamie's turns; nothing is opened before it is needed."""
        if self._remembering is None:
            from autodevops.jamie.remembering import Remembering

            keeper = memory_keeper(self.settings, clock=self._clock)
            self._opened.callback(keeper.close)
            self._remembering = Remembering(
                keeper,
                remember=self.settings.memory.remember,
                forget=lambda: self.jamie.forget(),
                judged=self._judged,
                salt=self._salt,
                clock=self._clock,
            )
        return self._remembering

    async def investigate(
        self,
        question: str = "",
        *,
        namespace: str = "",
        window: TimeWindow | None = None,
        emit: Emit = _ignore,
    ) -> Investigation:
        """One deterministic investigation of a namespace, without a conversation around it.

        Raises UsageError when the namespace does not exist.
        """
        from autodevops.investigation import Request, investigate
        from autodevops.toolbox import Recorder

        request = Request(
            question=question,
            namespace=namespace or await self.default_namespace(),
            window=window or self.window(),
        )
        source = Recorder(self.tools, emit=emit, clock=self._clock, keeper=self._keeper)
        found = await investigate(request, source, emit)
        if self._keeper is not None:
            self._keeper.investigation(found)
        return found

    async def observe(self, tool: str, arguments: Mapping[str, Json]) -> Evidence:
        """One call as evidence, kept where a run keeps what it saw. Raises ToolError when there is no answer."""
        from autodevops.toolbox import Recorder
        from autodevops.toolbox.client import error_of

        evidence = await Recorder(self.tools, clock=self._clock, keeper=self._keeper).collect(tool, arguments)
        if evidence.error is not None:
            raise error_of(evidence.error)
        return evidence

    async def default_namespace(self) -> str:
        """The configured namespace, else that of the kubeconfig context, else `default`."""
        if self.settings.investigation.namespace:
            return self.settings.investigation.namespace
        try:
            answer = await self.tools.call("kubernetes.get_context", {})
        except ToolError:
            return "default"
        data = answer.data
        namespace = data.get("namespace") if isinstance(data, dict) else None
        return str(namespace or "default")

    async def doctor(self) -> list[Check]:
        """Ask each system one cheap question and say what is reachable and what to fix."""
        import asyncio

        return list(await asyncio.gather(*(self._check(*row) for row in self._checks()), self._check_ollama()))

    def _checks(self) -> list[tuple[str, str, str, dict[str, str | int]]]:
        settings = self.settings
        kubeconfig = str(settings.kubernetes.kubeconfig or "the current kubeconfig")
        rows: list[tuple[str, str, str, dict[str, str | int]]] = [
            ("kubernetes", kubeconfig, "kubernetes.list_resources", {"kind": "Namespace", "limit": 1}),
            ("prometheus", settings.prometheus.url, "prometheus.query_instant", {"query": "vector(1)"}),
            ("alertmanager", settings.alertmanager.url, "prometheus.list_alert_groups", {}),
            ("loki", settings.loki.url, "loki.list_labels", {}),
            ("tempo", settings.tempo.url, "tempo.list_tags", {}),
        ]
        repositories = settings.github.repositories
        address = settings.github.url if repositories else ""
        first = repositories[0] if repositories else ""
        return [*rows, ("github", address, "github.list_commits", {"repository": first, "limit": 1})]

    async def _check(self, system: str, address: str, tool: str, arguments: dict[str, str | int]) -> Check:
        if not address:
            names = {"github": "REPOSITORIES"}
            variable = f"AUTODEVOPS_{system.upper()}__{names.get(system, 'URL')}"
            return Check(system, "", "not configured", "investigations go on without it", f"Set {variable}.")
        assert self._once is not None  # `tools` has been asked for, so the workbench is entered
        try:
            await self._once.call(tool, dict(arguments))
        except AutoDevOpsError as error:
            return Check(system, address, "failed", error.message, error.next_step)
        return Check(system, address, "ok", "answers")

    async def _check_ollama(self) -> Check:
        from autodevops.llm import chat_model

        url = self.settings.ollama.url
        model = chat_model(self.settings.ollama)
        if model is None:
            return Check(
                "ollama",
                "",
                "not configured",
                "the built-in narrator writes the answers",
                "Set AUTODEVOPS_OLLAMA__URL.",
            )
        problem = await model.unavailable()
        if problem:
            return Check("ollama", url, "failed", problem, "The built-in narrator writes the answers until it is back.")
        card = await model.card()
        manner = "calls tools that read" if card.tools else "words only"
        return Check("ollama", url, "ok", f"answers with model {card.name} ({manner}, {card.context_tokens} tokens)")

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
        checks = await asyncio.gather(*(self._check(*row) for row in self._checks() if row[0] in asked))
        found = {check.system: check for check in checks}
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

    def run_queue(self, means: Means) -> RunQueue:
        """The queue for runs by these means; use it as a context manager."""
        from autodevops.runbooks import RunQueue

        return RunQueue(means, at_once=self.settings.runs.at_once)

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

        settings = self.settings
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
        async with response(means, self.watch(), checkpoints, holder=holder) as loop:
            yield loop

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

    def watch(self) -> Watch:
        """What Scarlet sees with."""
        from autodevops.jamie.zones import of_user
        from autodevops.scarlet.watching import Watch

        settings = self.settings
        systems = [name for name in ("prometheus", "alertmanager", "loki", "tempo") if getattr(settings, name).url]
        zone = of_user(settings.investigation.time_zone)
        return Watch(
            self._looking, settings.watch, foresight=self._foresight, zone=zone, systems=("kubernetes", *systems)
        )

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

    @property
    def _looking(self) -> Tools:
        """Each look asks anew, and what Scarlet looks at all day is not entered in the ledger."""
        from autodevops.toolbox.stack import standard

        if self._toolbox is None:
            raise RuntimeError("enter the workbench first: `async with workbench: ...`")
        settings, seconds = self.settings.toolbox, self.settings.investigation.tool_timeout_seconds
        uncached = settings.model_copy(update={"cache_seconds": 0.0})
        return standard(self._toolbox, uncached, seconds, system_of=_system_of, clock=self._clock)

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

    def scarlet(self, *, staying: bool = True) -> Scarlet:
        """`staying`: she runs for long, so that kernels which wait are worth their start.

        Schedules that wait for alerts and deploys need the workbench to be entered.
        """
        from autodevops.scarlet import Scarlet

        runs = self.settings.runs
        gate = self.approval_gate() if self.settings.executor.approvers else None  # else there is nobody to ask
        means = self.run_means(warm_kernels=runs.warm_kernels if staying else 0, gate=gate)
        respond = self.settings.scarlet.respond and self._tools is not None
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
            wake=self.wake if respond and "objects" in self.settings.watch.sources else None,
        )
