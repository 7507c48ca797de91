"""The Prometheus server against Debian's Prometheus with history, and Alertmanager's wire format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server import MCPServer
from real_prometheus import real_prometheus
from servers.loopback import ask, call, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from autodevops.domain.tool_results import SeriesResult
from autodevops.kernel.errors import ToolRejected
from autodevops.servers import prometheus
from autodevops.servers.prometheus import answers
from autodevops.settings import AlertmanagerSettings, PrometheusSettings

START = 1_750_000_000
END = START + 3600


def history() -> str:
    lines = ["# TYPE requests counter"]
    for pod in ("cart-1", "cart-2"):
        lines += [f'requests_total{{pod="{pod}"}} {2 * (at - START)} {at}' for at in range(START, END + 1, 15)]
    lines += ["# TYPE temperature gauge"]
    lines += [f"temperature {value} {at}" for value, at in (("1.5", START), ("NaN", START + 15), ("+Inf", START + 30))]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MCPServer[Any]]:
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with real_prometheus(folder, history()) as url:
        yield prometheus.create_server(PrometheusSettings(url=url), AlertmanagerSettings())


async def test_range_query_returns_the_history(server: MCPServer[Any]) -> None:
    answer = await call(
        server, "query_range", query="rate(requests_total[5m])", start=str(START + 600), end=str(END), step_seconds=60
    )
    result = SeriesResult.model_validate(answer)
    assert result.result_type == "matrix"
    assert {line.labels["pod"] for line in result.series} == {"cart-1", "cart-2"}
    assert all(len(line.samples) == 51 for line in result.series)
    assert all(value == pytest.approx(2.0) for line in result.series for _, value in line.samples)


async def test_instant_query_takes_rfc3339(server: MCPServer[Any]) -> None:
    answer = await call(server, "query_instant", query="sum(requests_total)", time="2025-06-15T15:16:40Z")
    assert answer["result_type"] == "vector"
    assert answer["series"] == [{"labels": {}, "samples": [[START + 600.0, 2400.0]]}]


async def test_numbers_that_json_cannot_say_are_null(server: MCPServer[Any]) -> None:
    answer = await call(
        server, "query_range", query="temperature", start=str(START), end=str(START + 30), step_seconds=15
    )
    assert [value for _, value in answer["series"][0]["samples"]] == [1.5, None, None]


@pytest.mark.parametrize(("query", "kind"), [("1 + 1", "scalar"), ('"text"', "string"), ("vector(1)", "vector")])
async def test_each_result_type_is_read(server: MCPServer[Any], query: str, kind: str) -> None:
    answer = await call(server, "query_instant", query=query)
    assert answer["result_type"] == kind


async def test_promql_error_is_rejected_with_its_own_words(server: MCPServer[Any]) -> None:
    with pytest.raises(ToolRejected, match=r"parse error: unclosed left parenthesis"):
        await ask(server, "query_instant", query="sum(rate(x[5m])")


async def test_too_many_points_are_rejected_with_its_own_words(server: MCPServer[Any]) -> None:
    with pytest.raises(ToolRejected, match="exceeded maximum resolution"):
        await ask(server, "query_range", query="up", start="0", end=str(END), step_seconds=1)


async def test_names_values_and_series_are_found(server: MCPServer[Any]) -> None:
    assert (await call(server, "list_metrics"))["names"] == ["requests_total", "temperature"]
    assert (await call(server, "list_metrics", match='{pod!=""}'))["names"] == ["requests_total"]
    assert (await call(server, "list_label_values", label="pod"))["names"] == ["cart-1", "cart-2"]
    assert (await call(server, "list_label_values", label="nope"))["names"] == []
    with pytest.raises(ToolRejected, match="not a label name"):
        await ask(server, "list_label_values", label="../query")
    found = await call(server, "find_series", match='requests_total{pod="cart-1"}', start=str(START), end=str(END))
    assert found["series"] == [{"__name__": "requests_total", "pod": "cart-1"}]


async def test_what_a_metric_is_and_what_is_scraped_are_read(server: MCPServer[Any]) -> None:
    assert (await call(server, "get_metadata", metric="requests_total"))["metrics"] == []
    answer = await call(server, "list_targets", health="down")
    assert (answer["targets"], answer["up"], answer["down"]) == ([], 0, 0)


async def test_a_window_may_be_relative_and_the_step_left_open(server: MCPServer[Any]) -> None:
    answer = await call(server, "query_range", query="vector(1)", start="-1h")
    (line,) = answer["series"]
    assert len(line["samples"]) == 121


async def test_text_is_short_and_the_structure_whole(server: MCPServer[Any]) -> None:
    arguments = {"query": "requests_total", "start": str(START), "end": str(END), "step_seconds": 15}
    async with Client(server) as client:
        result = await client.call_tool("query_range", arguments)
    assert result.structured_content is not None
    assert [len(line["samples"]) for line in result.structured_content["series"]] == [241, 241]
    assert result.content[0].type == "text"
    text = result.content[0].text
    assert 'requests_total{pod="cart-1"}' in text
    assert "min 0 at 2025-06-15T15:06:40Z, max 7200 at 2025-06-15T16:06:40Z, last 7200; 241 points, 12 of them" in text
    assert len(text) < 1500


async def test_no_rules_and_no_alerts_are_empty_lists(server: MCPServer[Any]) -> None:
    assert (await call(server, "list_rules"))["rules"] == []
    assert (await call(server, "list_alerts"))["alerts"] == []


async def test_long_query_travels(server: MCPServer[Any]) -> None:
    query = " or ".join(f'requests_total{{pod="absent-{number}"}}' for number in range(500)) + " or vector(7)"
    answer = await call(server, "query_instant", query=query)
    assert answer["series"][0]["samples"][0][1] == 7.0


def test_answer_beyond_the_bounds_is_cut_and_says_so() -> None:
    lines = [{"metric": {"n": str(n)}, "value": [1.0, "1"]} for n in range(answers.MAX_SERIES + 7)]
    result = answers.series_result({"data": {"resultType": "vector", "result": lines}})
    assert len(result.series) == answers.MAX_SERIES
    assert result.truncated
    assert f"{answers.MAX_SERIES} of {answers.MAX_SERIES + 7}" in result.note


def test_native_histograms_are_left_out_and_said_to_be() -> None:
    lines = [
        {"metric": {"__name__": "rpc_seconds"}, "histogram": [1.0, {"count": "1", "sum": "1"}]},
        {"metric": {"__name__": "up"}, "value": [1.0, "1"]},
    ]
    result = answers.series_result({"data": {"resultType": "vector", "result": lines}})
    assert [line.labels["__name__"] for line in result.series] == ["up"]
    assert "1 native histograms (rpc_seconds)" in result.note
    mixed = [{"metric": {}, "values": [[1.0, "1"]], "histograms": [[2.0, {"count": "1", "sum": "1"}]]}]
    result = answers.series_result({"data": {"resultType": "matrix", "result": mixed}})
    assert len(result.series) == 1
    assert result.truncated


def test_warnings_and_partial_answers_are_told() -> None:
    data = {"resultType": "vector", "result": []}
    answer = {"data": data, "warnings": ["store gateway down"], "infos": ["not a counter"], "isPartial": True}
    assert answers.series_result(answer).warnings == (
        "store gateway down",
        "not a counter",
        "The answer is partial: some of the storage did not answer.",
    )


def test_targets_in_trouble_come_first_and_none_is_scraped_in_the_year_one() -> None:
    common = {"scrapeUrl": "http://a/metrics", "scrapePool": "a", "labels": {"job": "a"}}
    found = answers.targets(
        [
            {**common, "health": "up", "lastScrape": "2026-11-24T04:00:00.123456789Z", "lastScrapeDuration": 0.1},
            {**common, "health": "unknown", "lastScrape": "0001-01-01T00:00:00Z"},
            {**common, "health": "down", "lastError": "connection refused", "lastScrape": "2026-11-24T04:00:00Z"},
        ]
    )
    assert [target.health for target in found][-1] == "up"
    assert [target.last_scrape is None for target in found if target.health == "unknown"] == [True]
    assert [target.last_error for target in found if target.health == "down"] == ["connection refused"]


async def test_alert_groups_are_read() -> None:
    entry = {
        "labels": {"alertname": "HighErrorRate"},
        "annotations": {"summary": "too many"},
        "startsAt": "2026-11-24T03:00:00.123Z",
        "endsAt": "2026-11-24T04:00:00.000Z",
        "updatedAt": "2026-11-24T03:00:00.123Z",
        "fingerprint": "0123456789abcdef",
        "receivers": [{"name": "pager"}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    }
    silenced = {**entry, "status": {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []}}
    group = {"labels": {"namespace": "shop"}, "receiver": {"name": "pager"}, "alerts": [entry, silenced]}

    async def groups(_request: Request) -> JSONResponse:
        return JSONResponse([group])

    with serve(Starlette(routes=[Route("/api/v2/alerts/groups", groups)])) as url:
        server = prometheus.create_server(PrometheusSettings(), AlertmanagerSettings(url=url))
        answer = await call(server, "list_alert_groups")
    assert [alert["state"] for alert in answer["groups"][0]["alerts"]] == ["firing", "suppressed"]
    assert answer["groups"][0]["receiver"] == "pager"
