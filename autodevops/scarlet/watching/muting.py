"""What nobody is to be woken for: silences that people made in Alertmanager, and hours of maintenance.

A silence is of alerts, yet whoever mutes `namespace="shop"` or `deployment="cart"` for their work means the rest of
what can be seen of it too: a signal bears the labels of its subject, and a silence is held against those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from fnmatch import fnmatchcase
from typing import Final

from autodevops.domain.signal import Signal
from autodevops.domain.tool_results import Silence, SilenceList
from autodevops.scarlet.watching.sight import Sight
from autodevops.settings import WatchSettings
from autodevops.toolbox.protocol import Tools

_MATCHER: Final = re.compile(r'(?P<label>[A-Za-z_][\w.]*)(?P<sign>=~|!~|!=|=)(?P<value>".*")', re.S)


class Muting:
    """Looked at beside the sources: it sees nothing that is the matter, but may be blind. `tools` is None where there
    is no Alertmanager."""

    system: Final = "alertmanager"
    hides: Final = ()

    def __init__(self, tools: Tools | None, settings: WatchSettings, zone: tzinfo | None) -> None:
        self._tools = tools
        self._maintenance = settings.maintenance
        self._zone = zone or UTC
        self._silences: tuple[Silence, ...] = ()

    async def look(self, _now: datetime) -> Sight:
        """Read the silences. Raises ToolError and ValidationError: those that were known go on until they end."""
        if self._tools is not None:
            answer = await self._tools.call("prometheus.list_silences", {})
            self._silences = SilenceList.model_validate(answer.data).silences
        return Sight()

    def mutes(self, signal: Signal, now: datetime) -> bool:
        local = now.astimezone(self._zone)
        at_work = any(
            fnmatchcase(signal.namespace, pattern) and any(local in hours for hours in windows)
            for pattern, windows in self._maintenance.items()
            if signal.namespace or signal.beside
        )
        labels = {"alertname": signal.name, **signal.labels}
        return at_work or any(
            one.matchers and all(_matches(text, labels) for text in one.matchers)
            for one in self._silences
            if one.starts_at <= now < one.ends_at
        )


def _matches(text: str, labels: Mapping[str, str]) -> bool:
    """As Alertmanager does it: anchored, a label that is not there is empty. What cannot be read matches nothing."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        return False
    value: str = json.loads(found["value"])
    given = labels.get(found["label"], "")
    if found["sign"] in ("=", "!="):
        return (given == value) == (found["sign"] == "=")
    try:
        return (re.fullmatch(value, given) is not None) == (found["sign"] == "=~")
    except re.error:
        return False
