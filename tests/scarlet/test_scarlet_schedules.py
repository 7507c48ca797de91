"""Schedule files: what they mean, and what is said about broken ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.kernel.errors import UsageError
from autodevops.scarlet import load_schedules
from autodevops.scarlet.cron import cron_trigger, weekday_names


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("runbook: [", ["is not valid YAML", "line"]),
        ("- a", ["not a table"]),
        ("", ["not a table"]),
        ("cron: '* * * * *'", ["field runbook", "required"]),
        ("runbook: x", ["exactly one of cron and interval"]),
        ("{runbook: x, cron: '* * * * *', interval: 5m}", ["exactly one of cron and interval"]),
        ("{runbook: x, cron: '* * * *'}", ["has 4 fields"]),
        ("{runbook: x, cron: '99 * * * *'}", ["99"]),
        ("{runbook: x, cron: '* * * * 8'}", ["'8' is not 0 to 7"]),
        ("{runbook: x, cron: '* * * * fri-mon'}", ["runs backwards"]),
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


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("*", "*"),
        ("0", "sun"),
        ("7", "sun"),
        ("1-5", "mon,tue,wed,thu,fri"),
        ("5-7", "sun,fri,sat"),
        ("*/2", "sun,tue,thu,sat"),
        ("1/3", "mon,thu"),
        ("MON,wed", "mon,wed"),
        ("sun-tue", "sun,mon,tue"),
    ],
)
def test_weekdays_mean_what_cron_means(field: str, names: str) -> None:
    assert weekday_names(field) == names


@pytest.mark.parametrize("field", ["*/0", "1/", "1-", "-", "", "1,,2", "8", "mon/x"])
def test_wrong_weekday_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="weekday field"):
        weekday_names(field)


@given(st.text(alphabet="0123456789*/-,sunmo", max_size=12))
def test_any_weekday_field_is_understood_or_refused(field: str) -> None:
    try:
        names = weekday_names(field)
    except ValueError:
        return
    assert names == "*" or set(names.split(",")) <= {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("*/30 * * * *", "UTC", "2026-11-24T04:01Z", "2026-11-24T04:30Z"),
        ("0 9 * * 1", "UTC", "2026-11-24T04:01Z", "2026-11-30T09:00Z"),  # a Monday
        ("0 9 * * 0", "UTC", "2026-11-24T04:01Z", "2026-11-29T09:00Z"),  # a Sunday
        ("0 9 1 * 3", "UTC", "2026-11-24T04:01Z", "2026-11-25T09:00Z"),  # either day counts: Wednesday is first
        ("0 9 * * *", "Asia/Tokyo", "2026-11-24T04:01Z", "2026-11-25T00:00Z"),
    ],
)
def test_next_occurrence_is_that_of_cron(cron: str, zone: str, after: str, expected: str) -> None:
    trigger = cron_trigger(cron, ZoneInfo(zone))
    found = trigger.get_next_fire_time(None, datetime.fromisoformat(after))
    assert found.astimezone(UTC) == datetime.fromisoformat(expected)
