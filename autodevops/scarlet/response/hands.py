"""What the response is given: to look, to propose and have done, to document, to tell. The workbench makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, Protocol, TypeAlias

from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Incident
from autodevops.domain.investigation import Investigation
from autodevops.domain.operation import Operation, Proposal
from autodevops.domain.remedy import Remedy
from autodevops.domain.window import TimeWindow

Document = Literal["diagnosis", "record"]
Place: TypeAlias = str | None
"""A namespace, or what runs beside Kubernetes; None: the configured namespace, for what is the cluster's alone."""
BESIDE: Final = ""


class Acts(Protocol):
    """The executor, as `autodevops.executor.acting` offers it."""

    async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
        """Actions to propose, the first to try first. Raises ToolError."""
        ...

    async def propose(self, proposal: Proposal) -> Operation:
        """Planned and decided: cleared, awaiting people, or closed with the reason."""
        ...

    async def execute(self, operation_id: str) -> Operation:
        """To the outcome. Raises LedgerConflict when another process has it in hand."""
        ...

    def operation(self, operation_id: str) -> Operation: ...

    def operations_for(self, incident_id: str) -> tuple[Operation, ...]:
        """Those that were proposed for an incident, oldest first."""
        ...

    def withdraw(self, operation_id: str, words: str) -> None:
        """End what waits for people. Nothing when it does not wait any more."""
        ...


class Leads(Protocol):
    """What the cluster says of who acts in it, whatever ledgers there are; the executor asks it before each change."""

    async def stands_by(self) -> bool:
        """Whether another is known to act."""
        ...

    async def outwait(self) -> None:
        """Until it is known whether another acts or is dead."""
        ...

    async def keep(self, wanted: Callable[[], bool]) -> None:
        """See to it that this process goes on leading while it is `wanted`, until cancelled."""
        ...

    async def let_go(self) -> None: ...


class Hands(Protocol):
    @property
    def acts(self) -> Acts: ...

    async def investigate(self, place: Place, window: TimeWindow) -> Investigation:
        """Systems that do not answer are in its `missing`. Raises UsageError when there is no such namespace."""
        ...

    async def document(self, incident: Incident, what: Document) -> str:
        """Id of the run whose bundle documents it; empty where none could be made."""
        ...

    async def tell(self, text: str, facts: Mapping[str, str]) -> None:
        """People, by the channels for escalations. What cannot be told is an error in the log."""
        ...
