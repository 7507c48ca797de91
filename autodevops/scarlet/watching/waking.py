"""Wakes who watches when the cluster warns of something, so that nobody waits for the next look.

It watches events of type Warning, each watch from the version at which the one before ended, so that none is missed
between two. What it is told decides nothing but that a look is due; without it looks come at their time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from pydantic import ValidationError

from autodevops.domain.base import Json
from autodevops.domain.tool_results import ResourceChanges
from autodevops.kernel.errors import ToolError
from autodevops.settings import WatchSettings
from autodevops.toolbox.protocol import Tools

log = logging.getLogger(__name__)

WATCH_SECONDS: Final = 10  # a call; shorter than the toolbox lets any call take
QUIET_SECONDS: Final = 10.0  # after having woken somebody: a storm of events is one reason to look
AWAY_SECONDS: Final = 30.0  # after a watch that failed

_TELLING: Final = frozenset(
    {
        "BackOff", "Failed", "FailedScheduling", "FailedCreate", "FailedMount", "FailedAttachVolume",
        "FailedCreatePodSandBox", "FailedGetResourceMetric", "ProvisioningFailed", "Evicted", "EvictionThresholdMet",
        "OOMKilling", "SystemOOM", "NodeNotReady", "NetworkNotReady", "BackoffLimitExceeded", "DeadlineExceeded",
    }
)  # fmt: skip
"""Probes that fail once are not among them: they warn at every start."""


class Waking:
    def __init__(self, tools: Tools, settings: WatchSettings, wake: Callable[[], None]) -> None:
        self._tools = tools
        self._settings = settings
        self._wake = wake
        self._version = ""

    async def forever(self) -> None:
        """Until cancelled."""
        while True:
            try:
                woken = await self.once()
            except (ToolError, ValidationError) as error:
                log.warning("The cluster is not watched for warnings: %s", error)
                self._version = ""
                await asyncio.sleep(AWAY_SECONDS)
                continue
            if woken:
                self._wake()
                await asyncio.sleep(QUIET_SECONDS)

    async def once(self) -> bool:
        """One watch: whether there was a warning that tells. Raises ToolError and ValidationError."""
        arguments: dict[str, Json] = {
            "kind": "Event",
            "field_selector": "type=Warning",
            "resource_version": self._version,
            "timeout_seconds": WATCH_SECONDS,
        }
        answer = await self._tools.call("kubernetes.wait_for_changes", arguments)
        found = ResourceChanges.model_validate(answer.data)
        self._version = found.resource_version
        return found.expired or any(
            self._tells(change.resource) for change in found.changes if change.type != "DELETED"
        )

    def _tells(self, event: dict[str, Json]) -> bool:
        about = event.get("involvedObject") or event.get("regarding")
        namespace = str(about.get("namespace") or "") if isinstance(about, dict) else ""
        return event.get("reason") in _TELLING and self._settings.watches(namespace)
