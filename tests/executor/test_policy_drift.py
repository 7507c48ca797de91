"""A success rate that falls lowers autonomy by itself, and only successes or a person raise it again."""

from __future__ import annotations

import random
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.outcome import Result
from autodevops.policy.drift import RECOVER_AFTER, Drift, forgiven, with_outcome
from autodevops.policy.experience import LEVELS, Level, fold, stricter


def after(outcomes: str, start: Drift | None = None) -> Drift:
    """`+` helped, `-` did not; spaces are for the reader."""
    marks = outcomes.replace(" ", "")
    return reduce(lambda drift, mark: with_outcome(drift, failed=mark == "-"), marks, start or Drift())


GOOD = "+" * 40

HISTORIES: dict[str, tuple[str, int]] = {
    "nothing was ever done": ("", 0),
    "all helped": (GOOD, 0),
    "one failed": (GOOD + "-", 0),
    "three failed": (GOOD + "---", 1),
    "three failed long ago, one by one": ("-" + GOOD + "-" + GOOD + "-" + GOOD, 0),
    "one in ten has always failed": (("+" * 9 + "-") * 12, 0),
    "half of them fail now": (GOOD + "-+-+-+-+", 1),
    "nothing has helped from the start": ("----", 1),
    "nothing has helped for long": ("-" * 30, 2),
    "four successes do not lift it": (GOOD + "---" + "++++", 1),
    "five do": (GOOD + "---" + "+++++", 0),
    "a failure between them begins it anew": (GOOD + "---" + "++++ - ++++", 1),
    "two steps are lifted one by one": ("-" * 30 + "+++++", 1),
    "and then the other": ("-" * 30 + "+" * 10, 0),
}


@pytest.mark.parametrize(("history", "lowered"), HISTORIES.values(), ids=HISTORIES)
def test_what_a_history_lowers(history: str, lowered: int) -> None:
    drift = after(history)
    assert drift.lowered == lowered
    assert bool(drift.words) == bool(lowered)


def test_it_says_what_fell_and_what_lifts_it() -> None:
    allowed, words = stricter("act", {"restart_workload": after(GOOD + "---"), "another": Drift()})
    assert allowed == "ask"
    assert words == (
        "restart_workload: 3 of the last 3 failed; before, 0 of 40 did. 5 successes in a row lift it (0 so far)."
    )
    assert stricter("observe", {"restart_workload": after("-" * 30)}) == ("observe", "")


def test_a_person_lifts_it_and_the_same_failures_do_not_lower_it_again() -> None:
    drift = forgiven(after(GOOD + "---"))
    assert (drift.lowered, drift.words) == (0, "")
    assert (drift.past, drift.past_failed) == (43, 3)
    assert after("+-+", drift).lowered == 0
    assert after("-----", drift).lowered == 1


@given(st.lists(st.booleans(), max_size=200))
def test_a_success_never_lowers_and_a_failure_never_lifts(failures: list[bool]) -> None:
    drift = Drift()
    for tried, failed in enumerate(failures, 1):
        before, drift = drift, with_outcome(drift, failed=failed)
        assert (drift.lowered >= before.lowered) if failed else (drift.lowered <= before.lowered)
        assert 0 <= drift.lowered <= 2
        assert drift.lifting < RECOVER_AFTER
        assert drift.past_failed <= drift.past <= tried
    assert after("+" * 2 * RECOVER_AFTER, drift).lowered == 0


def test_steady_success_is_seldom_taken_for_a_fall() -> None:
    """One in twenty fails by chance alone: of a hundred histories of a hundred outcomes, few are ever lowered."""
    chance = random.Random(7)
    lowered = 0
    for _ in range(100):
        drift = Drift()
        for _ in range(100):
            drift = with_outcome(drift, failed=chance.random() < 0.05)
            if drift.lowered:
                lowered += 1
                break
    assert lowered <= 12


@given(st.lists(st.sampled_from(["verified", "undone", "not_applied", "unverified", "handed_over"])))
def test_what_was_not_applied_does_not_count(results: list[Result]) -> None:
    kept = [one for one in results if one not in ("not_applied", "handed_over")]
    assert fold(results).drift == fold(kept).drift


@given(st.lists(st.booleans(), max_size=60), st.sampled_from(LEVELS))
def test_it_is_only_ever_stricter(failures: list[bool], allowed: Level) -> None:
    drift = reduce(lambda one, failed: with_outcome(one, failed=failed), failures, Drift())
    lowered, words = stricter(allowed, {"x": drift})
    assert LEVELS.index(lowered) <= LEVELS.index(allowed)
    assert bool(words) == (lowered != allowed)
