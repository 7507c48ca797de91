"""Admission webhooks that cannot be called: whose Service it is, as the API server's sentence has it in the URL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Inventory, items
from autodevops.investigation.rules.refusals import kind_of_refusal

_SERVICE: Final = re.compile(r'https?://(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(?:[.:/"]|$)')


def service_of(sentence: str) -> Subject | None:
    """The Service behind the webhook; None where the webhook has a URL of its own."""
    match = _SERVICE.search(sentence)
    return (
        Subject(kind="Service", name=match["name"], namespace=match["namespace"], api_version="v1") if match else None
    )


def called_webhooks(inventory: Inventory) -> list[Subject]:
    """Services of webhooks that conditions and events say cannot be called."""
    found = {
        service
        for sentence in _sentences(inventory)
        if kind_of_refusal(sentence) == "webhook away" and (service := service_of(sentence)) is not None
    }
    return sorted(found, key=str)


def _sentences(inventory: Inventory) -> Iterator[str]:
    for event in inventory.events:
        yield str(event.get("message") or event.get("note") or "")
    for item in (*inventory.replica_sets, *(workload.object for workload in inventory.workloads)):
        for condition in items(item, "status", "conditions"):
            yield str(condition.get("message", ""))
