"""Scarlet's figures over made histories: who found what, how it ended, and by whose hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from scarlet.learning_world import HOUR, START, History

from autodevops.domain.action import AnnotateIncident
from autodevops.domain.approval import Answer, Approval
from autodevops.domain.ledger import NewEvent
from autodevops.domain.outcome import Result
from autodevops.domain.plan import BlastRadius, DryRun, Plan, PreState
from autodevops.portal.scarlet_facts import scarlet_facts
from autodevops.scarlet.learning.cases import Cases
from autodevops.scarlet.learning.exposition import render
from autodevops.scarlet.learning.health import ScarletHealth, Share, health_of
from autodevops.stores.ledger import Ledger

NOW = START + timedelta(days=28)
LEVELS = {"restart_workload": "act", "scale_workload": "ask", "delete_pod": "ask", "drain_node": "observe"}


def health(ledger: Ledger, *, known: Cases | None = None, since: Any = None) -> ScarletHealth:
    known = known or Cases()
    known.read(ledger)
    return health_of(known, ledger, since=since, now=NOW, minutes_by_hand=30, levels=LEVELS)


def ended(history: History, hour: float, *results: Result, by: str = "scarlet", **more: Any) -> str:
    """An incident of hers with the operations that were done for it."""
    made = history.incident(hour, **more)
    for result in results:
        history.operation(hour, result, incident=made.id, asked_by=by)
    return made.id


def test_of_nothing_there_is_nothing_to_say() -> None:
    found = health(History().ledger)
    assert (found.incidents, found.detection.value, found.success.value, found.calibration.brier) == (
        0,
        None,
        None,
        None,
    )
    assert found.round is None
    assert scarlet_facts(found) == ()


def test_what_people_found_first_is_a_miss() -> None:
    history = History()
    before = history.incident(1, actor="alice", name="early", by="person")  # she did not watch yet
    history.incident(10)
    history.incident(10.2, actor="alice", name="checkout", by="person")  # while hers was open in this namespace
    missed = history.incident(50, actor="alice", name="email", by="person")
    history.incident(60, actor="alice", name="email", by="investigation", namespace="other")
    found = health(history.ledger)
    assert found.detection == Share(hits=1, of=3)
    assert before.id not in found.misses
    assert missed.id in found.misses
    assert found.incidents == 5


def test_times_are_medians_and_nine_of_ten() -> None:
    history = History()
    for hour, began, lasted in ((1, 0.1, 1), (20, 0.2, 2), (40, 0.3, 3)):
        history.incident(hour, began=began, lasted=lasted)
    history.incident(60, lasted=None)
    found = health(history.ledger)
    assert found.to_detect.count == 4
    assert found.to_detect.median == pytest.approx(0.15 * 3600)
    assert (found.to_resolve.count, found.to_resolve.median) == (3, 2 * 3600)
    assert found.to_resolve.p90 == pytest.approx(2.8 * 3600)
    assert found.open == 1


ENDS: dict[str, tuple[list[Result], dict[str, Any], tuple[int, int, int]]] = {
    # alone, of those that did not end by themselves, by itself
    "her action": (["verified"], {}, (1, 1, 0)),
    "her second action": (["undone", "verified"], {}, (1, 1, 0)),
    "nobody": ([], {}, (0, 0, 1)),
    "nobody, for her action did not help": (["undone"], {}, (0, 0, 1)),
    "a person's action": (["verified"], {"by": "alice"}, (0, 1, 0)),
    "a person who spoke up": (["verified"], {"noted_by": "alice"}, (0, 1, 0)),
    "people, to whom it was left": (["undone"], {"phase": "escalated"}, (0, 1, 0)),
    "not yet": (["verified"], {"lasted": None}, (0, 0, 0)),
}


@pytest.mark.parametrize(("results", "more", "figures"), ENDS.values(), ids=ENDS)
def test_who_ended_it(results: list[Result], more: dict[str, Any], figures: tuple[int, int, int]) -> None:
    history = History()
    ended(history, 5, *results, **more)
    found = health(history.ledger)
    assert (found.automated.hits, found.automated.of, found.by_itself) == figures
    assert found.saved_minutes == 30 * figures[0]


def test_a_yes_of_people_is_a_hand_in_it() -> None:
    history = History()
    made = history.incident(5)
    answer = Answer(granted=True, by="alice", where="cli", at=START, digest="d")
    approval = Approval(
        digest="d", role="approver", needed=1, asked_at=START, expires_at=NOW, state="used", answers=(answer,)
    )
    history.operation(5, "verified", incident=made.id, approval=approval)
    found = health(history.ledger)
    assert found.automated == Share(hits=0, of=1)


def test_a_comment_ends_no_incident() -> None:
    history = History()
    made = history.incident(5)
    action = AnnotateIncident(repository="shop/incidents", number=7, text="It is being looked at.")
    blast, dry_run = BlastRadius(), DryRun(summary="A comment.")
    pre = PreState(taken_at=START, bound={})
    plan = Plan.make(action, risk="low", undo="", pre=pre, blast=blast, dry_run=dry_run, made_at=START)
    history.operation(5, "verified", incident=made.id, plan=plan)
    found = health(history.ledger)
    assert (found.automated.of, found.by_itself) == (0, 1)


def test_actions_confidence_and_what_was_taken_back() -> None:
    history = History()
    done: list[tuple[Result, float | None]] = [
        ("verified", 0.9), ("verified", 0.8), ("undone", 0.9), ("not_applied", 0.9), ("unverified", None),
    ]  # fmt: skip
    for hour, (result, confidence) in enumerate(done):
        history.operation(hour, result, confidence=confidence)
    found = health(history.ledger)
    assert found.actions == {"restart_workload": Share(hits=2, of=4)}
    assert found.undone == Share(hits=1, of=4)
    assert found.calibration.decisions == 3
    assert found.calibration.brier == pytest.approx((0.01 + 0.04 + 0.81) / 3, abs=1e-3)
    assert found.autonomy == {"observe": 1, "ask": 2, "act": 1}


def test_only_what_is_asked_about_counts() -> None:
    history = History()
    ended(history, 1, "verified")
    ended(history, 100, "verified")
    found = health(history.ledger, since=START + 50 * HOUR)
    assert (found.incidents, found.success.of, found.automated.of) == (1, 1, 1)


def test_carried_on_it_is_the_same_as_read_at_once() -> None:
    history, known = History(), Cases()
    for hour in range(0, 60, 10):
        ended(history, hour, "verified" if hour % 20 else "undone")
        if hour == 30:
            history.incident(34, actor="alice", by="person", namespace="other")
        carried = health(history.ledger, known=known)
    assert carried == health(history.ledger)


ROUNDS: dict[str, tuple[dict[str, Any], bool | None, int | None]] = {
    "just now": ({"at": NOW.isoformat(), "seconds": 1.5, "signals": 3, "open": ["a", "b"], "blind": []}, False, 2),
    "a count": ({"at": NOW.isoformat(), "open": 4}, False, 4),
    "long ago": ({"at": (NOW - HOUR).isoformat(), "seconds": 1.5, "blind": ["loki"]}, True, None),
    "something else": ({"at": "yesterday"}, None, None),
    "nothing": ({}, None, None),
}


@pytest.mark.parametrize(("value", "late", "open_now"), ROUNDS.values(), ids=ROUNDS)
def test_the_loop_as_it_was_last_heard_of(value: dict[str, Any], late: bool | None, open_now: int | None) -> None:
    history = History()
    event = NewEvent(at=NOW, kind="scarlet", what="looked", actor="scarlet")
    history.ledger.change("scarlet", "round", value, expected=0, event=event)
    found = health(history.ledger).round
    assert (found.late if found else None) is late
    assert (found.open if found else None) == open_now


def test_what_prometheus_and_the_overview_are_told() -> None:
    history = History()
    ended(history, 5, "verified")
    ended(history, 50, "undone", phase="escalated")
    history.incident(90, actor="alice", by="person")
    event = NewEvent(at=NOW, kind="scarlet", what="looked", actor="scarlet")
    history.ledger.change("scarlet", "round", {"at": (NOW - HOUR).isoformat()}, expected=0, event=event)
    found = health(history.ledger)
    text = render(found)
    for line in (
        'autodevops_scarlet_incidents{found_by="scarlet"} 2.0',
        'autodevops_scarlet_incidents{found_by="people"} 1.0',
        'autodevops_scarlet_actions{helped="no",kind="restart_workload"} 1.0',
        'autodevops_scarlet_time_to_resolve_seconds{quantile="0.5"} 1800.0',
        "autodevops_scarlet_saved_seconds 1800.0",
        'autodevops_scarlet_action_kinds{autonomy="ask"} 2.0',
    ):
        assert line in text.splitlines()
    facts = {fact.label: (fact.value, fact.tone) for fact in scarlet_facts(found)}
    assert facts["Found by people first"] == ("1 of 3", "warn")
    assert facts["Actions that helped"] == ("1 of 2", "warn")
    assert facts["Time saved, estimated"] == ("0.5 h", "")
    assert facts["Last look"][1] == "bad"
    assert found.saved_words.startswith("1 incident ended alone x 30 min by hand (assumed: learning.minutes_by_hand)")
