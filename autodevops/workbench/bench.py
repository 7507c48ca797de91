"""The bench itself: settings in, a toolbox connected to what they name, and a ledger for what is done with it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from autodevops.domain.window import TimeWindow
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import LedgerUnavailable, SettingsError
from autodevops.kernel.person import person
from autodevops.settings import Settings, load_settings
from autodevops.workbench.doctor import Check, checks

if TYPE_CHECKING:
    from autodevops.domain.base import Json
    from autodevops.domain.evidence import Evidence
    from autodevops.domain.ledger import NewEvent
    from autodevops.executor.means import Sleep
    from autodevops.stores.ledger import Ledger
    from autodevops.toolbox.protocol import Keeper, Tools

log = logging.getLogger(__name__)


def _system_of(tool: str) -> str:
    """What is down when a tool's system is down: the Prometheus server has two systems behind it."""
    server, _, name = tool.partition(".")
    return "alertmanager" if server == "prometheus" and ("silence" in name or "alert_group" in name) else server


def _not_entered(_event: NewEvent) -> None:
    return None


def entered(tools: Tools | None) -> Tools:
    if tools is None:
        raise RuntimeError("enter the workbench first: `async with workbench: ...`")
    return tools


class Bench:
    """Settings, the toolbox connected to what they name, and the ledger."""

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
        self._actor = actor or person()
        self._program = program or Path(sys.argv[0]).name or "python"
        self._exit = AsyncExitStack()
        self._opened = ExitStack()  # ledger and memory, when they were first needed
        self._tools: Tools | None = None
        self._once: Tools | None = None
        self._toolbox: Tools | None = None
        self._keeper: Keeper | None = None
        self._enter: Callable[[NewEvent], None] = _not_entered  # what may be in the ledger a moment later

    @classmethod
    def from_settings(cls, settings: Settings | None = None, *, clock: Clock = utc_now) -> Self:
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

    async def __aexit__(self, *exc_info: object) -> None:
        with self._opened:
            await self._exit.aclose()
        self._tools = self._once = self._toolbox = None
        self._enter = _not_entered

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

    @property
    def tools(self) -> Tools:
        return entered(self._tools)

    @property
    def _looking(self) -> Tools:
        """Each look asks anew, and what Scarlet looks at all day is not entered in the ledger."""
        from autodevops.toolbox.stack import standard

        settings, seconds = self.settings.toolbox, self.settings.investigation.tool_timeout_seconds
        uncached = settings.model_copy(update={"cache_seconds": 0.0})
        return standard(entered(self._toolbox), uncached, seconds, system_of=_system_of, clock=self._clock)

    def window(self, *, minutes: int | None = None, end: datetime | None = None) -> TimeWindow:
        """The span a question is about: `minutes` up to `end`, by default the configured length up to now."""
        length = timedelta(minutes=minutes or self.settings.investigation.window_minutes)
        return TimeWindow.ending(end or self._clock(), length)

    @property
    def has_cluster(self) -> bool:
        """Whether anybody says which cluster is meant; it need not answer."""
        from autodevops.servers.kubernetes.connect import is_set_up

        return is_set_up(self.settings.kubernetes)

    async def default_namespace(self) -> str:
        """The configured namespace, else that of the kubeconfig context, else `default`; none without a cluster.

        A kubeconfig that is named and missing, or broken, is a mistake: it does not turn the question into another one.
        """
        from autodevops.toolbox.context import context_namespace

        if self.settings.investigation.namespace:
            return self.settings.investigation.namespace
        return await context_namespace(self.tools)

    async def observe(self, tool: str, arguments: Mapping[str, Json]) -> Evidence:
        """One call as evidence, kept where a run keeps what it saw. Raises ToolError when there is no answer."""
        from autodevops.toolbox import Recorder
        from autodevops.toolbox.client import error_of

        evidence = await Recorder(self.tools, clock=self._clock, keeper=self._keeper).collect(tool, arguments)
        if evidence.error is not None:
            raise error_of(evidence.error)
        return evidence

    async def doctor(self) -> list[Check]:
        """Ask each system one cheap question and say what is reachable and what to fix."""
        return await checks(entered(self._once), self.settings)
