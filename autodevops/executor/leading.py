"""The Lease in the cluster that one daemon holds, whatever ledger it has: without it nothing of hers is changed.

Leader election as Kubernetes' own controllers do it. Times are this process' own, by a clock that only moves forward:
the holder stops in time by when it last asked to renew, and others take over when they saw the Lease stand unchanged
for its whole length. Nobody reads anybody else's clock. A cluster that does not let her write Leases leaves it at the
lease in the ledger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from autodevops.domain.base import Json
from autodevops.domain.ledger import NewEvent
from autodevops.domain.tool_results import LeaseResult
from autodevops.kernel.clock import Clock
from autodevops.kernel.errors import LedgerUnavailable, ToolDenied, ToolError
from autodevops.stores.ledger import Ledger
from autodevops.toolbox.protocol import Tools

log = logging.getLogger(__name__)

LENGTH = 30  # seconds after which others take over what was not renewed
DEADLINE = 20.0  # after which its holder changes nothing any more: a request under way has the rest to arrive
RETRY = 5.0  # between two renewals, or two tries
CALL_SECONDS = 10.0  # for one of them


class Leader:
    """`holder` is this process among all. Nothing is asked before the first `confirm`."""

    def __init__(
        self,
        tools: Tools,
        ledger: Ledger,
        *,
        name: str,
        namespace: str,
        holder: str,
        actor: str,
        clock: Clock,
        ticks: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._tools = tools
        self._ledger = ledger
        self._arguments: dict[str, Json] = {"name": name, "namespace": namespace, "holder": holder, "dry_run": False}
        self._where = f"{namespace}/{name}"
        self._actor = actor
        self._clock = clock
        self._ticks = ticks
        self._sleep = sleep
        self._one_at_a_time = asyncio.Lock()
        self._asked: float | None = None  # when it was asked last
        self._renewed: float | None = None  # when a renewal that was granted was asked for; None: it is not hers
        self._other: LeaseResult | None = None  # another's, as it was seen last
        self._since = 0.0  # since when it was seen so
        self._refused = False  # and none was ever seen: the ledger's lease alone
        self._noted = ""

    @property
    def forbids(self) -> str:
        """Why nothing may be changed now, as a sentence; empty when it may."""
        if self._refused or self._holds():
            return ""
        if self._other_holds() and self._other:
            return f"{self._other.holder} holds the Lease {self._where} and acts in this cluster."
        return f"The Lease {self._where} could not be renewed or taken; who acts in this cluster is not known."

    async def confirm(self) -> str:
        """The same, after a renewal where one is due."""
        async with self._one_at_a_time:
            if self._asked is None or self._ticks() - self._asked >= RETRY:
                await self._ask()
        return self.forbids

    async def stands_by(self) -> bool:
        """Whether another acts in this cluster. False where nobody can tell: looking on does no harm."""
        await self.confirm()
        return not self._refused and not self._holds() and self._other_holds()

    async def keep(self, wanted: Callable[[], bool]) -> None:
        """Renew it in time, or try to take it, until cancelled; `wanted` is asked before."""
        while True:
            if wanted():
                await self.confirm()
            await self._sleep(RETRY)

    async def outwait(self) -> None:
        """Until it is hers, or another shows that it lives. Who looks only once never sees a dead one's run out."""
        first = ""
        while await self.stands_by():
            version = self._other.resource_version if self._other else ""
            first = first or version
            if version != first:
                return
            await self._sleep(RETRY)

    async def let_go(self) -> None:
        """Another may take it at once. Nothing where it is not hers."""
        async with self._one_at_a_time:
            if self._renewed is None:
                return
            self._renewed = None
            try:
                await self._tools.call("kubernetes.hold_lease", {**self._arguments, "let_go": True})
            except ToolError as error:
                log.warning("The Lease %s was not given back, and runs out. %s", self._where, error)
            self._note("released")

    async def _ask(self) -> None:
        self._asked = began = self._ticks()
        stale = self._other.resource_version if self._other and not self._other_holds() else ""
        arguments: dict[str, Json] = {**self._arguments, "seconds": LENGTH, "stale_version": stale}
        try:
            answer = await self._tools.call("kubernetes.hold_lease", arguments)
            found = LeaseResult.model_validate(answer.data)
        except ToolError as error:
            if isinstance(error, ToolDenied) and self._renewed is None and self._other is None:
                self._refused = True
                self._note("refused", str(error))
            else:
                self._note("not renewed" if self._renewed is not None else "not to be had", str(error))
            return
        self._refused = False
        if found.held:
            self._renewed, self._other = began, None
            self._note("taken")
            return
        self._renewed = None
        if self._other is None or self._other.resource_version != found.resource_version:
            self._other, self._since = found, self._ticks()
        self._note("another's", found.holder)

    def _holds(self) -> bool:
        return self._renewed is not None and self._ticks() - self._renewed < DEADLINE

    def _other_holds(self) -> bool:
        return self._other is not None and self._ticks() - self._since < self._other.seconds

    def _note(self, what: str, words: str = "") -> None:
        """What is another than before goes to the log, and changes of hands to the ledger."""
        if what == self._noted:
            return
        self._noted = what
        if what == "refused":
            log.warning(
                "The Lease %s is denied: a Scarlet with another ledger would act as well. Grant get, create and "
                "update of leases (coordination.k8s.io), or set AUTODEVOPS_SCARLET__LEASE= to go without. %s",
                self._where,
                words,
            )
        elif what in ("not renewed", "not to be had"):
            log.warning("The Lease %s is %s; nothing is changed without it. %s", self._where, what, words)
        elif what == "another's":
            log.warning(
                "%s holds the Lease %s and acts in this cluster; this one waits to take over.", words, self._where
            )
        else:
            log.info("The Lease %s is %s.", self._where, what)
        if what in ("taken", "another's", "released"):
            data: dict[str, Json] = {"by": words} if words else {}
            event = NewEvent(
                at=self._clock(), kind="lease", what=what, actor=self._actor, subject=f"Lease {self._where}", data=data
            )
            try:
                self._ledger.append(event)
            except LedgerUnavailable as error:
                log.warning("%s", error)
