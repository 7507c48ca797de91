"""Schedule files: what they mean, and what is said about broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodevops.kernel.errors import UsageError
from autodevops.scarlet.schedules.schedule import load_schedules


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("runbook: [", ["is not valid YAML", "line"]),
        ("- a", ["not a table"]),
        ("", ["not a table"]),
        ("cron: '* * * * *'", ["field runbook", "required"]),
        ("runbook: x", ["exactly one of cron, interval and event"]),
        ("{runbook: x, cron: '* * * * *', interval: 5m}", ["exactly one of cron, interval and event"]),
        ("{runbook: x, event: {}}", ["exactly one of alert, deploy and webhook"]),
        ("{runbook: x, event: {alert: {a: b}, webhook: c}}", ["exactly one of alert, deploy and webhook"]),
        ("{runbook: x, event: {deploy: {workload: b}}}", ["deploy needs a namespace"]),
        ("{runbook: x, event: {deploy: {pod: b}}}", ["event.deploy.pod"]),
        ("{runbook: x, event: {alert: {severity: '('}}}", ["'(' is not a regular expression"]),
        ("{runbook: x, event: {webhook: ../up}}", ["'../up' is not a name"]),
        ("{runbook: x, interval: 5m, misfire: perhaps}", ["misfire"]),
        ("{runbook: x, interval: 5m, misfire: {max: 0, within: 1h}}", ["misfire"]),
        ("{runbook: x, interval: 5m, jitter: soon}", ["field jitter", "90s"]),
        ("{runbook: x, interval: 5m, at_most_every: 5m}", ["at_most_every is for events"]),
        ("{runbook: x, interval: 5m, blackouts: [{start: '22:00'}]}", ["start and end, or neither"]),
        ("{runbook: x, interval: 5m, blackouts: [{start: '22:00', end: 2026-12-24}]}", ["both times or both dates"]),
        ("{runbook: x, interval: 5m, blackouts: [{start: 2026-12-24, end: 2026-12-23}]}", ["before it starts"]),
        ("{runbook: x, interval: 5m, blackouts: [{start: '25:00', end: '26:00'}]}", ["'25:00' is not a time"]),
        ("{runbook: x, interval: 5m, blackouts: [{days: [funday]}]}", ["blackouts.0.days.0"]),
        ("{runbook: x, interval: 5m, matrix: {a: []}}", ["matrix: a has no values"]),
        ("{runbook: x, interval: 5m, matrix: {a: [1]}, parameters: {a: 2}}", ["in parameters and in matrix"]),
        ("{runbook: x, interval: 5m, tell: {failures: [a]}}", ["tell.failures"]),
        ("{runbook: x, cron: '* * * *'}", ["has 4 fields"]),
        ("{runbook: x, cron: '99 * * * *'}", ["'99 * * * *'", "bad minute"]),
        ("{runbook: x, cron: '* * * * 8'}", ["bad day-of-week"]),
        ("{runbook: x, cron: '* * * * fri-mon'}", ["bad day-of-week"]),
        ("{runbook: x, cron: '0 0 31 2 *'}", ["bad day-of-month"]),
        ("{runbook: x, interval: 5 minutes}", ["field interval", "'5 minutes'", "30m"]),
        ("{runbook: x, interval: 0m}", ["field interval", "'0m'"]),
        ("{runbook: x, interval: 5m, timezone: Europe/Atlantis}", ["field timezone", "Atlantis"]),
        ("{runbook: x, interval: 5m, timezone: ../../etc/passwd}", ["field timezone"]),
        ("{runbook: x, interval: 5m, enabled: perhaps}", ["field enabled", "'perhaps'"]),
        ("{runbook: x, interval: 5m, paramters: {}}", ["field paramters"]),
        ("{runbook: x, interval: 5m, name: y}", ["field name"]),
    ],
)
def test_broken_schedule_is_named_with_file_and_field(tmp_path: Path, content: str, named: list[str]) -> None:
    (tmp_path / "good.yaml").write_text("{runbook: x, interval: 1h}")
    (tmp_path / "nightly.yaml").write_text(content)
    with pytest.raises(UsageError) as caught:
        load_schedules(tmp_path)
    for text in ("nightly.yaml", *named):
        assert text in str(caught.value)
    assert caught.value.next_step


def test_missing_folder_is_named_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="AUTODEVOPS_SCARLET__SCHEDULES"):
        load_schedules(tmp_path / "nowhere")


def test_shipped_schedules_name_shipped_runbooks() -> None:
    root = Path(__file__).parents[2]
    schedules = load_schedules(root / "scheduled")
    assert [schedule.name for schedule in schedules if schedule.enabled] == ["namespace-health"]
    assert all((root / "runbooks" / f"{schedule.runbook}.ipynb").is_file() for schedule in schedules)
