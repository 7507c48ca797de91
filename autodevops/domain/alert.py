"""A page from monitoring, as Alertmanager gives it."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime


class Alert(Noun):
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    state: Literal["firing", "pending", "resolved", "suppressed"]
    starts_at: UtcDatetime
    ends_at: UtcDatetime | None = None
    fingerprint: str = ""

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")
