"""The tools. What each answer means is in `answers`; how Prometheus is reached is in `servers._http`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from autodevops.domain.tool_results import AlertGroupList, AlertList, LabelSets, NameList, RuleList, SeriesResult
from autodevops.servers._arguments import (
    MAX_NAMES,
    End,
    OptionalEnd,
    OptionalStart,
    Start,
    StepSeconds,
    TimeText,
    cut,
    optional_window,
    path_part,
    unix_seconds,
    window,
)
from autodevops.servers._http import HttpApi
from autodevops.servers._tools import new_server, read_tool
from autodevops.servers.prometheus import answers
from autodevops.settings import AlertmanagerSettings, PrometheusSettings

MAX_LABEL_SETS = 1000  # series in one find_series answer
MAX_ALERTS = 1000  # alerts, rules or groups in one answer

INSTRUCTIONS = """Read metrics, rules and alerts from Prometheus, and alert groups from Alertmanager.
Find names first (list_metrics, find_series), then query. All times are UTC."""

PromQL = Annotated[
    str, Field(description='PromQL, e.g. sum by (service) (rate(http_requests_total{code=~"5.."}[5m])).')
]
Match = Annotated[
    str, Field(description='Series selector that limits the answer, e.g. {namespace="shop"}. Empty: all series.')
]
Time = Annotated[
    TimeText, Field(description="RFC 3339 with time zone, or Unix seconds. Empty: now, by Prometheus' own clock.")
]


def create_server(prometheus: PrometheusSettings, alertmanager: AlertmanagerSettings) -> MCPServer[Any]:
    """The MCP server. Nothing is contacted before the first call."""
    api = HttpApi("Prometheus", "prometheus", prometheus)
    alerts_api = HttpApi("Alertmanager", "alertmanager", alertmanager)

    @asynccontextmanager
    async def lifespan(_server: MCPServer[Any]) -> AsyncIterator[None]:
        async with api.open(), alerts_api.open():
            yield

    server = new_server("autodevops-prometheus", "Prometheus", INSTRUCTIONS, lifespan)

    @read_tool(server)
    async def query_instant(query: PromQL, time: Time = "") -> SeriesResult:
        """Evaluate a PromQL expression at one moment: one value per series.

        Values that are NaN or infinite come as null. Use query_range to see how a value moved.
        """
        params = [("query", query)]
        if time:
            params.append(("time", f"{unix_seconds(time, 'time'):.3f}"))
        answer = await api.get("/api/v1/query", params, form=True)
        with api.understanding():
            return answers.series_result(answer)

    @read_tool(server)
    async def query_range(query: PromQL, start: Start, end: End, step_seconds: StepSeconds) -> SeriesResult:
        """Evaluate a PromQL expression over a window: samples [unix seconds, value] for each series.

        Pick step_seconds so that (end - start) / step_seconds is about 60 to 300 points; Prometheus refuses more than
        11,000. Inside rate() use a range of at least four scrape intervals. NaN and infinite values come as null.
        """
        first, last = window(start, end)
        params = [("query", query), ("start", f"{first:.3f}"), ("end", f"{last:.3f}"), ("step", f"{step_seconds:g}")]
        answer = await api.get("/api/v1/query_range", params, form=True)
        with api.understanding():
            return answers.series_result(answer)

    @read_tool(server)
    async def list_metrics(match: Match = "") -> NameList:
        """List metric names, all of them or those of the series that `match` selects."""
        return await label_values("__name__", match)

    @read_tool(server)
    async def list_label_values(
        label: Annotated[str, Field(description="Label name, e.g. namespace.")], match: Match = ""
    ) -> NameList:
        """List the values of one label, e.g. all namespaces that have metrics. An unknown label has none."""
        return await label_values(label, match)

    @read_tool(server)
    async def find_series(
        match: Annotated[str, Field(description='Series selector, e.g. up or {__name__=~"http_.*",namespace="shop"}.')],
        start: OptionalStart = "",
        end: OptionalEnd = "",
    ) -> LabelSets:
        """Find the series a selector matches, as their full label sets: which labels exist, which pods report."""
        answer = await api.get("/api/v1/series", [("match[]", match), *optional_window(start, end)], form=True)
        with api.understanding():
            shown, truncated, note = cut(answer["data"], MAX_LABEL_SETS, "series", "Add label matchers.")
            return LabelSets(series=shown, truncated=truncated, note=note)

    @read_tool(server)
    async def list_alerts() -> AlertList:
        """List the alerts that are pending or firing now, as Prometheus' rules see them (silences not applied)."""
        answer = await api.get("/api/v1/alerts")
        with api.understanding():
            found = [answers.alert(item) for item in answer["data"]["alerts"]]
        shown, truncated, note = cut(found, MAX_ALERTS, "alerts", "Use list_alert_groups.")
        return AlertList(alerts=shown, truncated=truncated, note=note)

    @read_tool(server)
    async def list_rules() -> RuleList:
        """List alerting and recording rules with their PromQL, state and health."""
        answer = await api.get("/api/v1/rules")
        with api.understanding():
            found = answers.rules(answer["data"]["groups"])
        shown, truncated, note = cut(found, MAX_ALERTS, "rules", "Query ALERTS for the state of one.")
        return RuleList(rules=shown, truncated=truncated, note=note)

    @read_tool(server)
    async def list_alert_groups() -> AlertGroupList:
        """List Alertmanager's alert groups: what people were notified of, with silenced and inhibited ones marked.

        An alert's state is firing, or suppressed when a silence or another alert mutes it.
        """
        answer = await alerts_api.get("/api/v2/alerts/groups")
        with alerts_api.understanding():
            found = [answers.alert_group(item) for item in answer]
        shown, truncated, note = cut(found, MAX_ALERTS, "groups", "Use list_alerts.")
        return AlertGroupList(groups=shown, truncated=truncated, note=note)

    async def label_values(label: str, match: str) -> NameList:
        params = [("match[]", match)] if match else []
        answer = await api.get(f"/api/v1/label/{path_part(label, 'label name')}/values", params)
        with api.understanding():
            shown, truncated, note = cut(answer["data"], MAX_NAMES, "names", "Give match to limit them.")
            return NameList(names=shown, truncated=truncated, note=note)

    return server
