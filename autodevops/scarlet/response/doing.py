"""The hands that Scarlet really has: the engine, the executor, the queue for runbooks, the channels."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from autodevops.domain.base import Json
from autodevops.domain.incident import Incident
from autodevops.domain.investigation import Investigation
from autodevops.domain.ledger import SCARLET
from autodevops.domain.window import TimeWindow
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.runbooks import RunQueue, RunRequest
from autodevops.runbooks.catalogue import Catalogue
from autodevops.scarlet.response.hands import BESIDE, Acts, Document, Place
from autodevops.scarlet.tell import tell_all
from autodevops.settings import ChannelSettings

log = logging.getLogger(__name__)

RUNBOOK = "incident"


class Investigates(Protocol):
    async def __call__(self, *, namespace: str, window: TimeWindow, beside: bool) -> Investigation: ...


@dataclass(frozen=True)
class Doing:
    investigating: Investigates
    acts: Acts
    queue: RunQueue | None = None  # None: nothing is documented
    catalogue: Catalogue | None = None
    channels: Mapping[str, ChannelSettings] | None = None
    names: Sequence[str] = ()  # of channels to tell

    async def investigate(self, place: Place, window: TimeWindow) -> Investigation:
        return await self.investigating(namespace=place or "", window=window, beside=place == BESIDE)

    async def document(self, incident: Incident, what: Document) -> str:
        if self.queue is None or self.catalogue is None:
            return ""
        parameters: dict[str, Json] = {"incident": incident.id, "diagnosis": what == "diagnosis"}
        try:
            runbook = self.catalogue.load(RUNBOOK)
            request = RunRequest(runbook, parameters, trigger="incident", requested_by=SCARLET, reason=incident.title)
            record = await self.queue.submit(request).result()
        except AutoDevOpsError as error:
            log.error("Incident %s has no notebook: %s", incident.id, error)
            return ""
        return record.run.id

    async def tell(self, text: str, facts: Mapping[str, str]) -> None:
        log.warning("%s", text)
        await tell_all(self.channels or {}, self.names, text, facts)
