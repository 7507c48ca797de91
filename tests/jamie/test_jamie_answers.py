"""Answers of their own, complete with no model: what they say first, what they cite, what they admit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from jamie.jamie_cluster import DOWN, NOW, SCRIPT, TRACE, answer_of, events_of, new_agent, resources

from autodevops.domain.base import Json
from autodevops.domain.chart import MetricChart, TraceChart
from autodevops.domain.memory import Document, document
from autodevops.domain.quantity import quantity_or
from autodevops.domain.series import Series
from autodevops.domain.stream import AnswerCompleted, ChartReady, TurnFailed
from autodevops.domain.tool_results import LogResult, ResourceList, SeriesResult, TraceList
from autodevops.jamie.answers.compare import verdict_of
from autodevops.jamie.answers.signals import ERRORS, LATENCY, TRAFFIC, Signal
from autodevops.jamie.recall import Passage
from autodevops.kernel.errors import ToolUnavailable
from autodevops.stores.memory_twin import TwinMemory

FIRST_LINES = [
    (
        "slowest traces of checkout",
        "**The slowest request through `checkout` in `store` took 400 ms; `basket` itself, in `POST /baskets`, holds "
        "75% of it** (last 60 min to 2026-11-24 15:30 UTC).",
    ),
    ("where does the time go in /buy", "**A typical request through `/buy` in `store` takes 200 ms; `basket` itself"),
    (
        "show me a failed request",
        "**3 failed requests through `store`; the newest begins to fail in `basket POST /baskets`: `basket is nil`**",
    ),
    (
        f"trace {TRACE.trace_id}",
        f"Trace `{TRACE.trace_id}`: `web GET /buy` at 15:25:00 UTC took 400 ms; `basket` itself",
    ),
    ("which pods use most memory?", "**`basket-1-aaaaa` uses the most memory: 200 MiB, 39% of its limit**"),
    (
        "requests vs usage",
        "**`store` uses 50% of the 1.00 cores requested and 59% of the 512 MiB** (2 containers",
    ),
    ("how full are the nodes?", "**Of 2 nodes, 50% of the CPU and 12% of the memory are requested**: 2.00 cores and"),
    ("do we have room for 3 more replicas of web?", "**Yes: 3 more replicas of `web` fit; there is room for 4**"),
    ("do we have room for 5 more replicas of web?", "**No: of 5 more replicas of `web` only 4 fit**"),
    ("room for more replicas of web?", "**There is room for 4 more replicas of `web`**"),
    (
        "who is throttled?",
        "**1 container of `store` is throttled, `basket-1-aaaaa` the most, in 50% of its",
    ),
    ("which hpas are at max?", "**There is no autoscaler for `store`.**"),
    ("any quotas left?", "**`store` has no quota.**"),
    (
        "is basket ok?",
        "**`basket` in `store` is not well: 1 of 2 pods not ready (`CrashLoopBackOff`); 1 alert",
    ),
    ("is web ok?", "**`web` in `store` is not well: no pod runs; 20.0% of requests fail (2.00% an hour ago).**"),
    ("images used by basket", "**`basket` in `store` runs `registry.example/basket:1`.**"),
    ("list images", "**4 images in `store`.**"),
    ("which deployments use image baskte?", "**No image `baskte` is used in `store`.** Did you mean `basket`?"),
    ("pods on node-1", "**There are 4 pods on `node-1` in `store`.**"),
    ("pods on node-2", "**There are 0 pods on `node-2` in `store`.**"),
    ("which pods use image redis", "**There is 1 pod in `store`.**"),
    ("which pods restarted?", "**1 of 4 pods in `store` has restarted.**"),
    ("deployments with fewer ready than wanted", "**1 of 3 Deployments in `store` is not ready.**"),
    ("compare basket now with yesterday", "**`basket`, now against yesterday: nothing measured has changed beyond"),
    (
        "what is the latency of web",
        "**Latency, 95th percentile of `web` in `store`: 500 ms** (250 ms to 500 ms",
    ),
    ("what does CrashLoopBackOff mean?", "**CrashLoopBackOff: a container ends again and again, and the kubelet waits"),
    ("what is an ImagePulBackOff", "**I know nothing by that name.** Did you mean `ImagePullBackOff`?"),
    (
        "what does exit code 137 mean",
        "**Exit code 137: the program was killed (SIGKILL): out of memory",
    ),
    ("how do I drain a node?", "**With `kubectl drain NODE --ignore-daemonsets --delete-emptydir-data`.**"),
    (
        "how do I bake bread",
        "**I don't know.** There is no knowledge base configured, and none of my rules is about it.",
    ),
    ("drain node-2", "**Nothing was changed; this would move all pods off node-2 and keep new ones away.**"),
    ("scale web to 5", "**Nothing was changed; this would set web to 5 replicas (an autoscaler may set them again).**"),
    ("scale web", "**Nothing was changed.** To how many replicas? For example `scale web to 5`."),
    ("roll back basket to revision 3", "**Nothing was changed; this would put basket back to revision 3.**"),
    ("delete pod basket-1-aaaaa", "**Nothing was changed; this would delete the pod basket-1-aaaaa; its controller"),
    ("fix basket", "**Nothing was changed.** I only read"),
    ("silence the alert BasketErrors", "**Nothing was changed; this would mute BasketErrors for two hours.**"),
    ("events of basket", "**There is 1 event of `basket` in `store`.**"),
]


@pytest.mark.parametrize(("question", "first"), FIRST_LINES, ids=[row[0] for row in FIRST_LINES])
async def test_the_first_line_is_the_answer(question: str, first: str) -> None:
    answer = await answer_of(new_agent(), question)
    assert answer.text.startswith(first), answer.text[: len(first) + 80]


CHARTED = [
    ("slowest traces of checkout", TraceChart, 1),
    (f"trace {TRACE.trace_id}", TraceChart, 1),
    ("compare basket now with yesterday", MetricChart, 4),
]


@pytest.mark.parametrize(("question", "kind", "count"), CHARTED, ids=[row[0] for row in CHARTED])
async def test_what_can_be_drawn_is_drawn(question: str, kind: type, count: int) -> None:
    charts = [event.chart for event in await events_of(new_agent(), question) if isinstance(event, ChartReady)]
    assert [isinstance(chart, kind) for chart in charts] == [True] * count


LIVE = [
    row[0]
    for row in FIRST_LINES
    if not row[0].startswith(("what does", "what is an", "how do", "fix", "scale web", "silence"))
]


@pytest.mark.parametrize("question", [each for each in LIVE if "node-2" not in each and "delete pod" not in each])
async def test_an_answer_about_the_systems_cites_what_it_asked(question: str) -> None:
    answer = await answer_of(new_agent(), question)
    cited = [item for item in answer.evidence if f"[{item.id}]" in answer.text]
    assert cited


@pytest.mark.parametrize("question", LIVE)
async def test_with_everything_down_nothing_is_claimed(question: str) -> None:
    last = (await events_of(new_agent(DOWN), question))[-1]
    if isinstance(last, AnswerCompleted):
        assert "Nothing was changed" in last.text or "I see no" in last.text
    else:
        assert isinstance(last, TurnFailed)
        assert "does not answer" in last.message


async def test_one_system_down_is_said_beside_what_the_others_say() -> None:
    script = {**SCRIPT, "prometheus.list_alerts": ToolUnavailable("Prometheus does not answer.", "Start it.")}
    answer = await answer_of(new_agent(script), "is basket ok?")
    assert "- `prometheus.list_alerts`: Prometheus does not answer. Start it." in answer.text
    assert "alert" not in answer.text.splitlines()[0]


async def test_a_well_service_is_said_to_look_well_with_the_numbers() -> None:
    def calm(arguments: Mapping[str, Json]) -> SeriesResult:
        value = 0.0 if "5.." in str(arguments["query"]) else 0.1
        return SeriesResult(result_type="vector", series=(Series(labels={}, samples=((1.0, value),)),))

    script = {**SCRIPT, "prometheus.query_instant": calm, "prometheus.list_alerts": {"alerts": []}}
    answer = await answer_of(new_agent(script), "status in staging?")
    assert answer.text.startswith(
        "**`staging` looks well: 1 of 1 pod ready; 0.10/s requests; 0.00% of them fail; 95% answered within 100 ms; "
        "no alert is firing.**"
    )


async def test_without_the_metrics_api_prometheus_says_who_uses_most() -> None:
    script = {**SCRIPT, "kubernetes.get_resource_usage": ToolUnavailable("No metrics API.", "Install it.")}
    answer = await answer_of(new_agent(script), "which pods use most memory?")
    assert "- `kubernetes.get_resource_usage`: No metrics API. Install it." in answer.text


async def test_a_cut_search_of_traces_says_so() -> None:
    cut = SCRIPT["tempo.search_traces"].model_copy(update={"truncated": True})
    answer = await answer_of(new_agent({**SCRIPT, "tempo.search_traces": cut}), "show me a failed request")
    assert answer.text.startswith("**At least 3 failed requests")
    assert "Tempo was asked for 100 and has more." in answer.text


async def test_no_trace_is_said() -> None:
    script = {**SCRIPT, "tempo.search_traces": TraceList(traces=())}
    assert (await answer_of(new_agent(script), "slowest traces")).text.startswith("**I see no trace through `store`**")


async def test_room_leaves_out_nodes_that_take_no_pod() -> None:
    from jamie.jamie_cluster import CLUSTER, node

    taint: Json = [{"key": "gpu", "effect": "NoSchedule"}]
    nodes: list[dict[str, Json]] = [node("node-1"), node("node-2", unschedulable=True), node("node-3", taints=taint)]

    def listed(arguments: Mapping[str, Json]) -> ResourceList:
        return ResourceList(items=tuple(nodes)) if arguments["kind"] == "Node" else resources(arguments)

    answer = await answer_of(
        new_agent({**SCRIPT, "kubernetes.list_resources": listed}), "room for 2 more replicas of web?"
    )
    assert CLUSTER[""]["Node"]
    assert answer.text.startswith("**No: of 2 more replicas of `web` only 0 fit**")
    assert "| `node-2` | 2.00 cores | 4,096 MiB | 10 | cordoned |" in answer.text
    assert "| `node-3` | 2.00 cores | 4,096 MiB | 10 | `tainted gpu` |" in answer.text


async def test_comparing_says_which_log_patterns_are_new_and_which_are_gone() -> None:
    def logs(arguments: Mapping[str, Json]) -> LogResult:
        late = str(arguments["end"]) > "2026-11-24T12"
        template = SCRIPT["loki.query_logs"]({}).records[0]
        body = "basket is nil" if late else "cache warmed"
        return LogResult(records=tuple(template.model_copy(update={"body": body}) for _ in range(3)))

    answer = await answer_of(new_agent({**SCRIPT, "loki.query_logs": logs}), "compare basket now with yesterday")
    assert "**Log patterns only now**" in answer.text
    assert "Now: last 15 min to 2026-11-24 15:30 UTC in `store`." in answer.text
    assert "- 3 lines, error: `basket is <*>`" in answer.text
    assert "**Log patterns only yesterday**" in answer.text
    assert "`basket`: `registry.example/basket:2.3.1` (yesterday), `registry.example/basket:2.4.0` (now)" in answer.text


JUDGED: list[tuple[str, Signal, list[float], list[float], str]] = [
    ("same", TRAFFIC, [1.0] * 10, [1.0] * 10, ""),
    ("noise", TRAFFIC, [1.3, 0.8, 1.2, 0.9, 1.1, 1.4], [1.0, 1.3, 0.7, 1.2, 0.8, 1.1], ""),
    ("doubled", LATENCY, [0.2] * 10, [0.1] * 10, "↑ 100%"),
    ("halved", TRAFFIC, [1.0] * 10, [2.0] * 10, "↓ 50%"),
    ("below the floor", ERRORS, [0.004] * 10, [0.0] * 10, ""),
    ("from nothing", ERRORS, [0.35] * 10, [0.0] * 10, "↑"),
    ("thirty times", ERRORS, [0.3] * 10, [0.01] * 10, "↑ 30x"),
    ("too few samples", ERRORS, [0.35] * 3, [0.0] * 3, ""),
]


@pytest.mark.parametrize(
    ("signal", "here", "there", "said"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED]
)
def test_only_what_is_more_than_noise_has_changed(
    signal: Signal, here: list[float], there: list[float], said: str
) -> None:
    assert verdict_of(signal, here, there) == said


QUANTITIES = [
    ("100m", 0.1),
    ("2", 2.0),
    ("128Mi", 128 * 2**20),
    ("1k", 1000.0),
    ("1e3", 1000.0),
    ("x", 0.0),
    (None, 0.0),
]


@pytest.mark.parametrize(("text", "value"), QUANTITIES)
def test_quantities_are_read_as_kubernetes_writes_them(text: Any, value: float) -> None:
    assert quantity_or(text) == pytest.approx(value)


def knowing(*pages: Document) -> TwinMemory:
    memory = TwinMemory()
    memory.put(*pages)
    return memory


DRAIN = "Cordon it, then drain it.\n```sh\nkubectl drain NODE\n```\n<b>done</b>"
PAGES = knowing(
    document("knowledge", "Draining a node", DRAIN, at=NOW, source="kb/drain.md"),
    document("incident", "Payments fail on Mondays", "The settlement job locks the table.", at=NOW, source="inc-7"),
)


async def test_a_knowledge_base_answers_how_to_with_its_source() -> None:
    answer = await answer_of(new_agent(recall=PAGES), "how should we handle a settlement lock?")
    assert answer.text.startswith("**Payments fail on Mondays** (past incident, `inc-7`)")
    more = await answer_of(new_agent(recall=PAGES), "how do I drain a node?")
    assert "- Draining a node (`kb/drain.md`)" in more.text
    assert "- Taken back by: `kubectl uncordon NODE` (the pods stay where they went)" in more.text
    page = await answer_of(new_agent(recall=PAGES), "explain draining please")
    assert "```\nkubectl drain NODE\n```" in page.text
    assert "&lt;b>done" in page.text


async def test_a_knowledge_base_that_fails_is_said_and_the_rules_answer() -> None:
    class Broken:
        def search(self, text: str, kinds: object = (), limit: int = 5) -> tuple[Passage, ...]:
            raise ToolUnavailable("The memory is locked.", "Close the other one.")

    answer = await answer_of(new_agent(recall=Broken()), "what does OOMKilled mean?")
    assert answer.text.startswith("**OOMKilled: the kernel killed a container")
    assert "The knowledge base cannot be searched: The memory is locked." in answer.text


async def test_an_error_in_the_selection_is_what_this_error_means() -> None:
    refused = "Nobody listens on that port."
    pages = knowing(document("knowledge", "Connection refused", refused, at=NOW, source="kb/refused.md"))
    answer = await answer_of(
        new_agent(recall=pages),
        "explain this error",
        selection="15:00 ERROR dial tcp 10.0.0.5:5432: connection refused",
    )
    assert answer.text.startswith("**Connection refused** (`kb/refused.md`)")
