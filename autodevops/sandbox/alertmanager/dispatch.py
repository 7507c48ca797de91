"""Who is told what and when: groups, their timers and what each receiver has been told.

The dispatcher lives in the world's time, not in the process's: `advance(now)` goes through everything that was due
since it last ran, in order, so that an hour passed at once brings the notifications of an hour. Without a webhook in
the configuration there is nothing to do.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from autodevops.sandbox.alertmanager.alerts import Alert, Alerts, Muting
from autodevops.sandbox.alertmanager.config import Config, Receiver, Route, Webhook
from autodevops.sandbox.alertmanager.webhook import payload

_log = logging.getLogger(__name__)
_FIRST_RETRY = 0.5  # seconds; doubles up to a minute
_LAST_RETRY = 60.0

Deliver = Callable[[Webhook, dict[str, Any]], bool | None]


@dataclass
class _Group:
    route: Route
    labels: dict[str, str]
    due: float  # of the next flush, in epoch seconds
    flushed: bool = False
    retry: float = _FIRST_RETRY
    alerts: dict[str, Alert] = field(default_factory=dict)

    @property
    def key(self) -> str:
        said = ", ".join(f'{name}="{value}"' for name, value in self.labels.items())
        return f"{self.route.key}:{{{said}}}"


@dataclass(frozen=True)
class _Told:
    """What a receiver was last told about a group."""

    firing: frozenset[str]
    resolved: frozenset[str]
    at: float


class Dispatcher:
    """Thread-safe: one `advance` at a time."""

    def __init__(self, config: Config, alerts: Alerts, muting: Muting, deliver: Deliver) -> None:
        self._config = config
        self._alerts = alerts
        self._muting = muting
        self._deliver = deliver
        self._lock = Lock()
        self._active = any(one.webhooks for one in config.receivers)
        self._until: float | None = None
        self._known: dict[str, Alert] = {}
        self._groups: dict[tuple[str, tuple[tuple[str, str], ...]], _Group] = {}
        self._told: dict[tuple[str, str, int], _Told] = {}

    def advance(self, now: float) -> None:
        """Deliver what is due until `now` (epoch seconds)."""
        if not self._active:
            return
        with self._lock:
            self._advance(now)

    def take(self, alerts: Sequence[Alert], now: float) -> None:
        """Alerts that a client sent at `now`."""
        if not self._active:
            return
        with self._lock:
            self._advance(now)
            for alert in alerts:
                self._insert(alert, now)
            self._advance(now)

    def _advance(self, now: float) -> None:
        if self._until is None:
            self._prometheus_sends(now)
            changes: list[float] = []
        else:
            changes = [ms / 1000 for ms in self._alerts.alerting.changes(int(self._until * 1000), int(now * 1000))]
        while True:
            flush = min(self._groups.values(), key=lambda group: group.due, default=None)
            change, due = changes[0] if changes else math.inf, flush.due if flush else math.inf
            if min(change, due) > now:
                break
            if change <= due:
                self._prometheus_sends(changes.pop(0))
            elif flush is not None:
                self._flush(flush)
        self._until = now

    def _prometheus_sends(self, at: float) -> None:
        """New alerts, and the end of those that fire no more."""
        moment = _moment(at)
        firing = {one.fingerprint: one for one in self._alerts.fired(moment)}
        for key, alert in self._known.items():
            if key not in firing:
                self._insert(_ended(alert, moment), at)
        for key, alert in firing.items():
            if key not in self._known:
                self._insert(alert, at)
        self._known = firing

    def _insert(self, alert: Alert, at: float) -> None:
        for route in self._config.route.match(alert.labels):
            labels = route.group(alert.labels)
            key = (route.key, tuple(labels.items()))
            group = self._groups.get(key)
            if group is None:
                if alert.resolved(_moment(at)):
                    continue
                group = self._groups[key] = _Group(route, labels, at + route.group_wait)
            group.alerts[alert.fingerprint] = alert
            if not group.flushed and alert.starts_at.timestamp() + route.group_wait < at:
                group.due = at

    def _flush(self, group: _Group) -> None:
        at, route = group.due, group.route
        now = _moment(at)
        fresh = {one.fingerprint: one for one in self._alerts.at(now)}
        group.alerts = {key: fresh.get(key, alert) for key, alert in group.alerts.items()}
        firing = list(fresh.values())
        told = sorted(group.alerts.values(), key=_order)
        heard = [one for one in told if not self._muting.mutes(one, lambda: firing, now)]
        done = self._notify(group, self._config.receiver(route.receiver), heard, now)
        group.flushed = True
        if done:
            group.due, group.retry = at + route.group_interval, _FIRST_RETRY
            group.alerts = {key: one for key, one in group.alerts.items() if not one.resolved(now)}
            if not group.alerts:
                del self._groups[route.key, tuple(group.labels.items())]
        else:
            group.due = at + min(group.retry, route.group_interval)
            group.retry = min(2 * group.retry, _LAST_RETRY)

    def _notify(self, group: _Group, receiver: Receiver, alerts: Sequence[Alert], now: datetime) -> bool:
        """Tell each webhook what it should know; False when one should be tried again."""
        done = True
        firing = frozenset(one.fingerprint for one in alerts if not one.resolved(now))
        resolved = frozenset(one.fingerprint for one in alerts if one.resolved(now))
        for index, webhook in enumerate(receiver.webhooks):
            key = (group.key, receiver.name, index)
            last = self._told.get(key)
            if not alerts or not _news(last, firing, resolved, webhook, group.route.repeat_interval, now.timestamp()):
                continue
            said = [one for one in alerts if webhook.send_resolved or not one.resolved(now)]
            if said:
                message = payload(receiver.name, group.key, group.labels, said, now, webhook.max_alerts)
                taken = self._deliver(webhook, message)
                if taken is None:
                    _log.warning("Webhook %s of receiver %s did not take a notification", webhook.url, receiver.name)
                    done = False
                    continue
                if not taken:
                    _log.error("Webhook %s of receiver %s refused a notification", webhook.url, receiver.name)
                    continue
            self._told[key] = _Told(firing, resolved, now.timestamp())
        return done


def _news(
    last: _Told | None, firing: frozenset[str], resolved: frozenset[str], webhook: Webhook, repeat: float, now: float
) -> bool:
    """Whether a receiver has to hear of a group again."""
    if last is None:
        return bool(firing)
    if not firing <= last.firing:
        return True
    if not firing:
        return bool(last.firing)
    if webhook.send_resolved and not resolved <= last.resolved:
        return True
    return last.at < now - repeat


def _ended(alert: Alert, at: datetime) -> Alert:
    return Alert(alert.labels, alert.annotations, alert.starts_at, at, at, alert.generator_url)


def _order(alert: Alert) -> tuple[str, str, list[tuple[str, str]]]:
    return alert.labels.get("job", ""), alert.labels.get("instance", ""), sorted(alert.labels.items())


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
