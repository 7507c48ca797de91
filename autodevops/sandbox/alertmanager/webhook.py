"""What a webhook is told (payload version 4), and telling it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from autodevops.sandbox.alertmanager.alerts import Alert
from autodevops.sandbox.alertmanager.config import Webhook

_SECONDS = 10.0  # that a receiver may take
_NEVER = "0001-01-01T00:00:00Z"


def payload(
    receiver: str, group_key: str, group: Mapping[str, str], alerts: Sequence[Alert], at: datetime, max_alerts: int
) -> dict[str, Any]:
    """The message about a group's alerts; `at` decides which of them have ended."""
    shown = alerts[:max_alerts] if max_alerts else alerts
    return {
        "receiver": receiver,
        "status": "firing" if any(not alert.resolved(at) for alert in shown) else "resolved",
        "alerts": [_alert(alert, at) for alert in shown],
        "groupLabels": dict(group),
        "commonLabels": _common([alert.labels for alert in shown]),
        "commonAnnotations": _common([alert.annotations for alert in shown]),
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": group_key,
        "truncatedAlerts": len(alerts) - len(shown),
    }


def _alert(alert: Alert, at: datetime) -> dict[str, Any]:
    resolved = alert.resolved(at)
    return {
        "status": "resolved" if resolved else "firing",
        "labels": dict(sorted(alert.labels.items())),
        "annotations": dict(sorted(alert.annotations.items())),
        "startsAt": rfc3339_nano(alert.starts_at),
        "endsAt": rfc3339_nano(alert.ends_at) if resolved else _NEVER,
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint,
    }


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not sets:
        return {}
    return {name: value for name, value in sorted(sets[0].items()) if all(one.get(name) == value for one in sets)}


def rfc3339_nano(moment: datetime) -> str:
    """As Go writes it: no zeros at the end of the fraction."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


def deliver(webhook: Webhook, message: Mapping[str, Any], version: str) -> bool | None:
    """True when the receiver took it, None when trying again may help (no answer, 5xx), False when it will not."""
    headers = {"User-Agent": f"Alertmanager/{version}"}
    if webhook.authorization:
        headers["Authorization"] = webhook.authorization
    try:
        answer = httpx.post(webhook.url, json=message, headers=headers, timeout=_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    if answer.is_success:
        return True
    return None if answer.is_server_error else False
