"""The hands that Scarlet really has: the engine, the executor, the queue for runbooks, the channels."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from autodevops.domain.base import Json
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Incident
from autodevops.domain.investigation import Investigation
from autodevops.domain.operation import Operation, Proposal
from autodevops.domain.remedy import Remedy
from autodevops.domain.window import TimeWindow
from autodevops.executor import operations
from autodevops.executor.executor import Executor
from autodevops.executor.remedies import remedies
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.runbooks import RunQueue, RunRequest
from autodevops.runbooks.catalogue import Catalogue
from autodevops.scarlet.response.hands import Document
from autodevops.scarlet.tell import tell
from autodevops.settings import ChannelSettings
from autodevops.stores.ledger import Ledger
from autodevops.toolbox.protocol import Tools

log = logging.getLogger(__name__)

RUNBOOK = "incident"


class Investigates(Protocol):
    async def __call__(self, *, namespace: str, window: TimeWindow) -> Investigation: ...


@dataclass(frozen=True)
class Doing:
    investigating: Investigates
    tools: Tools
    executor: Executor
    ledger: Ledger
    repositories: Sequence[str] = ()
    queue: RunQueue | None = None  # None: nothing is documented
    catalogue: Catalogue | None = None
    channels: Mapping[str, ChannelSettings] | None = None
    names: Sequence[str] = ()  # of channels to tell

    async def investigate(self, namespace: str, window: TimeWindow) -> Investigation:
        return await self.investigating(namespace=namespace, window=window)

    async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
        return await remedies(self.tools, hypothesis, self.repositories)

    async def propose(self, proposal: Proposal) -> Operation:
        return await self.executor.propose(proposal)

    async def execute(self, operation_id: str) -> Operation:
        return await self.executor.execute(operation_id)

    def operation(self, operation_id: str) -> Operation:
        return operations.load(self.ledger, operation_id).operation

    def operations_for(self, incident_id: str) -> tuple[Operation, ...]:
        return tuple(one for one in operations.load_all(self.ledger) if one.proposal.incident == incident_id)

    def withdraw(self, operation_id: str, words: str) -> None:
        try:
            self.executor.withdraw(operation_id, words)
        except UsageError as error:  # somebody answered meanwhile
            log.info("%s", error)

    async def document(self, incident: Incident, what: Document) -> str:
        if self.queue is None or self.catalogue is None:
            return ""
        parameters: dict[str, Json] = {"incident": incident.id, "diagnosis": what == "diagnosis"}
        try:
            runbook = self.catalogue.load(RUNBOOK)
            request = RunRequest(runbook, parameters, trigger="incident", requested_by="scarlet", reason=incident.title)
            record = await self.queue.submit(request).result()
        except AutoDevOpsError as error:
            log.error("Incident %s has no notebook: %s", incident.id, error)
            return ""
        return record.run.id

    async def tell(self, text: str, facts: Mapping[str, str]) -> None:
        log.warning("%s", text)
        for name in self.names:
            await tell(self.channels or {}, name, text, facts)
