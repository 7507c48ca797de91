"""What nobody is to be woken for: silences that people made in Alertmanager, and hours of maintenance.

A silence is of alerts, yet whoever mutes `namespace="shop"` or `deployment="cart"` for their work means the rest of
what can be seen of it too: a signal bears the labels of its subject, and a silence is held against those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from fnmatch import fnmatchcase
from typing import Final

from autodevops.domain.signal import Signal
from autodevops.domain.tool_results import Silence, SilenceList
from autodevops.settings import WatchSettings
from autodevops.toolbox.protocol import Tools

_MATCHER: Final = re.compile(r'(?P<label>[A-Za-z_][\w.]*)(?P<sign>=~|!~|!=|=)(?P<value>".*")', re.S)


class Muting:
    def __init__(self, tools: Tools, settings: WatchSettings, zone: tzinfo | None) -> None:
        self._tools = tools
        self._maintenance = settings.maintenance
        self._zone = zone or UTC

    async def silences(self) -> tuple[Silence, ...]:
        """Raises ToolError, and ValidationError for an answer of another shape."""
        answer = await self._tools.call("prometheus.list_silences", {})
        return tuple(one for one in SilenceList.model_validate(answer.data).silences if one.state == "active")

    def mutes(self, signal: Signal, silences: Sequence[Silence], now: datetime) -> bool:
        local = now.astimezone(self._zone)
        at_work = any(
            fnmatchcase(signal.namespace, pattern) and any(local in hours for hours in windows)
            for pattern, windows in self._maintenance.items()
            if signal.namespace
        )
        labels = {"alertname": signal.name, **signal.labels}
        return at_work or any(one.matchers and all(_matches(text, labels) for text in one.matchers) for one in silences)


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
