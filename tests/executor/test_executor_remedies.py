"""What the table proposes ends the incident, in the worlds where that is known; what does not is taken back.

Scenarios of the development half only. Time passes only when the executor waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from executor.actions_world import NOON, Place, place, tools_of

from autodevops.domain.action import ACTION, Action, PatchResources, RollbackWorkload
from autodevops.domain.base import Json
from autodevops.domain.change import Suspect
from autodevops.domain.hypothesis import Hypothesis, SuggestedAction
from autodevops.domain.operation import Operation, Proposal, Symptom
from autodevops.domain.remedy import Remedy
from autodevops.domain.subject import Subject
from autodevops.evaluation.suite import half_of
from autodevops.executor.catalogue import KINDS
from autodevops.executor.executor import Executor
from autodevops.executor.kinds import Errand
from autodevops.executor.remedies import RECIPES, remedies
from autodevops.executor.resizing import wider
from autodevops.investigation import rules
from autodevops.investigation.actions import _REMEDIES
from autodevops.sandbox.promql.parse import parse
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.testing import ScriptedTools
from autodevops.workbench import Workbench

ALL_ACT: dict[str, Any] = {band: dict.fromkeys(("low", "medium", "high"), "act") for band in ("high", "medium", "low")}


def executor_on(there: Place, tools: Tools, folder: Path) -> Executor:
    settings = ExecutorSettings(
        autonomy="act",
        matrix=ALL_ACT,
        stop_file=folder / "stop",
        poll_seconds=60,
        settle_seconds=900,
        verify_seconds=600,
        lease_seconds=600,
        cooldown_minutes=0,
        pods_away_percent=100,
    )
    return Executor(
        tools, MemoryLedger(), settings, actor="scarlet", clock=there.clock, sleep=there.wait, watches=False
    )


def proposal(action: Action, symptom: Symptom | None, reason: str) -> Proposal:
    return Proposal(action=action, asked_by="scarlet", by_person=False, confidence=0.99, reason=reason, symptom=symptom)


def ready_share(name: str) -> Symptom:
    query = (
        f'kube_deployment_status_replicas_ready{{deployment="{name}"}} / kube_deployment_spec_replicas{{deployment='
        f'"{name}"}}'
    )
    return Symptom(query=f"sum({query}) or vector(0)", better="higher", good=1)


def unavailable(name: str) -> Symptom:
    return Symptom(query=f'sum(kube_deployment_status_replicas_unavailable{{deployment="{name}"}})', good=0)


def slowness(name: str) -> Symptom:
    buckets = f'sum by (le) (rate(http_server_request_duration_seconds_bucket{{service="{name}"}}[2m]))'
    return Symptom(query=f"histogram_quantile(0.9, {buckets})")


def from_truth(there: Place) -> Hypothesis:
    """A hypothesis that says what is true; a rollback where the truth is mended by a rollback."""
    truth = there.sandbox.truth
    assert truth.subject is not None
    own = Subject(kind=truth.subject.kind, name=truth.subject.name, namespace=truth.subject.namespace)
    resolving = {one.action for one in truth.remediations if one.effect == "resolves"}
    actions: tuple[SuggestedAction, ...] = ()
    if "rollback" in resolving:
        number = newest_revision(there, own.name)
        actions = (SuggestedAction(kind="mitigation", summary="Roll it back.", before_revision=number),)
    return Hypothesis(
        reason=truth.reason, subject=own, confidence=0.9, summary="", supports=(), suggested_actions=actions
    )


def newest_revision(there: Place, deployment: str) -> int:
    there.specs()
    sets = there.sandbox.world.cluster.store.items("ReplicaSet", "shop")
    own = [one["metadata"] for one in sets if one["metadata"]["name"].startswith(f"{deployment}-")]
    return max(int(one["annotations"]["deployment.kubernetes.io/revision"]) for one in own)


@dataclass(frozen=True)
class Known:
    """`blamed`: the engine names the release that is to go; where it knows of none, the table's own recipe is tried."""

    scenario: str
    action: str
    symptom: Symptom | None
    blamed: bool = True


KNOWN = [
    Known("wrong-image-tag", "rollback_workload", unavailable("shipping")),
    Known("scaled-to-zero", "scale_workload", ready_share("payment")),
    Known("liveness-too-eager", "patch_probe", unavailable("payment"), blamed=False),
    Known("hpa-blind", "adjust_autoscaler", slowness("frontend")),
]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.scenario)
async def test_the_mapped_remedy_ends_the_incident(known: Known, tmp_path: Path) -> None:
    assert half_of(known.scenario) == "dev"
    with place(known.scenario, tmp_path) as there:
        hypothesis = from_truth(there)
        if not known.blamed:
            hypothesis = hypothesis.model_copy(update={"suggested_actions": ()})
        async with tools_of(there) as tools:
            offered = await remedies(tools, hypothesis)
            remedy = offered[-1]
            assert remedy.action.kind == known.action
            # without a name for the release, what ran well until lately is tried before the probe is given more time
            assert [one.action.kind for one in offered[:-1]] == ([] if known.blamed else ["rollback_workload"])
            done = await executor_on(there, tools, tmp_path).run(
                proposal(remedy.action, known.symptom, hypothesis.reason)
            )
            assert result_of(done) == "verified", explained(done)
            if isinstance(remedy.action, RollbackWorkload):
                await what_was_failing_is_no_way_back(there, tools, hypothesis)
        assert (remedy.reason, remedy.confidence) == (hypothesis.reason, hypothesis.confidence)
        resolving = [one for one in there.sandbox.truth.remediations if one.effect == "resolves"]
        if known.action in ("rollback_workload", "scale_workload"):
            assert {one.action for one in resolving} == {known.action.partition("_")[0]}
        for one in resolving:
            if one.action == "scale":
                assert getattr(remedy.action, "replicas", 0) == one.body["replicas"]


async def what_was_failing_is_no_way_back(there: Place, tools: Tools, hypothesis: Hypothesis) -> None:
    """After the rollback, were what it went back to blamed as well: what it replaced is not offered, and is refused."""
    bad = hypothesis.suggested_actions[0].before_revision
    newest = newest_revision(there, hypothesis.subject.name)
    assert newest > bad
    assert await remedies(tools, hypothesis) == ()  # the one that is blamed is gone already
    later = SuggestedAction(kind="mitigation", summary="", before_revision=newest)
    (other,) = await remedies(tools, hypothesis.model_copy(update={"suggested_actions": (later,)}))
    assert isinstance(other.action, RollbackWorkload)
    assert other.action.to_revision < bad
    action, kind = other.action.model_copy(update={"to_revision": bad}), KINDS["rollback_workload"]
    (no,) = kind.preconditions(action, await kind.survey(tools, action, there.clock()))
    assert "It is no way out." in no.words


async def test_an_investigation_is_mended_by_what_it_proposes_and_a_wrong_action_is_taken_back(tmp_path: Path) -> None:
    scenario = "bad-deploy-latency"
    assert half_of(scenario) == "dev"
    symptom = slowness("catalog")
    with place(scenario, tmp_path) as there:
        async with Workbench(there.settings, clock=there.clock, ledger=MemoryLedger()) as workbench:
            found = await workbench.investigate(namespace="shop")
        top = found.hypotheses[0]
        async with tools_of(there) as tools:
            await a_silence_is_made_once_and_ended(there, tools)
            executor = executor_on(there, tools, tmp_path)
            before = there.specs()
            wrong = ACTION.validate_python(
                {
                    "kind": "scale_workload",
                    "workload": "Deployment",
                    "namespace": "shop",
                    "name": "catalog",
                    "replicas": 6,
                }
            )
            undone = await executor.run(proposal(wrong, symptom, top.reason))
            assert result_of(undone) == "undone", explained(undone)
            assert there.specs() == before

            repository = there.sandbox.world.topology.repository
            proposed = await remedies(tools, top, (repository,))
            assert [one.action.kind for one in proposed][:1] == ["rollback_workload"]
            assert proposed[0].kind == "mitigation"
            mended = await executor.run(proposal(proposed[0].action, symptom, top.reason))
            assert result_of(mended) == "verified", explained(mended)


async def a_silence_is_made_once_and_ended(there: Place, tools: Tools) -> None:
    labels = {"service": "catalog", "namespace": "shop"}
    fields = {"alert": "HighLatencyP99", "labels": labels, "minutes": 30, "reason": "in hand"}
    action, kind = ACTION.validate_python({"kind": "silence_alert", **fields}), KINDS["silence_alert"]
    errand: Errand[Any] = Errand("op-1", NOON, action, await kind.survey(tools, action, NOON))
    assert kind.preconditions(action, errand.pre) == ()
    assert "HighLatencyP99 (" in (await kind.dry_run(tools, errand)).summary
    assert (await kind.look(tools, errand)).state == "not_applied"
    for _ in range(2):
        await kind.apply(tools, errand)
    silences: Any = (await tools.call("prometheus.list_silences", {})).data
    (made,) = silences["silences"]
    assert sorted(made["matchers"]) == ['alertname="HighLatencyP99"', 'namespace="shop"', 'service="catalog"']
    assert (await kind.look(tools, errand)).state == "settled"
    for _ in range(2):
        await kind.undo(tools, errand)
    assert (await kind.look_undone(tools, errand)).state == "settled"
    silences = (await tools.call("prometheus.list_silences", {})).data
    assert silences["silences"] == []


def test_every_cause_in_the_table_is_one_that_the_engine_names() -> None:
    sources = "".join(path.read_text() for path in Path(rules.__path__[0]).glob("*.py"))
    assert {reason for reason in RECIPES if f'"{reason}"' not in sources} == {"BadRollout"}  # no rule's: weighing's
    assert {reason for reason in RECIPES if reason not in _REMEDIES} <= {
        "BadRollout",
        "HPAAtMaximum",
        "ScaledToZero",
        "ScaledDown",
        "ConsumersScaledDown",
        "KubeProxyDown",
        "HPABlind",
        "ConsumerLagging",
    }


@pytest.mark.parametrize(
    ("has", "had", "replicas"), [(0, 12, 12), (1, 3, 3), (1, 9, 4), (3, 9, 9), (5, 5, None)], ids=str
)
async def test_what_was_scaled_down_gets_back_what_it_had_as_far_as_one_step_goes(
    has: int, had: int, replicas: int | None
) -> None:
    own = Subject(kind="Deployment", name="web", namespace="shop", api_version="apps/v1")
    item: Json = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": has}}
    tools = ScriptedTools(
        {
            "kubernetes.get_resource": {"resource": item},
            "prometheus.query_instant": {"series": [{"labels": {}, "samples": [[0, had]]}]},
        }
    )
    offered = await remedies(
        tools, Hypothesis(reason="ScaledDown", subject=own, confidence=0.9, summary="", supports=())
    )
    assert [getattr(one.action, "replicas", None) for one in offered] == ([replicas] if replicas else [])


def _revision_of_web(number: int, ready: int, template: Json) -> dict[str, Any]:
    return {
        "revision": number,
        "created_at": NOON.isoformat(),
        "owner": f"web-{number}",
        "images": {},
        "replicas": 1,
        "ready_replicas": ready,
        "template": template,
    }


@pytest.mark.parametrize(("what", "offered"), [("image", []), ("env", ["rollback_workload"])])
async def test_what_ran_comes_back_only_where_what_is_wrong_came_with_the_newest(what: str, offered: list[str]) -> None:
    def revision(number: int, value: str, ready: int) -> dict[str, Any]:
        template: Json = {"spec": {"containers": [{"name": "app", "image": "app:1", what: value}]}}
        return _revision_of_web(number, ready, template)

    history: dict[str, Any] = {
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web",
        "revisions": [revision(2, "app:2", 0), revision(1, "app:1", 1)],
    }
    tools = ScriptedTools({"kubernetes.get_rollout_history": history})
    subject = Subject(kind="Deployment", name="web", namespace="shop")
    missing = Hypothesis(reason="SecretMissing", subject=subject, confidence=0.9, summary="", supports=())
    assert [one.action.kind for one in await remedies(tools, missing)] == offered


async def test_a_template_is_known_again_whatever_its_number_and_its_carrier() -> None:
    """`kubectl rollout undo` gives what it brings back the next number, and whoever carries it adds a label."""

    def revision(number: int, image: str, ready: int) -> dict[str, Any]:
        labels: Json = {"app": "web", "pod-template-hash": f"hash-{number}"}
        template: Json = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
        return _revision_of_web(number, ready, template)

    async def offered(bad: int, *revisions: dict[str, Any]) -> Remedy:
        history = {"kind": "Deployment", "namespace": "shop", "name": "web", "revisions": list(revisions)}
        tools = ScriptedTools({"kubernetes.get_rollout_history": history})
        worse = SuggestedAction(kind="mitigation", summary="", before_revision=bad)
        subject = Subject(kind="Deployment", name="web", namespace="shop")
        found = await remedies(
            tools,
            Hypothesis(
                reason="BadRollout",
                subject=subject,
                confidence=0.9,
                summary="",
                supports=(),
                suggested_actions=(worse,),
            ),
        )
        return found[0]

    before = await offered(2, revision(2, "app:2", 0), revision(1, "app:1", 1))
    again = await offered(4, revision(4, "app:2", 0), revision(3, "app:1", 1))
    older = await offered(4, revision(4, "app:2", 0), revision(3, "app:0", 1))
    tried = Proposal(action=before.action, asked_by="scarlet", by_person=False, template=before.template)
    assert before.action != again.action
    assert (tried.is_as(before), tried.is_as(again), tried.is_as(older)) == (True, True, False)


async def test_what_no_action_mends_stays_words(tmp_path: Path) -> None:
    """No reading is needed to know that: tools that cannot be reached are not asked."""
    subject = Subject(kind="StatefulSet", name="orders-db", namespace="shop")
    for reason in ("SlowDatabase", "DatabaseReadOnly", "NodeNetworkLoss", "ConnectionPoolExhausted", "DiskPressure"):
        hypothesis = Hypothesis(reason=reason, subject=subject, confidence=0.9, summary="", supports=())
        assert await remedies(NoTools(), hypothesis) == ()


@pytest.mark.parametrize(("told", "offered"), [(0.6, ["open_revert_pull"]), (0.0, [])])
async def test_a_commit_is_proposed_to_be_reverted_only_where_its_diff_tells_of_what_fails(
    told: float, offered: list[str]
) -> None:
    subject = Subject(kind="StatefulSet", name="orders-db", namespace="shop")
    suspect = Suspect(
        kind="commit", subject=subject, at=NOON, title="faster", commit="3f2a9c1d00", why="does", score=0.9, told=told
    )
    hypothesis = Hypothesis(
        reason="SlowDatabase", subject=subject, confidence=0.9, summary="It is slow.", supports=(), suspects=(suspect,)
    )
    assert [one.action.kind for one in await remedies(NoTools(), hypothesis, ("acme/shop",))] == offered


@pytest.mark.parametrize(("wanted", "most"), [(4, 6), (3, None)])
def test_an_autoscaler_gets_a_higher_maximum_only_when_it_is_at_it(wanted: int, most: int | None) -> None:
    metadata = {"namespace": "shop", "name": "frontend"}
    action = wider({"metadata": metadata, "spec": {"maxReplicas": 4}, "status": {"desiredReplicas": wanted}})
    assert (action.max_replicas if action else None) == most


async def test_a_limit_is_sized_by_what_was_measured_whatever_the_workload_is_called() -> None:
    containers = [{"name": "app", "resources": {"limits": {"cpu": "100m"}}}]
    item = {"metadata": {}, "spec": {"template": {"spec": {"containers": containers}}}}

    def measured(arguments: Mapping[str, Json]) -> Json:
        parse(str(arguments["query"]))
        return {"series": [{"samples": [[0, 0.2]]}]}

    tools = ScriptedTools({"kubernetes.get_resource": {"resource": item}, "prometheus.query_instant": measured})
    subject = Subject(kind="Deployment", name="ad-service", namespace="shop")
    throttled = Hypothesis(reason="CPUThrottled", subject=subject, confidence=0.9, summary="", supports=())
    (remedy,) = await remedies(tools, throttled)
    assert isinstance(remedy.action, PatchResources)
    assert remedy.action.cpu_limit == "250m"


@pytest.mark.parametrize("reason", ["TrafficSurge", "HPAAtMaximum"])
@pytest.mark.parametrize(
    ("short", "helped"),
    [
        (("catalog",), "scale_workload Deployment shop/catalog"),
        (("web", "catalog"), "scale_workload Deployment shop/catalog"),
        (("web",), "adjust_autoscaler HorizontalPodAutoscaler shop/web"),
        ((), ""),
    ],
    ids=["behind the entry", "both", "the entry", "nobody"],
)
async def test_more_traffic_gets_more_pods_where_they_are_short_and_nowhere_else(
    short: tuple[str, ...], helped: str, reason: str
) -> None:
    scaler: dict[str, Any] = {
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"maxReplicas": 4, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
        "status": {"desiredReplicas": 4},
    }

    def held_back(arguments: Mapping[str, Json]) -> Json:
        query = str(arguments["query"])
        parse(query)
        share = 0.9 if any(f"`{name}-" in query for name in short) else 0.1
        return {"series": [{"samples": [[0, share]]}]}

    def named(arguments: Mapping[str, Json]) -> Json:
        workload: dict[str, Any] = {"metadata": {}, "spec": {"replicas": 2}}
        return {"resource": scaler if arguments["kind"] == "HorizontalPodAutoscaler" else workload}

    tools = ScriptedTools(
        {
            "prometheus.query_instant": held_back,
            "kubernetes.list_resources": {"items": [scaler]},
            "kubernetes.get_resource": named,
        }
    )
    web, catalog = (Subject(kind="Deployment", name=name, namespace="shop") for name in ("web", "catalog"))
    kind = "HorizontalPodAutoscaler" if reason == "HPAAtMaximum" else "Deployment"
    entry = Subject(kind=kind, name="web", namespace="shop")
    surge = Hypothesis(reason=reason, subject=entry, confidence=0.9, summary="", supports=(), suffering=(catalog, web))
    offered = [f"{one.action.kind} {one.action.subject}" for one in await remedies(tools, surge)]
    assert offered == [helped] * bool(helped)


def listed(items: Mapping[str, list[Any]], edited: str = "") -> ScriptedTools:
    """What a namespace has by kind; its ConfigMaps, all called settings, were edited last at `edited`."""

    def answer(arguments: Mapping[str, Json]) -> Json:
        if "fields" in arguments:
            rows: list[Json] = [["settings", [{"manager": "kubectl-edit", "time": edited}]]]
            return {"columns": arguments["fields"], "rows": rows}
        return {"items": items.get(str(arguments["kind"]), [])}

    def named(arguments: Mapping[str, Json]) -> Json:
        return {"resource": items[str(arguments["kind"])][0]}

    return ScriptedTools({"kubernetes.list_resources": answer, "kubernetes.get_resource": named})


@pytest.mark.parametrize(
    ("began", "offered"),
    [(("11:50", "11:51"), ["restart_workload"]), (("11:50", "11:53"), []), (("11:50", ""), []), ((), [])],
    ids=["all began before the edit", "one began after it and fails as well", "one does not run", "none is there"],
)
async def test_pods_that_run_with_settings_of_before_are_restarted(began: tuple[str, ...], offered: list[str]) -> None:
    own, labels = Subject(kind="Deployment", name="web", namespace="shop"), {"app": "web"}
    spec = {"volumes": [{"name": "settings", "configMap": {"name": "settings"}}], "containers": []}
    web = {"spec": {"selector": {"matchLabels": labels}, "template": {"spec": spec}}}
    pods = [
        {
            "metadata": {"labels": labels},
            "status": {
                "containerStatuses": [{"state": {"running": {"startedAt": f"2026-03-09T{at}:00Z"}} if at else {}}]
            },
        }
        for at in began
    ]
    tools = listed({"Deployment": [web], "Pod": pods}, edited="2026-03-09T11:52:00Z")
    restarted = Hypothesis(reason="BadRollout", subject=own, confidence=0.9, summary="", supports=())
    assert [one.action.kind for one in await remedies(tools, restarted)] == offered


@pytest.mark.parametrize(
    ("full", "ended", "running", "cleaned"),
    [
        ("10", {"scan": 8, "export": 2}, 0, "scan"),
        ("10", {"scan": 3, "export": 3}, 4, ""),
        ("20", {"scan": 8, "export": 2}, 0, ""),
        (None, {"scan": 8, "export": 2}, 0, ""),
    ],
    ids=["the most that ended", "all that ended are kept", "room is left", "another quota is full"],
)
async def test_ended_jobs_go_where_they_fill_the_quota_of_jobs(
    full: str | None, ended: dict[str, int], running: int, cleaned: str
) -> None:
    def job(owner: str, state: str) -> Any:
        owners = [{"kind": "CronJob", "name": owner, "controller": True}]
        condition = {"type": state, "status": "True", "lastTransitionTime": "2026-03-09T11:00:00Z"}
        return {"metadata": {"ownerReferences": owners}, "status": {"conditions": [condition]}}

    jobs = [job(name, "Complete") for name, count in ended.items() for _ in range(count)]
    jobs += [job("scan", "Suspended") for _ in range(running)]
    count = {"count/jobs.batch": full} if full else {"pods": "5"}
    quota = {"status": {"hard": count, "used": {**count, **({"count/jobs.batch": "10"} if full else {})}}}
    own = Subject(kind="Namespace", name="campus")
    refused = Hypothesis(reason="ObjectQuotaExceeded", subject=own, confidence=0.9, summary="", supports=())
    found = await remedies(listed({"ResourceQuota": [quota], "Job": jobs}), refused)
    assert [getattr(one.action, "cron_job", "") for one in found] == [cleaned] * bool(cleaned)


@pytest.mark.parametrize(
    ("of", "policy", "offered"),
    [("geo-b", "OrderedReady", ["geo-2"]), ("geo-a", "OrderedReady", []), ("geo-b", "Parallel", [])],
    ids=["a pod of the bad revision", "a pod that starts", "nothing waits"],
)
async def test_a_pod_that_somebody_elses_rollback_waits_for_is_deleted(
    of: str, policy: str, offered: list[str]
) -> None:
    """Revision 2 was blamed; revision 3 is what ran before it, made before it."""

    def revision(number: int, hour: int) -> dict[str, Any]:
        made = {"revision": number, "created_at": f"2026-03-09T{hour}:00:00Z", "owner": f"geo-{number}", "images": {}}
        return {**made, "template": {}}

    geo: dict[str, Any] = {
        "kind": "StatefulSet",
        "metadata": {"name": "geo", "namespace": "shop", "uid": "1"},
        "spec": {"podManagementPolicy": policy},
        "status": {"updateRevision": "geo-a"},
    }
    owners = [{"kind": "StatefulSet", "uid": "1", "controller": True}]
    labels = {"controller-revision-hash": of}
    pod = {"metadata": {"name": "geo-2", "uid": "2", "labels": labels, "ownerReferences": owners}}
    history = {
        "kind": "StatefulSet",
        "namespace": "shop",
        "name": "geo",
        "revisions": [revision(3, 10), revision(2, 11)],
    }
    tools = ScriptedTools(
        {
            "kubernetes.get_resource": {"resource": geo},
            "kubernetes.list_resources": {"items": [pod]},
            "kubernetes.get_rollout_history": history,
        }
    )
    blamed = SuggestedAction(kind="mitigation", summary="", before_revision=2)
    own = Subject(kind="StatefulSet", name="geo", namespace="shop")
    crashes = Hypothesis(
        reason="BadRollout", subject=own, confidence=0.9, summary="", supports=(), suggested_actions=(blamed,)
    )
    found = await remedies(tools, crashes)
    assert [(one.action.kind, one.action.subject.name) for one in found] == [("delete_pod", name) for name in offered]


@pytest.mark.parametrize(("kind", "offered"), [("Deployment", ["scale_workload"]), ("StatefulSet", [])])
async def test_who_takes_from_a_queue_gets_more_pods_and_the_broker_none(kind: str, offered: list[str]) -> None:
    tools = listed({kind: [{"metadata": {}, "spec": {"replicas": 2}}]})
    subject = Subject(kind=kind, name="receipts", namespace="shop")
    behind = Hypothesis(reason="QueueBacklog", subject=subject, confidence=0.9, summary="", supports=())
    assert [one.action.kind for one in await remedies(tools, behind)] == offered


class NoTools:
    async def list_tools(self, server: str = "") -> Any:
        raise AssertionError("nothing is to be asked")

    async def call(self, tool: str, arguments: Any) -> Any:
        raise AssertionError(f"{tool} is not to be asked")


def result_of(operation: Operation) -> str:
    return operation.outcome.result if operation.outcome else operation.stage


def explained(operation: Operation) -> str:
    return f"{operation.outcome} {operation.decision} at {NOON}"
