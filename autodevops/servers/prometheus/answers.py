"""Prometheus' and Alertmanager's JSON, read into our nouns. Pure functions; a wrong shape raises what Python raises."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Literal

from autodevops.domain.alert import Alert
from autodevops.domain.series import Series
from autodevops.domain.tool_results import AlertGroup, MetricMetadata, Rule, ScrapeTarget, SeriesResult, Silence
from autodevops.servers._arguments import cut, joined

MAX_SERIES = 500  # in one answer; more lines than a chart can show
MAX_POINTS = 100_000  # over all series of one answer, about 3 MB of JSON

_NARROW = "Aggregate (sum by, topk), add label matchers, or raise step_seconds."
_NEVER = "0001-01-01T00:00:00Z"  # Go's zero time
_STATES: Mapping[str, Literal["firing", "pending", "suppressed"]] = {
    "firing": "firing",
    "pending": "pending",
    "active": "firing",
    "unprocessed": "firing",  # Alertmanager has not yet looked whether it is silenced
    "suppressed": "suppressed",
}


def series_result(answer: Mapping[str, Any]) -> SeriesResult:
    """`/api/v1/query` and `/api/v1/query_range`."""
    data = answer["data"]
    result_type, result = data["resultType"], data["result"]
    warnings = warnings_of(answer)
    if result_type == "string":
        return SeriesResult(result_type="string", series=(), warnings=warnings, note=str(result[1]))
    if result_type == "scalar":
        return SeriesResult(result_type="scalar", series=(_series({"metric": {}, "value": result}),), warnings=warnings)
    lines = [_series(item) for item in result]
    plain = [line for line in lines if line.samples]
    shown, truncated, note = cut(plain, _series_limit(plain), "series", _NARROW)
    histograms = [item for item in result if item.get("histogram") or item.get("histograms")]
    if histograms:
        names = sorted({item["metric"].get("__name__", "") for item in histograms} - {""})
        which = f" ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})" if names else ""
        note = joined(
            note, f"Left out {len(histograms)} native histograms{which}; use histogram_quantile() or histogram_count()."
        )
        truncated = True
    return SeriesResult(result_type=result_type, series=shown, warnings=warnings, truncated=truncated, note=note)


def warnings_of(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """What the system warns of, and that an answer is partial, as Thanos, Mimir and VictoriaMetrics say it."""
    partial = ("The answer is partial: some of the storage did not answer.",) if answer.get("isPartial") else ()
    return (*(answer.get("warnings") or ()), *(answer.get("infos") or ()), *partial)


def _series_limit(lines: Sequence[Series]) -> int:
    points = 0
    for count, line in enumerate(lines):
        points += len(line.samples)
        if count == MAX_SERIES or (points > MAX_POINTS and count > 0):
            return count
    return len(lines)


def _series(item: Mapping[str, Any]) -> Series:
    pairs = item["values"] if "values" in item else [item["value"]] if "value" in item else []
    samples = [(float(at), value if isfinite(value) else None) for at, text in pairs for value in (float(text),)]
    return Series(labels=item["metric"], samples=tuple(samples))


def alert(item: Mapping[str, Any]) -> Alert:
    """One alert of Prometheus' `/api/v1/alerts`."""
    return Alert(
        labels=item["labels"],
        annotations=item.get("annotations") or {},
        state=_STATES[item["state"]],
        starts_at=item["activeAt"],
    )


def rules(groups: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """All rules of `/api/v1/rules`, group by group."""
    return [
        Rule(
            group=group["name"],
            name=rule["name"],
            type=rule["type"],
            query=rule["query"],
            for_seconds=rule.get("duration") or 0.0,
            state=rule.get("state", ""),
            health=rule.get("health", ""),
            last_error=rule.get("lastError", ""),
            labels=rule.get("labels") or {},
            annotations=rule.get("annotations") or {},
        )
        for group in groups
        for rule in group["rules"]
    ]


def alert_group(item: Mapping[str, Any]) -> AlertGroup:
    """One group of Alertmanager's `/api/v2/alerts/groups`."""
    return AlertGroup(
        labels=item["labels"],
        receiver=item["receiver"]["name"],
        alerts=tuple(
            Alert(
                labels=entry["labels"],
                annotations=entry.get("annotations") or {},
                state=_STATES[entry["status"]["state"]],
                starts_at=entry["startsAt"],
                ends_at=entry.get("endsAt"),
                fingerprint=entry.get("fingerprint", ""),
            )
            for entry in item["alerts"]
        ),
    )


def metadata(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[MetricMetadata]:
    """`/api/v1/metadata`: one line for each different description of a metric."""
    return [
        MetricMetadata(name=name, type=entry.get("type", ""), help=entry.get("help", ""), unit=entry.get("unit", ""))
        for name in sorted(found)
        for entry in found[name]
    ]


def targets(active: Sequence[Mapping[str, Any]]) -> list[ScrapeTarget]:
    """`/api/v1/targets`, those in trouble first."""
    found = [
        ScrapeTarget(
            pool=item.get("scrapePool", ""),
            url=item["scrapeUrl"],
            health=item["health"],
            labels=item["labels"],
            last_error=item.get("lastError", ""),
            last_scrape=None if item.get("lastScrape", _NEVER).startswith(_NEVER[:4]) else item["lastScrape"],
            scrape_seconds=item.get("lastScrapeDuration", 0.0),
        )
        for item in active
    ]
    return sorted(found, key=lambda target: (target.health == "up", target.pool, target.url))


def silence(item: Mapping[str, Any]) -> Silence:
    """One of Alertmanager's `/api/v2/silences`."""
    return Silence(
        silence_id=item["id"],
        state=item["status"]["state"],
        matchers=tuple(matcher_text(matcher) for matcher in item["matchers"]),
        starts_at=item["startsAt"],
        ends_at=item["endsAt"],
        created_by=item["createdBy"],
        comment=item["comment"],
    )


def matcher_text(matcher: Mapping[str, Any]) -> str:
    """`namespace=~"shop|pay"`."""
    equal = matcher.get("isEqual", True)  # older ones do not say it
    sign = ("=~" if equal else "!~") if matcher["isRegex"] else ("=" if equal else "!=")
    return f"{matcher['name']}{sign}{json.dumps(matcher['value'], ensure_ascii=False)}"
