"""A system that failed several times in a row is left alone for a while, and whoever asks hears so at once.

After the pause one call goes through as a probe; its outcome decides whether the rest may follow. A time-out counts as
a failure, an answer that says the question is wrong does not: whoever says so is up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from autodevops.domain.base import Json
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import NOT_ASKED, ToolError, ToolUnavailable
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec


class CircuitOpen(ToolUnavailable):
    """Not asked: the system failed too often a moment ago. Asking again at once is pointless."""


@dataclass
class _Circuit:
    failures: int = 0
    since: datetime | None = None  # the first failure of this row
    again: datetime | None = None  # set while open
    reason: str = ""
    probing: bool = False


def server_of(tool: str) -> str:
    return tool.partition(".")[0]


class CircuitBreaker:
    """`Tools` that refuse for `seconds` after `failures` ToolUnavailable in a row, by `system_of(tool)`."""

    def __init__(
        self,
        inner: Tools,
        failures: int,
        seconds: float,
        *,
        system_of: Callable[[str], str] = server_of,
        clock: Clock = utc_now,
    ) -> None:
        self._inner = inner
        self._failures = failures
        self._pause = timedelta(seconds=seconds)
        self._system_of = system_of
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        """A list says nothing about the system behind the server, so it closes no circuit; only its failure counts."""
        if not server:
            return await self._inner.list_tools()
        circuit = self._circuit(server)
        self._refuse(server, circuit)
        try:
            return await self._inner.list_tools(server)
        except ToolUnavailable as error:
            self._count(circuit, error)
            raise

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        system = self._system_of(tool)
        circuit = self._circuit(system)
        self._refuse(system, circuit)
        circuit.probing = circuit.again is not None
        answered = False
        try:
            answer = await self._inner.call(tool, arguments)
            answered = True
        except ToolUnavailable as error:
            self._count(circuit, error)
            raise
        except ToolError:
            answered = True
            raise
        finally:
            circuit.probing = False
            if answered:
                self._circuits[system] = _Circuit()
        return answer

    def _circuit(self, system: str) -> _Circuit:
        return self._circuits.setdefault(system, _Circuit())

    def _refuse(self, system: str, circuit: _Circuit) -> None:
        if circuit.again is None or (self._clock() >= circuit.again and not circuit.probing):
            return
        since = f"{circuit.since:%H:%M:%S} UTC" if circuit.since else ""
        when = "one call is trying it now" if circuit.probing else f"it is tried again at {circuit.again:%H:%M:%S} UTC"
        raise CircuitOpen(
            f"{system} has not answered since {since}, {NOT_ASKED}; {when}.",
            f"The last failure: {circuit.reason}",
        )

    def _count(self, circuit: _Circuit, error: ToolUnavailable) -> None:
        now = self._clock()
        circuit.failures += 1
        circuit.since = circuit.since or now
        circuit.reason = error.message
        is_open = circuit.again is not None and now < circuit.again  # those under way fail later, for the same reason
        if circuit.failures >= self._failures and not is_open:
            circuit.again = now + self._pause
