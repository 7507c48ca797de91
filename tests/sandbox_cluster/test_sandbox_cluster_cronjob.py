"""CronJobs: when they fire, what they do about the one before, what they keep."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sandbox_cluster.running import NAMESPACE, Bench

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.controllers.cronjob import CronJobs
from autodevops.sandbox.cluster.controllers.job import Jobs
from autodevops.sandbox.cluster.controllers.schedules import parse_schedule
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

START = parse_rfc3339("2026-11-27T10:00:30Z")  # a Friday
MINUTE = 60.0


@pytest.mark.parametrize(
    ("schedule", "zone", "expected"),
    [
        ("*/15 * * * *", "", "2026-11-27T10:15:00Z"),
        ("0 9 * * 0", "", "2026-11-29T09:00:00Z"),  # 0 is Sunday
        ("0 9 * * MON-FRI", "", "2026-11-30T09:00:00Z"),
        ("30 3 * * *", "Europe/Berlin", "2026-11-28T02:30:00Z"),
        ("0 0 1,15 * *", "", "2026-12-01T00:00:00Z"),
        ("@hourly", "", "2026-11-27T11:00:00Z"),
        ("@weekly", "", "2026-11-29T00:00:00Z"),
        ("@every 1h30m", "", "2026-11-27T11:30:30Z"),
    ],
)
def test_schedules_are_due_as_cron_says(schedule: str, zone: str, expected: str) -> None:
    assert rfc3339(parse_schedule(schedule, zone).following(START)) == expected


@pytest.mark.parametrize("schedule", ["", "* * * *", "61 * * * *", "@fortnightly", "@every never", "* * * * * *"])
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_schedule(schedule, "")


def bench(
    minutes: float = 0.0,
    takes: float = 5.0,
    code: int = 0,
    surroundings: PlainSurroundings | None = None,
    **spec: Any,
) -> Bench:
    made = Bench(START, surroundings)
    made.run(CronJobs(made.store), Jobs(made.store)).pods(ends={"shop/report:1": (takes, code)})
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "shop/report:1"}]}
    template = {"spec": {"completions": 1, "parallelism": 1, "backoffLimit": 0, "template": {"spec": pod}}}
    full = {"schedule": "*/5 * * * *", "jobTemplate": template, **spec}
    meta = {"name": "report", "namespace": NAMESPACE}
    made.store.create({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": full})
    made.until(START + minutes * MINUTE)
    return made


def started(made: Bench) -> list[str]:
    return [rfc3339(one.at)[11:16] for one in made.store.log if one.key.kind == "Job" and one.type == "ADDED"]


def test_a_job_is_started_at_each_moment_due_and_three_good_ones_are_kept() -> None:
    made = bench(26.0)
    assert started(made) == ["10:05", "10:10", "10:15", "10:20", "10:25"]
    minute = int(parse_rfc3339("2026-11-27T10:25:00Z")) // 60
    assert made.names("Job") == [f"report-{minute - 10}", f"report-{minute - 5}", f"report-{minute}"]
    status = made.get("CronJob", "report")["status"]
    assert status["lastScheduleTime"] == "2026-11-27T10:25:00Z"
    assert status["lastSuccessfulTime"].startswith("2026-11-27T10:25:")
    assert "active" not in status
    assert made.events("SuccessfulCreate")[0] == f"Created job report-{minute - 20}"
    assert made.events("SawCompletedJob")[0] == f"Saw completed job: report-{minute - 20}, condition: Complete"
    notes = made.get("Job", f"report-{minute}")["metadata"]["annotations"]
    assert notes == {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-11-27T10:25:00Z"}


def test_one_failed_job_is_kept() -> None:
    made = bench(26.0, code=1)
    assert len(started(made)) == 5
    assert len(made.names("Job")) == 1
    assert made.events("SawCompletedJob")[0].endswith("condition: Failed")


@pytest.mark.parametrize(
    ("policy", "starts", "active"),
    [
        ("Allow", ["10:05", "10:10", "10:15"], 3),
        ("Forbid", ["10:05"], 1),
        ("Replace", ["10:05", "10:10", "10:15"], 1),
    ],
)
def test_what_happens_while_the_one_before_still_runs(policy: str, starts: list[str], active: int) -> None:
    made = bench(16.0, takes=3000.0, concurrencyPolicy=policy)
    assert started(made) == starts
    assert len(made.get("CronJob", "report")["status"]["active"]) == active
    assert bool(made.events("JobAlreadyActive")) == (policy == "Forbid")


def test_a_suspended_cronjob_starts_nothing_and_starts_the_last_missed_when_resumed() -> None:
    made = bench(12.0, suspend=True)
    assert started(made) == []
    made.edit("CronJob", "report", suspend=False)
    made.until(START + 13 * MINUTE)
    assert len(started(made)) == 1
    assert made.get("CronJob", "report")["status"]["lastScheduleTime"] == "2026-11-27T10:10:00Z"


@pytest.mark.parametrize(("deadline", "expected"), [(None, ["10:12", "10:15"]), (60, ["10:15"])])
def test_a_start_missed_while_the_manager_was_down_is_made_up_within_the_deadline(
    deadline: int | None, expected: list[str]
) -> None:
    away = [(START + MINUTE, False), (START + 12 * MINUTE, True)]
    spec = {} if deadline is None else {"startingDeadlineSeconds": deadline}
    made = bench(16.0, surroundings=PlainSurroundings(components={"kube-controller-manager": away}), **spec)
    assert started(made) == expected
    missed = ["Missed scheduled time to start a job: Fri, 27 Nov 2026 10:10:00 UTC"] if deadline else []
    assert made.events("MissSchedule") == missed


def test_a_cronjob_said_to_be_years_old_fires_only_from_now_on() -> None:
    made = bench()
    old = rfc3339(datetime.fromisoformat("2001-01-01T00:00:00+00:00").timestamp())
    made.store.edit(next(made.store.versions("CronJob"))[0], lambda one: one["metadata"].update(creationTimestamp=old))
    made.until(START + 6 * MINUTE)
    assert started(made) == ["10:05"]


def test_a_schedule_nobody_can_read_says_so() -> None:
    assert bench(6.0, schedule="often").events("UnparseableSchedule")[0].startswith('unparseable schedule: "often" : ')
    zone = bench(6.0, timeZone="Mars/Olympus").events("UnknownTimeZone")
    assert zone == ['invalid timeZone: "Mars/Olympus": unknown time zone Mars/Olympus']
