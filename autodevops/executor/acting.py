"""What an agent that works alone is given of the executor: the table of remedies, its one door, its operations."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.operation import Operation, Proposal
from autodevops.domain.remedy import Remedy
from autodevops.executor import operations
from autodevops.executor.executor import Executor
from autodevops.executor.remedies import remedies
from autodevops.kernel.errors import UsageError
from autodevops.stores.ledger import Ledger
from autodevops.toolbox.protocol import Tools

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Acting:
    executor: Executor
    tools: Tools  # that read
    ledger: Ledger
    repositories: Sequence[str] = ()

    async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
        return await remedies(self.tools, hypothesis, self.repositories)

    async def propose(self, proposal: Proposal) -> Operation:
        return await self.executor.propose(proposal)

    async def execute(self, operation_id: str) -> Operation:
        return await self.executor.execute(operation_id)

    def operation(self, operation_id: str) -> Operation:
        return operations.load(self.ledger, operation_id).operation

    def operations_for(self, incident_id: str) -> tuple[Operation, ...]:
        return operations.of_incident(self.ledger, incident_id)

    def withdraw(self, operation_id: str, words: str) -> None:
        try:
            self.executor.withdraw(operation_id, words)
        except UsageError as error:  # somebody answered meanwhile
            log.info("%s", error)
