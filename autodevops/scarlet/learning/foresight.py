"""What is going to run out, with the time that is left, as signals: trends in Prometheus, and ends of certificates.

Cheap enough for every few minutes: one query for each supply, answered with those that are more than half used.
"""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from autodevops.analysis.exhaustion import Exhaustion, runs_out
from autodevops.domain.base import Json
from autodevops.domain.series import Series
from autodevops.domain.signal import Blind, IncidentSeverity, Look, Signal, merged
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import SeriesResult
from autodevops.investigation.supplies import SUPPLIES, Supply, detail_of, fullest, place_of, step_of, subject_of
from autodevops.kernel.durations import roughly
from autodevops.kernel.errors import ToolError
from autodevops.settings import LearningSettings
from autodevops.toolbox.protocol import Tools

EVERY: Final = timedelta(minutes=5)
LEAD = "hours_left"  # the label of a signal that has it
_SOON = timedelta(hours=4)  # then it is major
_RENEWED_LATE = 3600  # seconds: cert-manager renews on time, unless it cannot
_CERTIFICATES: Final = (
    "min by (namespace, instance, host)"
    " (probe_ssl_earliest_cert_expiry or nginx_ingress_controller_ssl_expire_time_seconds)",
    "min by (exported_namespace, namespace, name) (certmanager_certificate_expiration_timestamp_seconds"
    f" and certmanager_certificate_renewal_timestamp_seconds < time() - {_RENEWED_LATE})",
)
"""When certificates end. What is renewed by itself is news only when its renewal is late."""


class Foresight:
    """Asked every few minutes and held in between, for all who look; after a look that was blind, at once."""

    def __init__(self, tools: Tools, settings: LearningSettings) -> None:
        self._tools = tools
        self._settings = settings
        self._last: Look | None = None
        self._asking = asyncio.Lock()

    async def look(self, now: datetime) -> Look:
        async with self._asking:
            if self._last is None or self._last.blind or now - self._last.at >= EVERY:
                self._last = await foresee(self._tools, now, self._settings)
            return self._last


async def foresee(tools: Tools, now: datetime, settings: LearningSettings) -> Look:
    """All that runs out within the settings' time, and what could not be asked. Never raises a ToolError."""
    signals: dict[str, Signal] = {}
    blind: list[Blind] = []

    async def ask(tool: str, arguments: dict[str, Json]) -> tuple[Series, ...]:
        try:
            answer = await tools.call(tool, arguments)
            if answer.truncated:
                words = f"Prometheus has more than could be read: {arguments['query']}"
                blind.append(Blind(system="prometheus", words=words))
            return SeriesResult.model_validate(answer.data).series
        except (ToolError, ValueError) as error:
            words = error.message if isinstance(error, ToolError) else "Prometheus answered something else than series."
            blind.append(Blind(system="prometheus", words=words))
            return ()

    async def supply(one: Supply) -> None:
        found = await ask("prometheus.query_range", _arguments(one, now))
        for signal in (running_out(one, series, now, settings) for series in found):
            if signal is not None:
                signals[signal.key] = min(signal, signals.get(signal.key, signal), key=_lead)

    async def certificates(query: str) -> None:
        limit = settings.certificate_days * 86_400
        arguments: dict[str, Json] = {"query": f"{query} < time() + {limit:g}", "time": now.isoformat()}
        for series in await ask("prometheus.query_instant", arguments):
            if (signal := _expiring(series, now)) is not None:
                signals[signal.key] = signal

    await asyncio.gather(*(supply(one) for one in SUPPLIES), *(certificates(query) for query in _CERTIFICATES))
    ranked = tuple(signals[key] for key in sorted(signals))
    return Look(at=now, signals=ranked, blind=merged(blind))


def running_out(supply: Supply, series: Series, now: datetime, settings: LearningSettings) -> Signal | None:
    times = [at for at, value in series.samples if value is not None]
    found = runs_out(times, [value for _, value in series.samples if value is not None], 1.0)
    subject = subject_of(supply, series.labels)
    if found is None or subject is None or now.timestamp() - times[-1] > 3 * step_of(supply):
        return None  # an old rise says nothing of now
    left = timedelta(seconds=found.at - (now.timestamp() - times[-1]))
    if left > timedelta(hours=settings.foresee_hours):
        return None
    detail = detail_of(supply, series.labels)
    of = f"{supply.what} of {subject}{f' ({detail})' if detail else ''}"
    pace = timedelta(seconds=now.timestamp() - found.since)
    words = (
        f"{of} is {found.level:.0%} used and runs out in {roughly(left.total_seconds())} "
        f"({_range(found)} with 95 % confidence) if it goes on as in the last {roughly(pace.total_seconds())}."
    )
    return _signal(
        f"{supply.reason}RunsOut",
        subject,
        detail,
        left,
        words,
        datetime.fromtimestamp(found.since, UTC),
        supply.used,
        series,
    )


def _expiring(series: Series, now: datetime) -> Signal | None:
    ends = series.samples[-1][1] if series.samples else None
    labels = series.labels
    instance = labels.get("instance", "")
    name = labels.get("name") or labels.get("host") or urlsplit(instance).hostname or instance.split(":", 1)[0]
    if ends is None or not name:
        return None
    end = datetime.fromtimestamp(ends, UTC)
    subject = Subject(
        kind="Certificate" if labels.get("name") else "Host",
        name=name,
        namespace=place_of(labels),
        api_version="cert-manager.io/v1" if labels.get("name") else "",
    )
    left = end - now
    when = f"ends in {roughly(left.total_seconds())}" if left > timedelta(0) else "has ended"
    words = f"The certificate of {name} {when}, on {end:%Y-%m-%d %H:%M} UTC."
    return _signal("CertificateExpires", subject, "", left, words, now, _CERTIFICATES[bool(labels.get("name"))], series)


def _signal(
    name: str,
    subject: Subject,
    detail: str,
    left: timedelta,
    words: str,
    since: datetime,
    query: str,
    series: Series,
) -> Signal:
    severity: IncidentSeverity = "major" if left <= _SOON else "minor"
    about = f"{subject.kind}/{subject.name}{f'/{detail}' if detail else ''}"
    return Signal(
        key=f"prediction/{name}/{subject.namespace}/{about}",
        source="prediction",
        name=name,
        namespace=subject.namespace,
        subject=subject,
        severity=severity,
        words=words,
        since=since,
        query=query,
        labels={**series.labels, LEAD: f"{left.total_seconds() / 3600:.1f}"},
    )


def _arguments(supply: Supply, now: datetime) -> dict[str, Json]:
    return {
        "query": fullest(supply),
        "start": (now - supply.look_back).isoformat(),
        "end": now.isoformat(),
        "step_seconds": step_of(supply),
    }


def _lead(signal: Signal) -> float:
    return float(signal.labels[LEAD])


def _range(found: Exhaustion) -> str:
    latest = roughly(found.latest) if math.isfinite(found.latest) else "never"
    return f"{roughly(found.soonest)} to {latest}"
