"""Which change is suspected, and when none is: `changes.yaml`; and edits of objects that leave no rollout."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from investigation.investigation_world import END, minutes

from autodevops.domain.change import Change
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.logs import LogRecord
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Commit, FileChange, Revision, RolloutHistory
from autodevops.domain.trace import Span, Trace
from autodevops.domain.window import TimeWindow
from autodevops.investigation import request
from autodevops.investigation.actions import suggest
from autodevops.investigation.claims import contradicts, supports
from autodevops.investigation.graph import CallGraph, Edge
from autodevops.investigation.inventory import Inventory, build
from autodevops.investigation.picture import (
    Dependency,
    LastWords,
    ObjectEdit,
    Picture,
    Rollout,
    SeenLog,
    SeenTrace,
    Signal,
    SignalKind,
)
from autodevops.investigation.rollouts import from_history, template_differences
from autodevops.investigation.rules import config_changed, rollout_near_onset
from autodevops.investigation.suspects import Inquiry, inquire
from autodevops.investigation.weigh import weigh

_CASES = yaml.safe_load((Path(__file__).parent / "changes.yaml").read_text())
_ONSET = END - minutes(20)
_EVIDENCE = EvidenceId("ev")


def _subject(name: str, kind: str = "Deployment") -> Subject:
    version = "apps/v1" if kind == "Deployment" else "v1"
    return Subject(kind=kind, name=name, namespace="shop", api_version=version)


def _picture(case: dict[str, Any], **more: Any) -> Picture:
    names = ("orders", "checkout", "search")
    inventory = build("shop", {"Deployment": [{"metadata": {"name": name}} for name in names]}, known=True)
    lines = [*case.get("logs", [])]
    if "repeated" in case:
        service, count, text = case["repeated"]
        lines += [[service, number / 10, text] for number in range(count)]
    return Picture(
        span=request.Span.of(TimeWindow.ending(END, timedelta(hours=2))),
        inventory=inventory,
        rollouts=tuple(sorted((_rolled(one) for one in case.get("rollouts", [])), key=lambda r: r.change.at)),
        commits=tuple(
            sorted(
                ((_commit(sha, *one), _EVIDENCE) for sha, one in case.get("commits", {}).items()),
                key=lambda pair: pair[0].at,
            )
        ),
        notices=_logs(lines),
        logs=_logs(case.get("read", [])),
        error_traces=tuple(_trace(*one) for one in case.get("spans", [])),
        signals=(*_series("request_rate", case.get("traffic")), *_series("error_ratio", case.get("errors"))),
        graph=CallGraph.of(Edge(_subject(a), _subject(b), "calls", _EVIDENCE) for a, b in case.get("calls", [])),
        **more,
    )


def _logs(lines: list[Any]) -> tuple[SeenLog, ...]:
    return tuple(
        SeenLog(_subject(name), LogRecord(timestamp=_ONSET + minutes(at), body=body), _EVIDENCE)
        for name, at, body in lines
    )


def _rollout(name: str, at: float, sha: object, *, before: str = "", beside: str = "") -> Rollout:
    """A release, or only an edit of the template, as `beside` says, where the commit is the one `before`."""
    change = Change(kind="rollout", subject=_subject(name), at=_ONSET + minutes(at), summary=f"{name} was rolled out")
    images = () if before == sha else (("a:1", "a:2"),)
    differences = (*(f"image {old} -> {new}" for old, new in images), *filter(None, [beside]))
    return Rollout(change, number=1, images=images, differences=differences, commit=str(sha), previous_commit=before)


def _rolled(one: list[Any]) -> Rollout:
    return _rollout(*one[:3], **(one[3] if len(one) > 3 else {}))


def _commit(sha: str, at: float, message: str, files: dict[str, str]) -> Commit:
    changed = tuple(FileChange(path=path, status="modified", patch=patch) for path, patch in files.items())
    moment = _ONSET + minutes(at)
    return Commit(repository="acme/shop", sha=sha, message=message, author="a", at=moment, url="", files=changed)


def _trace(name: str, at: float, operation: str, attributes: dict[str, Any]) -> SeenTrace:
    span = Span(
        span_id="1",
        service=name,
        name=operation,
        kind="client",
        start=_ONSET + minutes(at),
        duration_ms=5.0,
        status="error",
        attributes=attributes,
    )
    return SeenTrace(Trace(trace_id="t", spans=(span,)), _EVIDENCE)


def _series(kind: SignalKind, rates: list[float] | dict[str, list[float]] | None) -> tuple[Signal, ...]:
    """Its level before and since the onset, of `orders` or of each that is named."""
    times = np.arange((_ONSET - minutes(60)).timestamp(), END.timestamp(), 30.0)
    named = rates if isinstance(rates, dict) else {"orders": rates} if rates else {}
    return tuple(
        Signal(_subject(name), kind, times, np.where(times < _ONSET.timestamp(), *levels), {}, _EVIDENCE)
        for name, levels in named.items()
    )


def _inquire(case: dict[str, Any]) -> Inquiry:
    return inquire(_subject("orders"), _ONSET, _picture(case))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["case"])
def test_the_change_that_accounts_for_it_is_suspected_or_none(case: dict[str, Any]) -> None:
    found = _inquire(case)
    assert [suspect.commit for suspect in found.suspects] == ([case["suspect"]] if case["suspect"] else [])
    assert case.get("other", "") in found.other
    assert bool(found.other) == ("other" in case)
    assert bool(found.harmless) == case.get("harmless", False)
    assert all(suspect.evidence and suspect.why for suspect in found.suspects)


def test_renaming_services_changes_no_suspicion() -> None:
    case = _CASES[0]
    text = yaml.safe_dump(case).replace("orders", "zebra").replace("order_lines", "zebra_lines")
    renamed = yaml.safe_load(text)
    picture = _picture({**renamed, "rollouts": []})
    inventory = build("shop", {"Deployment": [{"metadata": {"name": "zebra"}}]}, known=True)
    rollouts = tuple(sorted((_rollout(*one) for one in renamed["rollouts"]), key=lambda r: r.change.at))
    found = inquire(_subject("zebra"), _ONSET, picture.having(inventory=inventory, rollouts=rollouts))
    assert [suspect.commit for suspect in found.suspects] == [case["suspect"]]


def _case(name: str) -> dict[str, Any]:
    return next(case for case in _CASES if case["case"] == name)


def _rollback_belief(case: dict[str, Any], picture: Picture | None = None) -> float:
    found = list(rollout_near_onset.RULE.check(picture or _picture(case), (_failing(),)))
    return max((finding.confidence for finding in found), default=0.0)


def test_a_commit_named_by_time_and_words_makes_a_rollback_no_surer() -> None:
    """Who acts on a release asks the comparison of diff and failure alone; the likeliest commit is for people."""
    case = _case("two commits of one release, of which one speaks of what fails")
    (suspect,) = _inquire(case).suspects
    assert suspect.told == 0.0
    assert suspect.score >= 0.5
    silent = _picture({**case, "logs": [], "errors": [0.001, 0.001]})
    assert not inquire(_subject("orders"), _ONSET, silent).suspects
    assert _rollback_belief(case) == _rollback_belief(case, silent)


def test_a_commit_whose_diff_tells_of_it_is_told_apart() -> None:
    case = _case("the culprit was deployed hours before, an innocent release just before")
    found = _inquire(case)
    (suspect,) = found.suspects
    assert found.told == (suspect.subject, suspect.at, suspect.told)
    assert suspect.told >= 0.45


def test_a_commit_that_only_is_the_likeliest_is_said_to_be_that() -> None:
    case = _case("two commits of one release, of which one speaks of what fails")
    picture = _picture(case)
    (finding,) = rollout_near_onset.RULE.check(picture, (_failing(),))
    (candidate,) = [one for one in weigh(picture, (_failing(), finding)) if one.subject == _subject("orders")]
    text = supports(candidate, picture, (candidate,), _inquire(case))[0].text
    assert "is the likeliest to be behind it" in text
    assert "ribbon" in text
    assert "went live 2 min before it began" in text


def test_what_a_release_is_blamed_for_is_not_said_to_come_of_no_change() -> None:
    """A release may have brought the wrong address that systems speak of."""
    case = _case("two commits of one release, of which one speaks of what fails")
    picture = _picture(case)
    (finding,) = rollout_near_onset.RULE.check(picture, (_failing(),))
    (blamed,) = [one for one in weigh(picture, (_failing(), finding)) if one.subject == _subject("orders")]
    assert blamed.rollout is not None
    found = Inquiry(other="the network is down", evidence=(_EVIDENCE,))
    for candidate, said in ((blamed, False), (dataclasses.replace(blamed, rollout=None, change=None), True)):
        texts = [claim.text for claim in supports(candidate, picture, (candidate,), found)]
        assert ("No change explains it: the network is down." in texts) == said


@pytest.mark.parametrize(("minutes_before", "named"), [(1, False), (55, True)])
def test_an_edit_of_what_it_reads_competes_with_a_commit_that_nothing_but_time_speaks_for(
    minutes_before: float, named: bool
) -> None:
    case = {**_case("errors came with a release of one commit, whose diff does not say how")}
    edges = [Edge(_subject("orders"), _subject("orders-config", "ConfigMap"), "reads", _EVIDENCE)]
    edit = _edit("orders-config", -minutes_before)
    picture = _picture({**case, "rollouts": [["orders", -60, "eeeeeee1"], ["orders", -5, "bbbbbbb2"]]}, edits=(edit,))
    found = inquire(_subject("orders"), _ONSET, picture.having(graph=CallGraph.of(edges)))
    assert bool(found.suspects) is named


def test_errors_of_callers_tell_of_what_nobody_measures() -> None:
    case = _case("errors came with a release of one commit, whose diff does not say how")
    called = {**case, "calls": [["checkout", "orders"]]}
    by_callers = {**called, "errors": {"checkout": [0.001, 0.3]}}
    assert _inquire(by_callers).suspects
    assert not _inquire({**called, "errors": {"search": [0.001, 0.3]}}).suspects


@pytest.mark.parametrize(("system", "outside"), [("http", True), ("", True), ("postgresql", False)])
def test_commits_of_who_asks_a_host_outside_are_not_blamed_for_it_unless_it_is_a_database(
    system: str, outside: bool
) -> None:
    case = _case("errors came with a release of one commit, whose diff does not say how")
    host = _subject("rates.bank.example", "Service")
    edge = Edge(_subject("orders"), host, "calls", _EVIDENCE)
    callers = {**case, "errors": {"orders": [0.001, 0.3]}}
    picture = _picture(callers, dependencies=(Dependency(host, system),)).having(graph=CallGraph.of([edge]))
    found = inquire(host, _ONSET, picture)
    assert bool(found.suspects) is not outside
    assert (host.name in found.other) is outside


@pytest.mark.parametrize("lives", [True, False])
def test_a_container_that_ended_is_as_good_as_errors_and_one_that_lives_is_not(lives: bool) -> None:
    case = {**_case("errors came with a release of one commit, whose diff does not say how"), "errors": None}
    words = LastWords(_subject("orders"), "orders-1", "app", ("bye",), _EVIDENCE, lives=lives)
    assert bool(inquire(_subject("orders"), _ONSET, _picture(case, last_words=(words,))).suspects) is not lives


# --- edits of objects ---


def _edit(name: str, at: float, kind: str = "ConfigMap") -> ObjectEdit:
    return ObjectEdit(_subject(name, kind), _ONSET + minutes(at), "kubectl-edit", False, False, _EVIDENCE)


def _failing() -> Finding:
    return Finding(
        rule_id="MET001",
        reason="ErrorRateIncreased",
        subject=_subject("orders"),
        severity="error",
        message="orders fails",
        confidence=0.9,
        evidence=(_EVIDENCE,),
        onset=_ONSET,
    )


@pytest.mark.parametrize(
    ("edit", "how", "rollouts", "blamed"),
    [
        (_edit("orders-config", -1), "reads", [], True),
        (_edit("orders-policy", -1, "NetworkPolicy"), "is filtered by", [], True),
        (_edit("orders-config", -25), "reads", [["orders", -1, ""]], True),  # taken by a restart
        (_edit("orders-config", -25), "reads", [], False),
        (_edit("orders-config", 5), "reads", [], False),
        (_edit("orders-config", -1), "lives in", [], False),
        (_edit("search-config", -1), "", [], False),
    ],
)
def test_an_edit_of_what_it_reads_just_before_its_trouble_is_a_candidate(
    edit: ObjectEdit, how: str, rollouts: list[Any], blamed: bool
) -> None:
    edges = [Edge(_subject("orders"), edit.subject, how, _EVIDENCE)] if how else []
    picture = _picture({"rollouts": rollouts}, edits=(edit,)).having(graph=CallGraph.of(edges))
    found = list(config_changed.RULE.check(picture, (_failing(),)))
    assert [finding.subject for finding in found] == ([edit.subject] if blamed else [])


def test_an_edit_is_not_blamed_beside_what_accounts_for_it() -> None:
    case = next(case for case in _CASES if case.get("other") == "failed over")
    edit = _edit("orders-config", -1)
    edges = [Edge(_subject("orders"), edit.subject, "reads", _EVIDENCE)]
    picture = _picture(case, edits=(edit,)).having(graph=CallGraph.of(edges))
    assert not list(config_changed.RULE.check(picture, (_failing(),)))


@pytest.mark.parametrize(
    ("said", "kind", "held", "blamed"),
    [
        ("lookup paymints on 10.96.0.10:53: no such host", "ConfigMap", "http://paymints:8080/v1", True),
        ("lookup paymints.shop.svc.cluster.local: no such host", "ConfigMap", "http://paymints.shop:8080", True),
        ("getaddrinfo ENOTFOUND api.strpe.com", "ConfigMap", "https://api.strpe.com", True),
        ('password authentication failed for user "shopp"', "ConfigMap", "shopp", True),
        ('password authentication failed for user "shop"', "Secret", "", True),
        ("lookup paymints on 10.96.0.10:53: no such host", "ConfigMap", "http://payment:8080", False),
        ("lookup paymints on 10.96.0.10:53: no such host", "ConfigMap", "http://old-paymints:8080", False),
        ("lookup payment on 10.96.0.10:53: no such host", "ConfigMap", "http://payment:8080", False),  # it is right
        ("lookup paymints on 10.96.0.10:53: no such host", "Secret", "", True),  # it may hold the name
        (
            "lookup paymints on 10.96.0.10:53: no such host",
            "Secret",
            "http://paymints:8080",
            False,
        ),  # the ConfigMap does
        ("lookup payment on 10.96.0.10:53: no such host", "Secret", "", False),  # it is right
        ("write /data/a: no space left on device", "Secret", "", False),
        ('password authentication failed for user "shop"', "ConfigMap", "fast", False),
        ("write /data/a: no space left on device", "ConfigMap", "/data/a", False),
    ],
)
def test_what_an_edit_makes_does_not_clear_it(said: str, kind: str, held: str, blamed: bool) -> None:
    edit = _edit("orders-config", -1, kind)
    container = {"name": "app", "envFrom": [{"configMapRef": {"name": "orders-config"}}]}
    deployment = {"metadata": {"name": "orders"}, "spec": {"template": {"spec": {"containers": [container]}}}}
    config = {"metadata": {"name": "orders-config"}, "data": {"SETTING": held}}
    listed: dict[str, Any] = {
        "Deployment": [deployment],
        "ConfigMap": [config],
        "Service": [{"metadata": {"name": "payment"}}],
    }
    picture = _picture({"logs": [["orders", 1, f"ERROR {said}"]]}, edits=(edit,)).having(
        graph=CallGraph.of([Edge(_subject("orders"), edit.subject, "reads", _EVIDENCE)]),
        inventory=build("shop", listed, known=True),
    )
    assert inquire(_subject("orders"), _ONSET, picture).other
    assert bool(list(config_changed.RULE.check(picture, (_failing(),)))) == blamed


# --- rollouts that only bring settings ---


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"RELEASE": "2.1.0"}, {"RELEASE": "2.2.0"}, ()),
        ({"OTEL_RESOURCE_ATTRIBUTES": "team=a,service.version=2.1.0"},
         {"OTEL_RESOURCE_ATTRIBUTES": "team=a,service.version=2.2.0"}, ()),
        ({"RELEASE": "2.1.0"}, {"RELEASE": "2.3.0"}, ("environment of app: RELEASE",)),
        ({"RELEASE": "2.1.0"}, {}, ("environment of app: RELEASE",)),
        ({}, {"RELEASE": "2.2.0"}, ("environment of app: RELEASE",)),
        ({"POOL": "20"}, {"POOL": "5"}, ("environment of app: POOL",)),
    ],
)  # fmt: skip
def test_a_variable_that_repeats_the_release_is_no_difference_of_its_own(
    before: dict[str, str], after: dict[str, str], told: tuple[str, ...]
) -> None:
    found = template_differences(_template({}, before, "hub:5000/a:2.1.0"), _template({}, after, "hub:5000/a:2.2.0"))
    assert found == ("image hub:5000/a:2.1.0 -> hub:5000/a:2.2.0", *told)


def _template(annotations: dict[str, str], env: dict[str, str], image: str = "a:1") -> dict[str, Any]:
    variables = [{"name": name, "value": value} for name, value in env.items()]
    return {
        "metadata": {"annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": image, "env": variables}]},
    }


@pytest.mark.parametrize(
    ("annotations", "env", "image", "told", "config_only"),
    [
        ({"checksum/config": "b"}, {}, "a:1", "hash of its settings (checksum/config)", True),
        ({"checksum/secret": "b"}, {}, "a:1", "hash of its settings (checksum/secret)", True),
        ({"app.example/config-hash": "b"}, {}, "a:1", "hash of its settings (app.example/config-hash)", True),
        (
            {"reloader.stakater.com/last-reloaded-from": "{}"}, {}, "a:1",
            "hash of its settings (reloader.stakater.com/last-reloaded-from)", True,
        ),
        ({}, {"STAKATER_ORDERS_CONFIG_CONFIGMAP": "b"}, "a:1", "(STAKATER_ORDERS_CONFIG_CONFIGMAP)", True),
        ({"checksum/config": "b"}, {}, "a:2", "image a:1 -> a:2; hash of its settings (checksum/config)", False),
        ({}, {"POOL": "5"}, "a:1", "environment of app: POOL", False),
        ({"kubectl.kubernetes.io/restartedAt": "2026-03-09T11:00:00Z"}, {}, "a:1", "was restarted", False),
        ({"prometheus.io/path": "/m"}, {}, "a:1", "was rolled out", False),
    ],
)  # fmt: skip
def test_a_rollout_for_the_hash_of_its_settings_says_so(
    annotations: dict[str, str], env: dict[str, str], image: str, told: str, config_only: bool
) -> None:
    old, new = _template({}, {}), _template(annotations, env, image)
    made = [
        Revision(revision=number, created_at=_ONSET + minutes(number - 3), images={}, template=template, owner="")
        for number, template in enumerate([old, new], 1)
    ]
    history = RolloutHistory(kind="StatefulSet", namespace="shop", name="orders", revisions=tuple(made))
    (rollout,) = from_history(
        history, _subject("orders"), request.Span.of(TimeWindow.ending(END, timedelta(hours=2))).whole, _EVIDENCE
    )
    assert told in rollout.change.summary
    assert rollout.config_only == config_only


@pytest.mark.parametrize(
    ("said", "beside", "blamed"),
    [
        ("lookup paymints on 10.96.0.10:53: no such host error.type=502", "environment of app: PAYMENT_URL", True),
        ("password authentication failed for user shop", "envFrom of app", True),
        ("lookup paymints on 10.96.0.10:53: no such host error.type=502", "", False),
        ("POST https://rest.carrier-api.com/v2/labels returned 503", "environment of app: PAYMENT_URL", False),
        ("write /data/a: no space left on device", "environment of app: PAYMENT_URL", False),
    ],
)
def test_what_a_wrong_setting_makes_does_not_clear_a_rollout_that_changed_settings(
    said: str, beside: str, blamed: bool
) -> None:
    rollout = {"before": "aaaaaaa1", "beside": beside} if beside else {}
    case = {"rollouts": [["orders", -1, "aaaaaaa1", rollout]], "logs": [["orders", 1, f"ERROR {said}"]]}
    found = list(rollout_near_onset.RULE.check(_picture(case), (_failing(),)))
    assert bool(found) == blamed
    assert all(0.3 < one.confidence < 0.7 for one in found)


def _with_pod(began: float) -> Inventory:
    """`orders` with a pod whose container runs since so many minutes after the onset."""
    owned = {"kind": "Deployment", "name": "orders", "controller": True}
    running = {"running": {"startedAt": (_ONSET + minutes(began)).isoformat()}}
    return build(
        "shop",
        {
            "Deployment": [{"metadata": {"name": "orders"}}],
            "ReplicaSet": [{"metadata": {"name": "orders-1", "ownerReferences": [owned]}}],
            "Pod": [
                {
                    "metadata": {
                        "name": "orders-1-a",
                        "ownerReferences": [{"kind": "ReplicaSet", "name": "orders-1", "controller": True}],
                    },
                    "status": {"containerStatuses": [{"name": "app", "state": running}]},
                }
            ],
        },
        known=True,
    )


@pytest.mark.parametrize(
    ("restarted", "began", "edited", "blamed"),
    [
        (-1, -1, 0.5, "restart"),  # put right when the pods had taken what was there before
        (-1, 0.7, 0.5, "edit"),  # a pod has taken it
        (-1, -1, -0.5, "edit"),  # before the trouble: a program may read its files again
        (-40, -40, 0.5, "edit"),  # the restart brought nothing
    ],
)
def test_an_edit_that_no_pod_has_taken_when_trouble_began_with_a_restart_is_not_blamed(
    restarted: float, began: float, edited: float, blamed: str
) -> None:
    edit, rollout = _edit("orders-config", edited), _rollout("orders", restarted, "")
    rollout = dataclasses.replace(rollout, images=(), restart_only=True)
    edges = [Edge(_subject("orders"), edit.subject, "reads", _EVIDENCE)]
    picture = _picture({}, edits=(edit,)).having(
        graph=CallGraph.of(edges), rollouts=(rollout,), inventory=_with_pod(began)
    )
    edits = [one.confidence for one in config_changed.RULE.check(picture, (_failing(),))]
    restarts = [one.confidence for one in rollout_near_onset.RULE.check(picture, (_failing(),))]
    assert bool(edits) == (blamed == "edit")
    assert all(one < 0.5 for one in restarts) == (blamed == "edit")


@pytest.mark.parametrize("edited", [True, False])
def test_a_rollout_for_an_edit_leaves_the_blame_to_the_edit_where_that_is_seen(edited: bool) -> None:
    edit = _edit("orders-config", -2)
    rollout = dataclasses.replace(_rollout("orders", -1, ""), images=(), config_only=True)
    edges = [Edge(_subject("orders"), edit.subject, "reads", _EVIDENCE)]
    picture = _picture({}, edits=(edit,) if edited else ()).having(graph=CallGraph.of(edges), rollouts=(rollout,))
    (found,) = rollout_near_onset.RULE.check(picture, (_failing(),))
    assert (found.confidence < 0.2) == edited
    blamed = [one.subject for one in config_changed.RULE.check(picture, (_failing(),))]
    assert blamed == ([edit.subject] if edited else [])


@pytest.mark.parametrize(
    ("touched", "others", "blamed"),
    [
        ({"image"}, (), False),
        ({"image", "tolerations"}, (), True),
        (None, (), True),
        ({"image"}, (("K8S007", "ReplicasUnavailable"),), False),
        ({"image"}, (("K8S001", "CrashLoopBackOff"),), True),
    ],
    ids=[
        "a new image",
        "other tolerations",
        "not known what",
        "pods are missing for it",
        "the program crashes besides",
    ],
)
def test_a_rollout_is_to_be_taken_back_only_for_what_can_come_of_it(
    touched: set[str] | None, others: tuple[tuple[str, str], ...], blamed: bool
) -> None:
    rollout = dataclasses.replace(
        _rolled(["orders", -1, "a1"]), touched=None if touched is None else frozenset(touched)
    )
    picture = dataclasses.replace(_picture({}), rollouts=(rollout,))
    named = [("K8S016", "UntoleratedTaint"), *others]
    found = tuple(_failing().model_copy(update={"rule_id": rule, "reason": reason}) for rule, reason in named)
    (candidate,) = weigh(picture, (*found, *rollout_near_onset.RULE.check(picture, found)))
    assert candidate.reason == "UntoleratedTaint"
    assert any(action.before_revision for action in suggest(candidate)) == blamed
    against = [claim.text for claim in contradicts(candidate, picture, Inquiry())]
    assert [text for text in against if "would not help" in text] == against
    assert len(against) == (not blamed)


def test_a_restart_is_never_taken_back_for_it_brought_the_same_template() -> None:
    rollout = dataclasses.replace(_rolled(["orders", -1, ""]), restart_only=True, images=())
    picture = dataclasses.replace(_picture({}), rollouts=(rollout,))
    found = (_failing().model_copy(update={"rule_id": "K8S001", "reason": "CrashLoopBackOff"}),)
    (candidate,) = weigh(picture, (*found, *rollout_near_onset.RULE.check(picture, found)))
    assert not any(action.before_revision for action in suggest(candidate))
