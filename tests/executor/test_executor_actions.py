"""Each kind of action: planned and tried without a trace, done once however often it is sent, verified, and undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from executor.actions_world import NOON, Place, place, tools_of

from autodevops.domain.action import ACTION, Action
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.subject import Subject
from autodevops.executor.catalogue import KINDS
from autodevops.executor.kinds import AnyKind, Errand, Progress
from autodevops.executor.reading import read_object, still_there
from autodevops.executor.remedies import remedies
from autodevops.executor.stuck_pods import replace
from autodevops.kernel.errors import ToolRejected
from autodevops.toolbox.protocol import Tools


def of(name: str, workload: str = "Deployment") -> dict[str, Any]:
    return {"workload": workload, "namespace": "shop", "name": name}


EMAIL = {**of("email"), "container": "email"}


@dataclass(frozen=True)
class Case:
    """An action on the healthy shop, and the objects whose wishes it changes."""

    kind: str
    fields: dict[str, Any]
    touches: tuple[str, ...]

    @property
    def action(self) -> Action:
        return ACTION.validate_python({"kind": self.kind, **self.fields})


UNDONE = [
    Case("rollback_workload", {**of("catalog"), "to_revision": 1}, ("Deployment/catalog",)),
    Case("scale_workload", {**of("recommendation"), "replicas": 4}, ("Deployment/recommendation",)),
    Case("scale_workload", {**of("redis", "StatefulSet"), "replicas": 2}, ("StatefulSet/redis",)),
    Case("patch_resources", {**EMAIL, "memory_limit": "512Mi", "cpu_limit": "1000m"}, ("Deployment/email",)),
    Case("patch_probe", {**EMAIL, "probe": "liveness", "timeout_seconds": 7}, ("Deployment/email",)),
    Case("patch_image", {**EMAIL, "image": "registry.example/shop/email:0.17.2"}, ("Deployment/email",)),
    Case("patch_env", {**EMAIL, "variable": "OTEL_SERVICE_NAME", "value": "mail"}, ("Deployment/email",)),
    Case(
        "adjust_autoscaler",
        {"namespace": "shop", "name": "frontend", "max_replicas": 8},
        ("HorizontalPodAutoscaler/frontend",),
    ),
    Case("cordon_node", {"name": "node-4"}, ("Node/node-4",)),
    Case("drain_node", {"name": "node-4"}, ("Node/node-4",)),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place("healthy", tmp_path_factory.mktemp("healthy")) as there:
        yield there


async def planned(tools: Tools, action: Action, number: str = "op-1") -> tuple[AnyKind, Errand[Any]]:
    kind = KINDS[action.kind]
    errand: Errand[Any] = Errand(number, NOON, action, await kind.survey(tools, action, NOON))
    return kind, errand


async def until_settled(there: Place, look: Any, tools: Tools, errand: Errand[Any]) -> Progress:
    for _ in range(60):
        progress: Progress = await look(tools, errand)
        if progress.state != "applied":
            return progress
        await there.wait(5)
    raise AssertionError(f"after five minutes: {progress.words}")


@pytest.mark.parametrize("case", UNDONE, ids=lambda case: f"{case.kind}-{case.fields['name']}")
async def test_an_action_is_tried_done_once_verified_and_undone(shop: Place, case: Case) -> None:
    async with tools_of(shop) as tools:
        before = shop.specs()
        kind, errand = await planned(tools, case.action, f"op-{case.kind}-{case.fields['name']}")
        assert kind.preconditions(case.action, errand.pre) == ()
        tried = await kind.dry_run(tools, errand)
        again = await kind.dry_run(tools, errand)
        assert tried.edits == again.edits
        assert tried.edits
        assert shop.specs() == before, "a dry run left a trace"
        assert (await kind.look(tools, errand)).state == "not_applied"

        await kind.apply(tools, errand)
        done = shop.specs()
        assert {name for name in done if done[name] != before.get(name)} == set(case.touches)
        await kind.apply(tools, errand)
        assert shop.specs() == done, "the second time it was done again"
        assert (await until_settled(shop, kind.look, tools, errand)).state == "settled"
        assert {check.judgement for check in await kind.verify(tools, errand)} == {"good"}
        if case.kind == "drain_node":
            for state in errand.pre.workloads:
                now = await still_there(tools, state.subject)
                assert now is not None
                assert now.ready >= state.ready, f"{state.subject} has not got its pods back"
        assert (await kind.look_undone(tools, errand)).state == "not_applied"

        await kind.undo(tools, errand)
        assert shop.specs() == before
        await kind.undo(tools, errand)
        assert shop.specs() == before
        assert (await until_settled(shop, kind.look_undone, tools, errand)).state == "settled"
        assert kind.undo_words


async def test_the_one_node_that_was_forgotten_is_offered_and_a_machine_asks(shop: Place) -> None:
    subject = Subject(kind="Deployment", name="cart", namespace="shop")
    waiting = Hypothesis(reason="NodesCordoned", subject=subject, confidence=0.9, summary="", supports=())
    async with tools_of(shop) as tools:
        assert await remedies(tools, waiting) == ()
        cordon, errand = await planned(tools, ACTION.validate_python({"kind": "cordon_node", "name": "node-1"}))
        await cordon.apply(tools, errand)
        (remedy,) = await remedies(tools, waiting)
        assert remedy.action == ACTION.validate_python({"kind": "uncordon_node", "name": "node-1"})
        kind, back = await planned(tools, remedy.action)
        assert kind.doubts(back.pre) == ("Who cordoned it, and why, is not known.",)
        await cordon.undo(tools, errand)


@pytest.mark.parametrize(("bounds", "risk"), [({"min_replicas": 4}, "low"), ({"max_replicas": 8}, "medium")])
async def test_more_than_people_allowed_is_riskier_than_all_that_they_allowed(
    shop: Place, bounds: dict[str, int], risk: str
) -> None:
    action = ACTION.validate_python({"kind": "adjust_autoscaler", "namespace": "shop", "name": "frontend", **bounds})
    async with tools_of(shop) as tools:
        kind, errand = await planned(tools, action)
        assert kind.risk_of(errand.pre) == risk


PODS = [("delete_pod", "cart"), ("evict_pod", "shipping")]


@pytest.mark.parametrize(("kind", "workload"), PODS)
async def test_a_pod_is_taken_away_once_and_another_takes_its_place(shop: Place, kind: str, workload: str) -> None:
    async with tools_of(shop) as tools:
        action = ACTION.validate_python({"kind": kind, "namespace": "shop", "name": shop.pod_of(workload)})
        doer, errand = await planned(tools, action)
        assert doer.preconditions(action, errand.pre) == ()
        assert doer.blast(action, errand.pre).evicts
        await doer.dry_run(tools, errand)
        assert (await doer.look(tools, errand)).state == "not_applied"
        await doer.apply(tools, errand)
        assert (await doer.look(tools, errand)).state == "applied"
        await doer.apply(tools, errand)
        assert (await until_settled(shop, doer.look, tools, errand)).state == "settled"
        assert {check.judgement for check in await doer.verify(tools, errand)} == {"good"}
        assert doer.undo_words == ""


async def test_only_old_jobs_of_the_named_owner_go(shop: Place) -> None:
    await shop.wait(3600)
    async with tools_of(shop) as tools:
        fields = {"namespace": "shop", "cron_job": "catalog-reindex", "ended_before_minutes": 5}
        action = ACTION.validate_python({"kind": "clean_jobs", **fields})
        kind = KINDS["clean_jobs"]
        now = shop.clock()
        errand: Errand[Any] = Errand("op-1", now, action, await kind.survey(tools, action, now))
        assert kind.preconditions(action, errand.pre) == ()
        before = shop.jobs()
        tried = await kind.dry_run(tools, errand)
        assert shop.jobs() == before
        await kind.apply(tools, errand)
        await kind.apply(tools, errand)
        gone = before - shop.jobs()
        assert {f"jobs[{name}]" for name in gone} == {edit.path for edit in tried.edits}
        assert all(name.startswith("catalog-reindex-") for name in gone)
        assert (await kind.look(tools, errand)).state == "settled"
        assert {check.judgement for check in await kind.verify(tools, errand)} == {"good"}
        kind, second = await planned(tools, action)
        assert "Nothing is to be done." in [no.next_step for no in kind.preconditions(action, second.pre)]


NOTES = [
    ("open_issue", {"title": "cart: pool exhausted", "body": "Seen.", "labels": ["incident"]}),
    ("annotate_incident", {"text": "Rolled back at noon."}),
    ("open_revert_pull", {"reason": "Slow since."}),
    ("open_document_pull", {"path": "postmortems/inc-1.md", "title": "Postmortem 1", "text": "# Postmortem\n"}),
]


@pytest.mark.parametrize(("kind", "fields"), NOTES, ids=[name for name, _ in NOTES])
async def test_what_is_written_to_github_is_there_once_and_taken_back(
    shop: Place, kind: str, fields: dict[str, Any]
) -> None:
    async with tools_of(shop) as tools:
        repository = shop.sandbox.world.topology.repository
        more: dict[str, Any] = {"repository": repository}
        if kind == "annotate_incident":
            issue: Any = (await tools.call("github.create_issue", {"repository": repository, "title": "INC"})).data
            more["number"] = issue["issue"]["number"]
        if kind == "open_revert_pull":
            commits: Any = (await tools.call("github.list_commits", {"repository": repository, "limit": 1})).data
            more["sha"] = commits["commits"][0]["sha"]
        action = ACTION.validate_python({"kind": kind, **fields, **more})
        doer, errand = await planned(tools, action)
        assert doer.preconditions(action, errand.pre) == ()
        assert (await doer.dry_run(tools, errand)).edits
        assert (await doer.look(tools, errand)).state == "not_applied"
        first = await doer.apply(tools, errand)
        second = await doer.apply(tools, errand)
        assert first.data == second.data
        assert first.summary.startswith("Written")
        assert second.summary.startswith("It was written already")
        assert {check.judgement for check in await doer.verify(tools, errand)} == {"good"}
        await doer.undo(tools, errand)
        await doer.undo(tools, errand)
        assert (await doer.look_undone(tools, errand)).state == "settled"


@dataclass(frozen=True)
class No:
    kind: str
    fields: dict[str, Any]
    says: str


REFUSED = [
    No("rollback_workload", {**of("catalog"), "to_revision": 99}, "no revision 99 any more"),
    No("rollback_workload", {**of("inventory"), "to_revision": 3}, "runs the template of revision 3"),
    No("scale_workload", {**of("frontend"), "replicas": 5}, "HorizontalPodAutoscaler frontend decides"),
    No("scale_workload", {**of("cart"), "replicas": 40}, "more than 4 times"),
    No("scale_workload", {**of("cart"), "replicas": 2}, "is so already"),
    No("patch_resources", {**EMAIL, "memory_limit": "4Gi"}, "more than 4 times the 256Mi"),
    No("patch_resources", {**EMAIL, "memory_limit": "128Mi", "memory_request": "256Mi"}, "is above the limit"),
    No("patch_resources", {**EMAIL}, "no value is given"),
    No("patch_resources", {**EMAIL, "cpu_limit": "500m"}, "is so already"),
    No("patch_resources", {**EMAIL, "container": "mail", "cpu_limit": "1"}, "has no container mail"),
    No("patch_probe", {**EMAIL, "probe": "startup", "period_seconds": 9}, "has no startup probe"),
    No("patch_probe", {**EMAIL, "probe": "liveness", "period_seconds": 600}, "until a dead email is noticed"),
    No("patch_image", {**EMAIL, "image": "registry.example/other/program:1"}, "another repository"),
    No("patch_image", {**EMAIL, "image": "registry.example/shop/email:latest"}, "which version"),
    No("patch_env", {**EMAIL, "variable": "ABSENT", "value": "x"}, "no variable ABSENT with a plain value"),
    No("patch_env", {**of("payment"), "container": "payment", "variable": "PROVIDER_KEY", "value": "x"}, "plain value"),
    No("adjust_autoscaler", {"namespace": "shop", "name": "frontend", "min_replicas": 9}, "cannot be"),
    No("adjust_autoscaler", {"namespace": "shop", "name": "frontend", "max_replicas": 60}, "more than 2 times"),
    No("uncordon_node", {"name": "node-1"}, "takes pods already"),
    No("silence_alert", {"alert": "Nobody", "labels": {"a": "b"}, "minutes": 5, "reason": "x"}, "fires now"),
    No("delete_pod", {"namespace": "shop", "name": "JOB"}, "would make Pod"),
]


@pytest.mark.parametrize("no", REFUSED, ids=lambda no: f"{no.kind}: {no.says}")
async def test_what_makes_no_sense_is_refused_in_words(shop: Place, no: No) -> None:
    fields = {**no.fields}
    if fields.get("name") == "JOB":
        fields["name"] = shop.pod_of("catalog-reindex")
    action = ACTION.validate_python({"kind": no.kind, **fields})
    async with tools_of(shop) as tools:
        kind, errand = await planned(tools, action)
    refusals = kind.preconditions(action, errand.pre)
    assert no.says in " ".join(one.words for one in refusals)
    assert all(one.next_step for one in refusals)


async def test_a_rollback_by_one_revision_ends_the_rollout_it_takes_back_and_a_longer_one_another(shop: Place) -> None:
    found = []
    async with tools_of(shop) as tools:
        for revision in (2, 1):
            action = ACTION.validate_python({"kind": "rollback_workload", **of("inventory"), "to_revision": revision})
            kind, errand = await planned(tools, action)
            found.append(kind.ends_another(errand.pre))
    assert found == [False, True]


@pytest.mark.parametrize("kind", ["rollback_workload", "patch_image"])
async def test_a_stateful_set_that_waits_for_a_pod_that_never_starts_is_brought_back(shop: Place, kind: str) -> None:
    """Its controller replaces no pod before that one is ready: Kubernetes' documentation, "Forced rollback"."""
    redis = of("redis", "StatefulSet")
    async with tools_of(shop) as tools:
        subject = Subject(kind="StatefulSet", name="redis", namespace="shop", api_version="apps/v1")
        image = str((await read_object(tools, subject))["spec"]["template"]["spec"]["containers"][0]["image"])
        history: Any = (await tools.call("kubernetes.get_rollout_history", _named(redis))).data
        was = max(one["revision"] for one in history["revisions"])
        absent = {"name": "redis", "image": f"{image.rpartition(':')[0]}:0.0.0"}
        typo: Any = {"spec": {"template": {"spec": {"containers": [absent]}}}}
        await tools.call("kubernetes.patch_resource", {**_named(redis), "patch": typo, "dry_run": False})
        await shop.wait(120)
        fields = {
            "rollback_workload": {"to_revision": was},
            "patch_image": {"container": "redis", "image": image},
        }
        made, errand = await planned(tools, ACTION.validate_python({"kind": kind, **redis, **fields[kind]}), kind)
        assert made.preconditions(errand.action, errand.pre) == ()
        if kind == "rollback_workload":
            assert "redis-0 would be deleted" in (await made.dry_run(tools, errand)).summary
        await made.apply(tools, errand)
        await made.apply(tools, errand)
        assert await way_made(shop, tools, made, errand) == {"redis-0"}
        assert await way_made(shop, tools, made, errand) == set(), "the pod that starts was deleted again"
        assert (await until_settled(shop, made.look, tools, errand)).state == "settled"


async def test_the_way_back_of_a_stateful_set_waits_for_no_pod_that_never_starts_either(shop: Place) -> None:
    redis = of("redis", "StatefulSet")
    async with tools_of(shop) as tools:
        fields = {**redis, "container": "redis", "image": "registry.example/shop/redis:0.0.0"}
        kind, errand = await planned(tools, ACTION.validate_python({"kind": "patch_image", **fields}), "op-spoilt")
        await kind.apply(tools, errand)
        await shop.wait(120)
        assert (await kind.look(tools, errand)).state == "applied"
        assert await way_made(shop, tools, kind, errand) == set(), "a pod was deleted that no plan tells of"
        await kind.undo(tools, errand)
        assert await way_made(shop, tools, kind, errand, undone=True) == {"redis-0"}
        assert (await until_settled(shop, kind.look_undone, tools, errand)).state == "settled"


async def test_a_pod_that_got_ready_or_is_another_by_now_is_not_deleted(shop: Place) -> None:
    async with tools_of(shop) as tools:
        pod = await read_object(tools, Subject(kind="Pod", name="redis-0", namespace="shop", api_version="v1"))
        assert await replace(tools, "shop", {"redis-0": str(pod["metadata"]["uid"])}) == ""
        assert await replace(tools, "shop", {"redis-0": "another", "redis-7": "gone"}) == ""


async def way_made(there: Place, tools: Tools, kind: AnyKind, errand: Errand[Any], *, undone: bool = False) -> set[str]:
    """Who went, as soon as the controller has seen the template."""
    while (found := await kind.obstacles(tools, errand, undone=undone)) is None:
        await there.wait(1)
    words = await kind.clear(tools, errand, found)
    assert all(name in words for name in found)
    return set(found)


def _named(workload: dict[str, Any]) -> dict[str, Any]:
    return {"kind": workload["workload"], "name": workload["name"], "namespace": workload["namespace"]}


CONTESTED = [Case("rollback_workload", {**of("fulfilment"), "to_revision": 1}, ()), *UNDONE[1:4]]


@pytest.mark.parametrize("case", CONTESTED, ids=lambda case: f"{case.kind}-{case.fields['name']}")
async def test_what_others_changed_meanwhile_is_never_overwritten(shop: Place, case: Case) -> None:
    name = case.fields["name"]
    resource = {"kind": case.fields["workload"], "name": name, "namespace": "shop"}
    mark: dict[str, Any] = {
        "spec": {"template": {"metadata": {"annotations": {"somebody": "else"}}}},
        **({"spec": {"replicas": 3}} if case.kind == "scale_workload" else {}),
    }
    async with tools_of(shop) as tools:
        kind, errand = await planned(tools, case.action, "op-late")
        foreign: Any = (
            await tools.call("kubernetes.patch_resource", {**resource, "patch": mark, "dry_run": False})
        ).data
        theirs = shop.specs()
        with pytest.raises(ToolRejected):
            await kind.apply(tools, errand)
        assert shop.specs() == theirs
        assert (await kind.look(tools, errand)).state == "not_applied"
        await tools.call(f"kubernetes.{foreign['undo']['tool']}", foreign["undo"]["arguments"])

        kind, errand = await planned(tools, case.action, "op-undo")
        await kind.apply(tools, errand)
        over = {**mark, "spec": {**mark["spec"], "replicas": 5}} if case.kind == "scale_workload" else None
        if over is not None:
            await tools.call("kubernetes.patch_resource", {**resource, "patch": over, "dry_run": False})
            with pytest.raises(ToolRejected, match="somebody else"):
                await kind.undo(tools, errand)
            assert (await kind.look(tools, errand)).state == "lost"
            await tools.call(
                "kubernetes.scale_workload", {**resource, "replicas": case.fields["replicas"], "dry_run": False}
            )
        await kind.undo(tools, errand)
        await until_settled(shop, kind.look_undone, tools, errand)
