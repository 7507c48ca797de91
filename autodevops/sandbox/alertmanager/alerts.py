"""The alerts that Alertmanager holds: what the rules fire, and what clients sent it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol
from urllib.parse import quote

from autodevops.sandbox.alertmanager.config import Config
from autodevops.sandbox.alertmanager.silences import Silences
from autodevops.sandbox.prometheus.rules import ActiveAlert

RESOLVES_AFTER = timedelta(minutes=4)  # Prometheus sends alerts as good for four evaluation or resend intervals
_PROMETHEUS = "http://prometheus:9090"
_MASK = (1 << 64) - 1


class FiringAlerts(Protocol):
    """Whoever evaluates the rules."""

    def at(self, now_ms: int) -> Iterable[ActiveAlert]: ...

    def changes(self, start_ms: int, end_ms: int) -> Sequence[int]:
        """Instants in (start, end] at which what fires is not what fired before."""


@dataclass(frozen=True)
class Alert:
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    generator_url: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.labels)

    def resolved(self, at: datetime) -> bool:
        return self.ends_at <= at


class Alerts:
    """All alerts at a moment. Thread-safe."""

    def __init__(self, alerting: FiringAlerts) -> None:
        self.alerting = alerting
        self._lock = Lock()
        self._posted: dict[str, Alert] = {}

    def at(self, now: datetime) -> list[Alert]:
        """Those that have not ended, by fingerprint."""
        with self._lock:
            posted = list(self._posted.values())
        found = {one.fingerprint: one for one in posted if not one.resolved(now)}
        found |= {one.fingerprint: one for one in self.fired(now)}
        return [found[key] for key in sorted(found)]

    def fired(self, now: datetime) -> list[Alert]:
        """What Prometheus sends."""
        return [_sent(one) for one in self.alerting.at(int(now.timestamp() * 1000)) if one.firing]

    def post(self, alert: Alert) -> Alert:
        """Hold an alert that a client sent; one that is held already keeps its start while it lasts."""
        with self._lock:
            old = self._posted.get(alert.fingerprint)
            if old is not None and not old.resolved(alert.starts_at):
                alert = replace(alert, starts_at=min(old.starts_at, alert.starts_at))
            self._posted[alert.fingerprint] = alert
            return alert


def _sent(alert: ActiveAlert) -> Alert:
    updated = datetime.fromtimestamp(alert.evaluated_at / 1000, UTC)
    return Alert(
        labels=dict(alert.labels),
        annotations=alert.annotations,
        starts_at=datetime.fromtimestamp(alert.fired_at / 1000, UTC),
        ends_at=updated + RESOLVES_AFTER,
        updated_at=updated,
        generator_url=f"{_PROMETHEUS}/graph?g0.expr={quote(alert.rule.expr, safe='')}&g0.tab=1",
    )


class Muting:
    """Which alerts are told to nobody, and why."""

    def __init__(self, config: Config, silences: Silences) -> None:
        self._config = config
        self._silences = silences

    def silenced_by(self, alert: Alert, now: datetime) -> list[str]:
        return self._silences.muting(alert.labels, now)

    def inhibited_by(self, alert: Alert, firing: Sequence[Alert]) -> list[str]:
        """Fingerprints of the alerts that inhibit it."""
        return sorted(
            {
                other.fingerprint
                for rule in self._config.inhibitions
                for other in firing
                if rule.mutes(other.labels, alert.labels)
            }
        )

    def mutes(self, alert: Alert, firing: Callable[[], Sequence[Alert]], now: datetime) -> bool:
        return bool(self.silenced_by(alert, now) or self.inhibited_by(alert, firing()))


def fingerprint(labels: Mapping[str, str]) -> str:
    """The 64-bit FNV-1a hash of a label set as Prometheus' common library computes it, in 16 hex digits."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            value = ((value ^ byte) * 0x100000001B3) & _MASK
    return f"{value:016x}"
