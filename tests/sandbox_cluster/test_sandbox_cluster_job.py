"""Jobs: how they end, how often they try, what is left."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sandbox_cluster.running import NAMESPACE, Bench, job

from autodevops.sandbox.cluster.controllers.job import Jobs
from autodevops.sandbox.cluster.controllers.job_parts import ranges
from autodevops.sandbox.cluster.store import Json, Key

GOOD, BAD = "shop/good:1", "shop/bad:1"
ENDS = {GOOD: (5.0, 0), BAD: (2.0, 3)}


def bench(until: float = 4000.0, **spec: Any) -> Bench:
    made = Bench()
    made.run(Jobs(made.store)).pods(ends=ENDS)
    made.store.create(job(**spec))
    made.until(until)
    return made


def born(made: Bench) -> list[float]:
    return [one.at for one in made.store.log if one.key.kind == "Pod" and one.type == "ADDED"]


DONE = ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
BEYOND = ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
LATE = ("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
INDEXED = {"completions": 4, "parallelism": 4, "completionMode": "Indexed"}
CASES: list[tuple[str, Json, Json, tuple[str, str, str]]] = [
    ("one pod", {}, {"succeeded": 1}, DONE),
    ("five, two at a time", {"completions": 5, "parallelism": 2}, {"succeeded": 5}, DONE),
    ("a work queue", {"completions": None, "parallelism": 3}, {"succeeded": 3}, DONE),
    ("indexed", INDEXED, {"succeeded": 4, "completedIndexes": "0-3"}, DONE),
    ("never succeeds", {"image": BAD, "backoffLimit": 2}, {"failed": 3}, BEYOND),
    ("takes too long", {"image": "shop/slow:1", "activeDeadlineSeconds": 60}, {"failed": 1}, LATE),
]


@pytest.mark.parametrize(("spec", "numbers", "end"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_job_ends_as_the_real_one(spec: Json, numbers: Json, end: tuple[str, str, str]) -> None:
    made = bench(**spec)
    status = made.get("Job", "load")["status"]
    found = {name: status[name] for name in ("active", "succeeded", "failed", "completedIndexes") if name in status}
    assert found == numbers
    assert made.condition("Job", "load", end[0]) == ("True", *end[1:])
    target = "SuccessCriteriaMet" if end[0] == "Complete" else "FailureTarget"
    assert made.condition("Job", "load", target) == ("True", *end[1:])
    assert ("completionTime" in status) == (end[0] == "Complete")
    assert made.events()[-1] == ("Job completed" if end[0] == "Complete" else end[2])


def test_parallelism_bounds_how_many_run() -> None:
    made = bench(completions=5, parallelism=2)
    active = [one.object["status"].get("active", 0) for one in made.store.log
              if one.key.kind == "Job" and "status" in one.object]  # fmt: skip
    assert max(active) == 2


def test_each_failure_doubles_the_wait_for_the_next_try() -> None:
    made = bench(image=BAD, backoffLimit=4)
    waits = [later - earlier for earlier, later in itertools.pairwise(born(made))]
    assert [round(wait / 10) for wait in waits] == [1, 2, 4, 8]


def test_a_suspended_job_runs_nothing_until_it_is_resumed() -> None:
    made = bench(10.0, suspend=True)
    assert made.names("Pod") == []
    assert made.condition("Job", "load", "Suspended") == ("True", "JobSuspended", "Job suspended")
    assert "startTime" not in made.get("Job", "load")["status"]
    made.edit("Job", "load", suspend=False)
    made.until(60.0)
    assert made.condition("Job", "load", "Suspended") == ("False", "JobResumed", "Job resumed")
    assert made.condition("Job", "load", "Complete")[0] == "True"


def test_a_job_goes_some_time_after_its_end() -> None:
    made = bench(60.0, ttlSecondsAfterFinished=100)
    assert made.names("Job") == ["load"]
    made.until(120.0)
    assert made.names("Job") == []


def test_a_failure_the_policy_names_ends_the_job_at_once() -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}}
    made = bench(60.0, image=BAD, podFailurePolicy={"rules": [rule]})
    name = made.names("Pod")[0]
    assert made.condition("Job", "load", "Failed") == (
        "True",
        "PodFailurePolicy",
        f"Container main for pod shop/{name} failed with exit code 3 matching FailJob rule at index 0",
    )


def test_a_deleted_pod_is_replaced_and_counts_as_failed() -> None:
    made = bench(3.0)
    made.store.delete(Key("Pod", NAMESPACE, made.names("Pod")[0]))
    made.until(100.0)
    status = made.get("Job", "load")["status"]
    assert (status["failed"], status["succeeded"]) == (1, 1)


def test_indexed_pods_know_their_index() -> None:
    made = bench(2.0, completions=2, parallelism=2, completionMode="Indexed")
    pods = [made.get("Pod", name) for name in made.names("Pod")]
    assert [pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] for pod in pods] == ["0", "1"]
    assert [pod["spec"]["hostname"] for pod in pods] == ["load-0", "load-1"]
    assert [pod["spec"]["containers"][0]["env"][0]["name"] for pod in pods] == ["JOB_COMPLETION_INDEX"] * 2


@pytest.mark.parametrize(
    ("indexes", "text"), [([0], "0"), ([0, 1], "0,1"), ([0, 1, 2, 5], "0-2,5"), ([7, 1, 3, 4, 5], "1,3-5,7")]
)
def test_indexes_are_written_as_ranges(indexes: list[int], text: str) -> None:
    assert ranges(indexes) == text
