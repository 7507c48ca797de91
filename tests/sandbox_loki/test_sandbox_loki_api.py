"""Loki's HTTP API as it answers on the wire, over a few streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from autodevops.sandbox.loki.app import LokiApi, application
from autodevops.sandbox.loki.pipeline import LabelTest
from autodevops.sandbox.world.logs import LogEntry, LogStream

SECOND = 1_000_000_000
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
T0 = int(NOW.timestamp()) - 600
STREAMS = [
    LogStream(
        {"namespace": "shop", "app": "web", "service_name": "web"},
        [
            LogEntry((T0 + 10 * i) * SECOND + 7, f"line {i}", {"trace_id": f"{i % 2:032x}", "detected_level": "info"})
            for i in range(20)
        ],
    ),
    LogStream({"namespace": "shop", "app": "api", "service_name": "api"}, [LogEntry((T0 + 100) * SECOND, "hello", {})]),
]


def logs(wanted: LabelTest, start: int, end: int) -> Iterable[LogStream]:
    for stream in STREAMS:
        if wanted(stream.labels):
            yield LogStream(stream.labels, [entry for entry in stream.entries if start <= entry.timestamp < end])


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=application(LokiApi(logs, lambda: NOW)))
    async with httpx.AsyncClient(transport=transport, base_url="http://loki.test") as one:
        yield one


async def _data(client: httpx.AsyncClient, url: str, **params: Any) -> Any:
    response = await client.get(f"/loki/api/v1/{url}", params=params)
    assert response.status_code == 200, response.text
    assert response.json()["status"] == "success"
    return response.json().get("data")


async def test_structured_metadata_splits_a_stream_in_results(client: httpx.AsyncClient) -> None:
    data = await _data(client, "query_range", query='{app="web"}')
    assert data["resultType"] == "streams"
    assert [stream["stream"] for stream in data["result"]] == [
        {"namespace": "shop", "app": "web", "service_name": "web", "detected_level": "info", "trace_id": f"{i:032x}"}
        for i in (1, 0)
    ]
    stamp, line = data["result"][0]["values"][0]
    assert (stamp, line) == (str((T0 + 190) * SECOND + 7), "line 19")
    assert data["stats"]["summary"]["totalLinesProcessed"] == 20


async def test_limit_keeps_the_newest_or_the_oldest(client: httpx.AsyncClient) -> None:
    async def lines(**params: Any) -> list[str]:
        data = await _data(client, "query_range", query='{app="web"} | drop trace_id', **params)
        return [line for stream in data["result"] for _, line in stream["values"]]

    assert await lines(limit=3) == ["line 19", "line 18", "line 17"]
    assert await lines(limit=3, direction="forward") == ["line 0", "line 1", "line 2"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (str(T0 * SECOND), str((T0 + 15) * SECOND)),
        (str(T0), str(T0 + 15)),
        (f"{T0}.000", f"{T0 + 15}.5"),
        (
            datetime.fromtimestamp(T0, UTC).isoformat(),
            datetime.fromtimestamp(T0 + 15, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        ),
    ],
    ids=["nanoseconds", "seconds", "float", "rfc3339"],
)
async def test_times_are_read_in_every_spelling(client: httpx.AsyncClient, start: str, end: str) -> None:
    data = await _data(client, "query_range", query='{app="web"}', start=start, end=end)
    assert sorted(line for stream in data["result"] for _, line in stream["values"]) == ["line 0", "line 1"]


async def test_post_form_is_the_same_as_get(client: httpx.AsyncClient) -> None:
    params = {"query": 'sum(count_over_time({namespace="shop"}[10m]))', "time": str(int(NOW.timestamp()))}
    got = await client.get("/loki/api/v1/query", params=params)
    posted = await client.post("/loki/api/v1/query", data=params)
    assert got.json() == posted.json()
    assert got.json()["data"]["result"] == [{"metric": {}, "value": [NOW.timestamp(), "21"]}]


async def test_metric_range_query_gives_a_matrix(client: httpx.AsyncClient) -> None:
    data = await _data(
        client,
        "query_range",
        query='sum by (app) (count_over_time({app=~".+"}[1m]))',
        start=T0,
        end=T0 + 120,
        step="60",
    )
    assert data["resultType"] == "matrix"
    assert data["result"] == [
        {"metric": {"app": "api"}, "values": [[T0 + 120.0, "1"]]},
        {"metric": {"app": "web"}, "values": [[T0 + 60.0, "6"], [T0 + 120.0, "6"]]},
    ]


async def test_log_query_at_an_instant_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/loki/api/v1/query", params={"query": '{app="web"}'})
    assert response.status_code == 400
    assert response.text.startswith("log queries are not supported as an instant query type")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"query": "{}"}, "queries require at least one regexp or equality matcher"),
        ({"query": '{app="web"'}, "parse error at line 1, col 11: syntax error: unexpected $end"),
        ({}, "parse error"),
        ({"query": '{app="web"}', "limit": "x"}, "invalid syntax"),
        ({"query": '{app="web"}', "limit": "0"}, "limit must be a positive value"),
        ({"query": '{app="web"}', "limit": "6000"}, "max entries limit per query exceeded"),
        ({"query": '{app="web"}', "direction": "sideways"}, "invalid direction 'sideways'"),
        ({"query": '{app="web"}', "start": "yesterday"}, 'could not parse "yesterday" as a time'),
        ({"query": '{app="web"}', "start": "200", "end": "100"}, "end timestamp must not be before"),
        ({"query": 'rate({app="web"}[1m])', "step": "0"}, "zero or negative query resolution"),
        (
            {"query": 'rate({app="web"}[1m])', "start": "0", "end": "9999999", "step": "1"},
            "exceeded maximum resolution",
        ),
        (
            {"query": '{app="web"}', "start": "0", "end": "2600000"},
            "the query time range exceeds the limit (query length: 30d2h13m20s, limit: 30d1h)",
        ),
        ({"query": '{app="web"}', "step": "soon"}, 'cannot parse "soon" to a valid duration'),
    ],
)
async def test_mistakes_are_plain_text_400(client: httpx.AsyncClient, params: dict[str, str], message: str) -> None:
    response = await client.get("/loki/api/v1/query_range", params=params)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("text/plain")
    assert message in response.text


async def test_labels_and_values_are_those_of_streams_in_the_window(client: httpx.AsyncClient) -> None:
    assert await _data(client, "labels") == ["app", "namespace", "service_name"]
    assert await _data(client, "label/app/values") == ["api", "web"]
    assert await _data(client, "label/app/values", query='{service_name="web"}') == ["web"]
    assert await _data(client, "label/app/values", start=T0, end=T0 + 50) == ["web"]
    assert await _data(client, "label/nothing/values") is None


async def test_series_match_selectors(client: httpx.AsyncClient) -> None:
    assert await _data(client, "series", **{"match[]": '{app="api"}'}) == [
        {"namespace": "shop", "app": "api", "service_name": "api"}
    ]
    assert len(await _data(client, "series")) == 2


async def test_index_stats_and_volume_count_what_is_there(client: httpx.AsyncClient) -> None:
    response = await client.get("/loki/api/v1/index/stats", params={"query": '{app="api"}'})
    assert response.json() == {"streams": 1, "chunks": 1, "entries": 1, "bytes": 5}
    data = await _data(client, "index/volume", query='{namespace="shop"}', targetLabels="app")
    assert [(one["metric"], one["value"][1]) for one in data["result"]] == [
        ({"app": "web"}, "130"),
        ({"app": "api"}, "5"),
    ]


async def test_a_query_has_a_greatest_length(client: httpx.AsyncClient) -> None:
    data = {"query": '{app="web"} # ' + "x" * 131_072}
    response = await client.post("/loki/api/v1/query_range", data=data)
    assert (response.status_code, response.text) == (
        400,
        "parse error : input size too long (131086 > 131072)\n",
    )


async def test_categorized_answer_keeps_stream_labels_apart(client: httpx.AsyncClient) -> None:
    headers = {"X-Loki-Response-Encoding-Flags": "categorize-labels,unknown"}
    params = {"query": '{app="web"} | pattern "line <n>"', "limit": "2"}
    body = (await client.get("/loki/api/v1/query_range", params=params, headers=headers)).json()
    assert body["data"]["encodingFlags"] == ["categorize-labels"]
    (stream,) = body["data"]["result"]
    assert stream["stream"] == {"namespace": "shop", "app": "web", "service_name": "web"}
    assert stream["values"][0][1:] == [
        "line 19",
        {"structuredMetadata": {"detected_level": "info", "trace_id": f"{1:032x}"}, "parsed": {"n": "19"}},
    ]
    plain = await _data(client, "query_range", query='{app="api"}')
    assert "encodingFlags" not in plain
    assert plain["result"][0]["values"] == [[str((T0 + 100) * SECOND), "hello"]]


async def test_volume_over_time_adds_up_to_the_volume(client: httpx.AsyncClient) -> None:
    data = await _data(
        client, "index/volume_range", query='{namespace="shop"}', targetLabels="app", start=T0, end=T0 + 200, step="60"
    )
    assert data["resultType"] == "matrix"
    sizes = {one["metric"]["app"]: [int(size) for _, size in one["values"]] for one in data["result"]}
    assert {app: sum(one) for app, one in sizes.items()} == {"web": 130, "api": 5}
    assert data["result"][0]["values"][0][0] == T0


async def test_fields_labels_and_patterns_are_detected(client: httpx.AsyncClient) -> None:
    body = (await client.get("/loki/api/v1/detected_fields", params={"query": '{app="web"}'})).json()
    fields = {field["label"]: field for field in body["fields"]}
    assert fields["trace_id"] == {"label": "trace_id", "type": "int", "cardinality": 2, "parsers": None}
    values = (
        await client.get("/loki/api/v1/detected_field/detected_level/values", params={"query": '{app="web"}'})
    ).json()
    assert values == {"values": ["info"], "limit": 1000}
    labels = (await client.get("/loki/api/v1/detected_labels")).json()["detectedLabels"]
    assert {"label": "app", "cardinality": 2} in labels
    params = {"query": '{app="web"}', "step": "100"}
    (pattern,) = (await client.get("/loki/api/v1/patterns", params=params)).json()["data"]
    assert (pattern["pattern"], pattern["level"]) == ("line <_>", "info")
    assert sum(count for _, count in pattern["samples"]) == 20


async def test_sorted_vectors_keep_their_order(client: httpx.AsyncClient) -> None:
    query = 'sort_desc(sum by (app) (count_over_time({namespace="shop"}[10m])))'
    data = await _data(client, "query", query=query, time=int(NOW.timestamp()))
    assert [one["metric"]["app"] for one in data["result"]] == ["web", "api"]


async def test_too_many_series_are_refused(client: httpx.AsyncClient) -> None:
    stream = LogStream({"app": "busy"}, [LogEntry(T0 * SECOND + 1 + i, f"id={i}", {}) for i in range(501)])
    api = LokiApi(lambda wanted, start, end: [stream], lambda: NOW)
    transport = httpx.ASGITransport(app=application(api))
    async with httpx.AsyncClient(transport=transport, base_url="http://loki.test") as one:
        query = 'count_over_time({app="busy"} | logfmt [10m])'
        response = await one.get("/loki/api/v1/query", params={"query": query})
        assert response.status_code == 400
        assert response.text.startswith("maximum number of series (500) reached for a single query")
        response = await one.get("/loki/api/v1/query", params={"query": f"sum({query})"})
        assert response.json()["data"]["result"][0]["value"][1] == "501"


async def test_metadata_routes_take_selectors_alone(client: httpx.AsyncClient) -> None:
    for url, params in (
        ("series", {"match[]": '{app="web"} |= "x"'}),
        ("index/stats", {"query": 'rate({app="web"}[1m])'}),
        ("labels", {"query": '{app="web"} | json'}),
    ):
        response = await client.get(f"/loki/api/v1/{url}", params=params)
        assert (response.status_code, response.text) == (400, "only label matchers are supported\n")


async def test_health_routes_answer(client: httpx.AsyncClient) -> None:
    assert (await client.get("/ready")).text == "ready\n"
    assert (await client.get("/loki/api/v1/status/buildinfo")).json()["version"].startswith("3.")
    assert (await client.get("/nowhere")).status_code == 404
