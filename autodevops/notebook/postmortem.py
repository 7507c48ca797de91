"""`postmortem_of(INCIDENT)` in a notebook: reads the ledger, measures the impact anew, and gives the document.

What counts requests is found among the investigation's own queries, so that whatever convention it understood is
measured here too; they are asked again with exact ends, as evidence of this run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autodevops.analysis.impact import recovered_at, requests
from autodevops.analysis.postmortems import Measured, belonging, onset_of, postmortem
from autodevops.domain.base import Json
from autodevops.domain.chart import Mark, MetricChart
from autodevops.domain.evidence import Evidence
from autodevops.domain.incident import Incident
from autodevops.domain.postmortem import Postmortem
from autodevops.domain.series import Series
from autodevops.domain.tool_results import SeriesResult
from autodevops.kernel.clock import rfc3339, utc_now
from autodevops.kernel.errors import ToolError, UsageError
from autodevops.notebook import desk
from autodevops.runbooks.postmortem_text import blocks, markdown
from autodevops.settings import load_settings

_BEFORE = timedelta(minutes=10)
_AFTER = timedelta(minutes=10)  # rates look back, so the end of failures shows late


@dataclass(frozen=True)
class Document:
    postmortem: Postmortem
    markdown: str
    charts: tuple[MetricChart, ...]
    evidence: tuple[Evidence, ...]

    def _repr_markdown_(self) -> str:
        return self.markdown

    def calls(self) -> str:
        """Code that asks for the same figures again."""
        lines = ["from autodevops import metrics", ""]
        for item in self.evidence:
            given = item.arguments
            exact = f"start={given['start']!r}, end={given['end']!r}, step={given['step_seconds']!r}"
            lines.append(f"metrics.range({item.query!r}, {exact})  # {item.id} {item.digest[:19]}")
        return "\n".join(lines)


def postmortem_of(incident: str, *, edited: str = "", objective: float = 0.999) -> Document:
    """`edited` is the path of an earlier version, whose blocks for people are kept. Raises UsageError."""
    from autodevops.executor.operations import load_all
    from autodevops.stores.incidents import find_incident
    from autodevops.stores.sqlite_ledger import open_ledger

    kept = blocks(_read(edited)) if edited else {}
    with open_ledger(load_settings().ledger, read_only=True) as ledger:
        found = find_incident(ledger, incident)
        operations = load_all(ledger)
    end = min((found.resolution.at if found.resolution else utc_now()) + _AFTER, utc_now())
    ours = belonging(found, operations, end)
    measured, charts, evidence = _measure(found, end)
    made = postmortem(found, ours, measured, objective=objective)
    return Document(made, markdown(made, kept), charts, evidence)


def request_queries(queries: list[str]) -> tuple[str, str] | None:
    """Rate and failing rate by workload, as the investigation asked them; None when it found nothing that counts.

    The failing rate is zero where requests come and none fails: a program has no series of failures before its first.
    """
    for ratio in queries:
        for rate in queries:
            if ratio.startswith("(") and ratio.endswith(f" or 0 * {rate}) / {rate}"):
                return rate, ratio.removesuffix(f" / {rate}")
    return None


def _measure(incident: Incident, end: datetime) -> tuple[Measured, tuple[MetricChart, ...], tuple[Evidence, ...]]:
    onset, found = onset_of(incident), incident.investigation
    nothing: tuple[Measured, tuple[MetricChart, ...], tuple[Evidence, ...]] = (Measured(onset, None, end), (), ())
    asked = request_queries([item.query for item in found.evidence if item.ok]) if found else None
    if onset is None or asked is None or found is None or not found.hypotheses or end <= onset:
        return nothing
    span: dict[str, Json] = {
        "start": rfc3339(onset - _BEFORE),
        "end": rfc3339(end),
        "step_seconds": _step(end - onset + _BEFORE),
    }
    try:
        evidence = tuple(desk.ask("prometheus.query_range", {"query": query, **span}) for query in asked)
    except ToolError:
        return nothing
    total, failed = (SeriesResult.model_validate(item.data).series for item in evidence)
    name = found.hypotheses[0].subject.name
    of_it, failing = _of(name, total), _of(name, failed)
    if of_it is None or failing is None:
        return nothing
    since = recovered_at(failing, onset.timestamp())
    until = since if since is not None else end.timestamp()
    recovered = datetime.fromtimestamp(since, UTC) if since is not None else None
    marks = [
        Mark(at=onset, kind="onset", label="onset"),
        Mark(at=incident.detection.at, kind="alert", label="detected"),
    ]
    if recovered:
        marks.append(Mark(at=recovered, kind="change", label="recovered"))
    ids = tuple(item.id for item in evidence)
    counted = requests(of_it, failing, onset.timestamp(), until)
    chart = MetricChart(
        title=f"Requests to {name}, and those that failed",
        unit="{request}/s",
        series=(_named(of_it, "all"), _named(failing, "failed")),
        legend="series",
        marks=tuple(marks),
        evidence=ids,
    )
    return Measured(onset, recovered, end, name, counted, ", ".join(ids)), (chart,), evidence


def _of(name: str, every: tuple[Series, ...]) -> Series | None:
    """The sum of the series that a workload's name stands in, or its pods'. None where there is none."""
    mine = [one for one in every if any(_names(value, name) for value in one.labels.values())]
    if not mine:
        return None
    sums: dict[float, float] = {}
    for one in mine:
        for at, value in one.samples:
            sums[at] = sums.get(at, 0.0) + (value or 0.0)
    return Series(labels={}, samples=tuple(sorted(sums.items())))


def _names(value: str, name: str) -> bool:
    last = value.rsplit("/", 1)[-1]
    return last == name or (
        last.startswith(f"{name}-") and last[len(name) + 1 :].count("-") <= 1 and any(map(str.isdigit, last))
    )


def _named(series: Series, name: str) -> Series:
    return Series(labels={"series": name}, samples=series.samples)


def _step(length: timedelta) -> int:
    return max(15, int(length.total_seconds() / 200) // 15 * 15)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"The earlier version {path} cannot be read: {error}.", "Give a Markdown file.") from error
