"""Prometheus' and Alertmanager's JSON, read into our nouns. Pure functions; a wrong shape raises what Python raises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from autodevops.domain.alert import Alert
from autodevops.domain.series import Sample, Series
from autodevops.domain.tool_results import AlertGroup, Rule, SeriesResult
from autodevops.servers._arguments import cut

MAX_SERIES = 500  # in one answer; more lines than a chart can show
MAX_POINTS = 100_000  # over all series of one answer, about 3 MB of JSON

_NARROW = "Aggregate (sum by, topk), add label matchers, or raise step_seconds."
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
    warnings = (*answer.get("warnings", ()), *answer.get("infos", ()))
    if result_type == "string":
        return SeriesResult(result_type="string", series=(), warnings=warnings, note=str(result[1]))
    if result_type == "scalar":
        return SeriesResult(
            result_type="scalar", series=(Series(labels={}, samples=(_sample(result),)),), warnings=warnings
        )
    lines = [_series(item) for item in result]
    plain = [line for line in lines if line.samples]
    shown, truncated, note = cut(plain, _series_limit(plain), "series", _NARROW)
    if len(plain) < len(lines):
        note = f"{note} Left out {len(lines) - len(plain)} native histograms; use histogram_quantile().".strip()
        truncated = True
    return SeriesResult(result_type=result_type, series=shown, warnings=warnings, truncated=truncated, note=note)


def _series_limit(lines: Sequence[Series]) -> int:
    points = 0
    for count, line in enumerate(lines):
        points += len(line.samples)
        if count == MAX_SERIES or (points > MAX_POINTS and count > 0):
            return count
    return len(lines)


def _series(item: Mapping[str, Any]) -> Series:
    pairs = item["values"] if "values" in item else [item["value"]] if "value" in item else []
    return Series(labels=item["metric"], samples=tuple(_sample(pair) for pair in pairs))


def _sample(pair: Sequence[Any]) -> Sample:
    value = float(pair[1])
    return float(pair[0]), value if math.isfinite(value) else None


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
