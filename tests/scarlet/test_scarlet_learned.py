"""What was learned: entered with its reason, shown in a file nobody can bend, undone for good."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from scarlet.learning_world import START, History

from autodevops.analysis.alert_noise import Episode, episodes, records
from autodevops.domain.learned import Learned, Lesson
from autodevops.executor.lessons import forget, lessons
from autodevops.executor.operations import load_all
from autodevops.executor.record import read_record
from autodevops.kernel.errors import ToolUnavailable, UsageError
from autodevops.policy.experience import stricter
from autodevops.scarlet.learning import book
from autodevops.scarlet.learning.file import NAME, show
from autodevops.scarlet.learning.learn import learn
from autodevops.scarlet.learning.noise import noise
from autodevops.settings import ExecutorSettings, LearningSettings, load_settings
from autodevops.stores.ledger import Ledger
from autodevops.stores.sqlite_ledger import SqliteLedger
from autodevops.toolbox.protocol import ToolAnswer
from autodevops.toolbox.testing import ScriptedTools
from autodevops.workbench import Workbench

NOW = START + timedelta(days=28)
SETTINGS = LearningSettings()


def study(ledger: Ledger, *, now: datetime = NOW, tools: Any = None, **executor: Any) -> dict[str, Learned]:
    """Learn, and what is held then, by kind and what it is about."""
    settings = ExecutorSettings.model_validate(executor)
    of_actions = lessons(read_record(ledger), load_all(ledger), settings)
    asyncio.run(learn(ledger, of_actions, SETTINGS, zone="", now=now, actor="scarlet", tools=tools))
    return {f"{one.lesson.kind} {one.lesson.about}": one for one in book.read_learned(ledger) if one.ended is None}


SIGNATURE = "restart_workload for OOMKilled on Deployment"


def test_outcomes_are_lessons_with_their_operations() -> None:
    history = History()
    ids = history.outcomes("+++++++")
    held = study(history.ledger)
    assert set(held) == {"autonomy restart_workload", f"confidence {SIGNATURE}"}
    autonomy = held["autonomy restart_workload"]
    assert autonomy.lesson.value == "ask"
    assert autonomy.lesson.evidence == tuple(ids)
    assert autonomy.lesson.reason.startswith("7 verified successes in a row; after 3 more machines act.")
    assert held[f"confidence {SIGNATURE}"].lesson.value == "7 of 7 helped"


def test_a_fallen_rate_lowers_autonomy_that_the_settings_give() -> None:
    history = History()
    history.outcomes("+" * 20 + "----")
    held = study(history.ledger, autonomy="act")
    assert held["drift restart_workload"].lesson.value == "ask instead of act"
    assert "of the last" in held["drift restart_workload"].lesson.reason
    assert held[f"drift {SIGNATURE}"].lesson.value == "1 step less autonomy"


def test_the_same_is_entered_once_and_a_change_with_both_values() -> None:
    history = History()
    history.outcomes("+++++")
    first = study(history.ledger)
    head = history.ledger.head()
    assert study(history.ledger, now=NOW + timedelta(hours=1)) == first
    assert history.ledger.head() == head
    history.operation(6, "undone")
    study(history.ledger, now=NOW + timedelta(hours=2))
    changes = [(one.what, one.id.split("-")[0], one.before, one.after) for one in book.history(history.ledger)]
    assert changes == [
        ("learned", "autonomy", "", "ask"),
        ("learned", "confidence", "", "5 of 5 helped"),
        ("revised", "confidence", "5 of 5 helped", "5 of 6 helped"),
        ("dropped", "autonomy", "ask", ""),
    ]


@pytest.mark.parametrize("about", ["autonomy restart_workload", f"confidence {SIGNATURE}", "drift restart_workload"])
def test_what_is_undone_counts_no_more_and_stays_undone(about: str) -> None:
    history = History()
    history.outcomes("+" * 20 if about.startswith("autonomy") else "+" * 20 + "----")
    lesson = study(history.ledger)[about].lesson
    later = NOW + timedelta(hours=1)
    why = "that was the registry"
    forgetting = partial(forget, history.ledger, why=why, now=later, actor="alice")
    book.end(history.ledger, lesson.id, why, now=later, actor="alice", forget=forgetting)
    record = read_record(history.ledger)
    if lesson.kind == "confidence":
        assert record.of_signature(SIGNATURE).verified == 0
        assert record.of_practice("restart_workload").verified == 20
    elif lesson.kind == "autonomy":
        assert record.of_practice("restart_workload").since_failure == 0
    else:
        assert stricter("act", {"kind": record.of_practice("restart_workload").drift}) == ("act", "")
        assert record.of_practice("restart_workload").failed == 4
    assert about not in study(history.ledger, now=later + timedelta(hours=1))
    assert [one.what for one in book.history(history.ledger, lesson.id)] == ["learned", "undone"]


def test_an_undo_wants_a_reason_and_something_that_is_held() -> None:
    history = History()
    history.outcomes("+++++")
    lesson = study(history.ledger)["autonomy restart_workload"].lesson
    for name, why, words in (("nothing", "x", "Nothing called"), (lesson.id, " ", "needs a reason")):
        with pytest.raises(UsageError, match=words):
            book.end(history.ledger, name, why, now=NOW, actor="alice")
    book.end(history.ledger, lesson.id[-4:], "no", now=NOW, actor="alice")
    with pytest.raises(UsageError, match="was undone since"):
        book.end(history.ledger, lesson.id, "again", now=NOW, actor="alice")


def nightly(history: History, *days: int) -> list[str]:
    return [history.incident(day * 24 + 3.1 + day % 3 * 0.2).id for day in days]


def test_incidents_that_recur_and_keep_to_an_hour_are_patterns() -> None:
    history = History()
    ids = nightly(history, 2, 5, 9, 14, 20, 26)
    for day in (2, 9, 20):
        history.incident(day * 24 + 3.4, reason="ErrorRateHigh", name="checkout")
    held = study(history.ledger)
    cart = "OOMKilled of Deployment shop/cart"
    recurring = held[f"recurring {cart}"].lesson
    assert recurring.evidence == tuple(ids)
    assert recurring.reason.startswith("6 incidents in 30 days, 5 days apart in the middle; the last began 2026-10-31")
    timed = held[f"time {cart}, by the hour"].lesson
    assert timed.value == "around 03:30 UTC"
    assert "On 6 of 6 days" in timed.reason
    assert "p = " in timed.reason


def test_what_follows_something_else_is_told_with_its_figures() -> None:
    history = History()
    for hour in (30, 211, 333, 480):
        history.incident(hour, reason="DatabaseDown", name="db")
        history.incident(hour + 0.1, reason="ErrorRateHigh", name="checkout")
    (lesson,) = [one.lesson for one in study(history.ledger).values() if one.lesson.kind == "together"]
    assert lesson.about == "DatabaseDown of Deployment shop/db, then ErrorRateHigh of Deployment shop/checkout"
    assert lesson.reason.startswith(
        "In 4 of 4 cases ErrorRateHigh of Deployment shop/checkout began within 15 minutes after"
    )
    assert "6 min later in the middle" in lesson.reason


def test_a_pattern_that_was_undone_comes_back_only_by_later_incidents() -> None:
    history = History()
    nightly(history, 1, 2, 3)
    about = "recurring OOMKilled of Deployment shop/cart"
    lesson = study(history.ledger)[about].lesson
    book.end(history.ledger, lesson.id, "known, being mended", now=NOW, actor="alice")
    nightly(history, 29, 30)
    assert about not in study(history.ledger, now=NOW + timedelta(days=3))
    nightly(history, 31)
    again = study(history.ledger, now=NOW + timedelta(days=4))[about].lesson
    assert again.reason.startswith("3 incidents")
    assert study(history.ledger, now=NOW + timedelta(days=5))[about].lesson == again


def test_what_a_person_undid_while_it_was_looked_at_is_not_entered_again() -> None:
    history = History()
    history.outcomes("+++++")
    stale = lessons(read_record(history.ledger), load_all(history.ledger), ExecutorSettings())
    study(history.ledger)
    lesson = next(one for one in stale if one.kind == "autonomy")
    book.end(history.ledger, lesson.id, "no", now=NOW + timedelta(seconds=1), actor="alice")
    book.settle(history.ledger, stale, ["autonomy"], now=NOW, actor="scarlet")
    assert book.find(history.ledger, lesson.id).ended is not None


def firing(alert: str, *spans: tuple[float, float]) -> list[Episode]:
    """Episodes from hour to hour before `NOW`, all over but those that end at 0."""
    return [
        Episode(alert, "page", "shop", NOW - timedelta(hours=begin), timedelta(hours=begin - end), end > 0)
        for begin, end in spans
    ]


NOISY = {
    "it flaps": (firing("A", (9, 8.95), (7, 6.95), (5, 4.95)), True, "flaps"),
    "it never ends": (firing("A", (168, 0)), True, "never ends"),
    "it leads to nothing": (firing("A", *((hour, hour - 1) for hour in range(20, 90, 12))), True, "leads to nothing"),
    "nobody looked whether it leads to anything": (
        firing("A", *((hour, hour - 1) for hour in range(20, 90, 12))), False, None,
    ),
    "it led to an incident": (firing("HighErrorRate", *((hour, hour - 1) for hour in range(20, 90, 12))), True, None),
    "it fired twice": (firing("A", (40, 39), (9, 8)), True, None),
}  # fmt: skip


@pytest.mark.parametrize(("found", "watched", "value"), NOISY.values(), ids=NOISY)
def test_alerts_that_tell_people_nothing(found: list[Episode], watched: bool, value: str | None) -> None:
    history = History()
    incident = history.incident(26 * 24)
    told = noise(found, [incident], (), timedelta(days=7), watched=watched)
    assert [one.value for one in told] == ([value] if value else [])


def test_a_missing_sample_is_no_end_of_an_alert() -> None:
    times = [0.0, 60, 120, 240, 300, 900, 960]
    found = episodes({"alertname": "A"}, times, 60, START.fromtimestamp(2000, START.tzinfo))
    assert [(one.since.timestamp(), one.lasted.total_seconds(), one.over) for one in found] == [
        (0, 360, True),
        (900, 120, True),
    ]
    (row,) = records(found, short=timedelta(minutes=3))
    assert (row.times, row.short, row.firing) == (2, 1, 0)


def test_alerts_that_cannot_be_seen_leave_what_was_learned_of_them() -> None:
    history = History()
    fired = [[(NOW - timedelta(minutes=minute)).timestamp(), 1.0] for minute in range(0, 10_080, 10)][::-1]
    series = {"labels": {"alertname": "Watchdog", "severity": "none"}, "samples": fired}
    answer = {"result_type": "matrix", "series": [series]}
    held = study(history.ledger, tools=ScriptedTools({"prometheus.query_range": answer}))
    assert held["noise Watchdog"].lesson.value == "never ends"
    away = ScriptedTools({"prometheus.query_range": ToolUnavailable("Prometheus does not answer.")})
    assert "noise Watchdog" in study(history.ledger, tools=away)
    cut = ToolAnswer(data={"result_type": "matrix", "series": [], "truncated": True}, truncated=True)
    assert "noise Watchdog" in study(history.ledger, tools=ScriptedTools({"prometheus.query_range": cut}))
    nothing = {"result_type": "matrix", "series": []}
    assert "noise Watchdog" not in study(history.ledger, tools=ScriptedTools({"prometheus.query_range": nothing}))


@pytest.fixture
def taught() -> History:
    history = History()
    history.outcomes("+++++")
    study(history.ledger)
    return history


def test_the_file_says_what_the_ledger_says(taught: History, tmp_path: Path) -> None:
    assert show(taught.ledger, tmp_path, now=NOW) == ()
    document = json.loads((tmp_path / NAME).read_text())
    rows = {row["kind"]: row for row in document["learned"]}
    assert rows["autonomy"]["value"] == "ask"
    assert set(rows["autonomy"]) == {"id", "kind", "about", "value", "reason", "evidence", "since"}
    before = (tmp_path / NAME).stat().st_mtime_ns
    assert show(taught.ledger, tmp_path, now=NOW + timedelta(hours=1)) == ()
    assert (tmp_path / NAME).stat().st_mtime_ns == before


SPOILED = {
    "half a file": (lambda text: text[:60], "is damaged", "damaged"),
    "empty": (lambda text: "", "is damaged", "damaged"),
    "something else": (lambda text: "[]", "has no list `learned`", "damaged"),
    "a value": (lambda text: text.replace('"ask"', '"act"'), "value of autonomy-.* is 'ask', not 'act'", "edited"),
    "one taken out": (
        lambda text: json.dumps(json.loads(text) | {"learned": []}), "autonomy-.* is held and was taken out", "edited",
    ),
    "nonsense in the list": (
        lambda text: json.dumps(json.loads(text) | {"learned": [7]}), "was taken out", "edited",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "words", "kept"), SPOILED.values(), ids=SPOILED)
def test_an_edited_or_damaged_file_is_told_kept_and_written_anew(
    spoil: Any, words: str, kept: str, taught: History, tmp_path: Path
) -> None:
    show(taught.ledger, tmp_path, now=NOW)
    right = (tmp_path / NAME).read_text()
    spoiled = spoil(right)
    (tmp_path / NAME).write_text(spoiled)
    (said,) = show(taught.ledger, tmp_path, now=NOW)
    assert re.search(words, said)
    assert (tmp_path / NAME).read_text() == right
    (aside,) = tmp_path.glob(f"learned.{kept}-*.json")
    assert aside.read_text() == spoiled
    assert aside.name in said


def _learning(folder: Path, first: int) -> None:
    with SqliteLedger(folder) as ledger:
        for number in range(first, first + 8):
            lesson = Lesson(kind="noise", about=f"A{number}", value="flaps", reason=f"{number}")
            book.settle(ledger, [lesson], ["time"], now=NOW, actor=f"p{first}")
            show(ledger, folder, now=NOW)


def test_two_processes_learn_into_one_ledger_and_one_file(tmp_path: Path) -> None:
    SqliteLedger(tmp_path).close()
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=_learning, args=(tmp_path, first)) for first in (0, 5)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    with SqliteLedger(tmp_path) as ledger:
        assert len(book.read_learned(ledger)) == 13
        assert len(json.loads((tmp_path / NAME).read_text())["learned"]) == 13
        assert show(ledger, tmp_path, now=NOW) == ()
    assert {path.name for path in tmp_path.glob("*learned*")} == {NAME}


@pytest.mark.parametrize("sources", [("alerts", "predictions"), ("alerts",)])
async def test_she_studies_beside_and_asks_what_runs_out_only_where_that_is_a_source(
    tmp_path: Path, sources: tuple[str, ...]
) -> None:
    asked = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # who was cancelled before it asked
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    history = History()
    history.outcomes("+++++++")
    prometheus = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{prometheus.sockets[0].getsockname()[1]}"
    settings = load_settings(
        prometheus={"url": url}, watch={"sources": sources}, ledger={"folder": tmp_path}, kubernetes={"context": "none"}
    )
    async with prometheus, Workbench(settings, clock=lambda: NOW, ledger=history.ledger) as bench:
        task = asyncio.create_task(bench.study())
        async with asyncio.timeout(30):
            while not (tmp_path / NAME).exists():
                await asyncio.wait([task], timeout=0.02)
            if "predictions" in sources:
                await asked.wait()
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])
    assert asked.is_set() == ("predictions" in sources)
    assert "restart_workload" in (tmp_path / NAME).read_text("utf-8")
