"""What real programs print when they fail, recorded by benchmarks/recordings: the reason that is named for it.

A sample here, all of them in benchmarks/bench_recordings.py. What is not named right is in recorded_misses.yaml with
what is named instead, so that a change for the better shows as well as one for the worse.
"""

from __future__ import annotations

from typing import Any

import pytest
from investigation.recorded import CAUSES, MISSES, reason_of, recordings

from autodevops.analysis.log_tails import errors_in

RECORDINGS = recordings()
_EVERY = 9  # a whole investigation takes 40 ms


def test_every_recording_has_a_known_cause_and_every_miss_a_recording_and_a_reason_why() -> None:
    names = [recording["name"] for recording in RECORDINGS]
    assert len(names) == len({(recording["language"], recording["name"]) for recording in RECORDINGS}) >= 700
    assert {recording["cause"] for recording in RECORDINGS} <= CAUSES.keys()
    assert MISSES.keys() <= set(names)
    assert all(miss["why"] for miss in MISSES.values())


@pytest.mark.parametrize("recording", RECORDINGS[::_EVERY], ids=[one["name"] for one in RECORDINGS[::_EVERY]])
async def test_the_reason_of_a_recorded_failure_is_named(recording: dict[str, Any]) -> None:
    named = await reason_of(recording)
    miss = MISSES.get(recording["name"])
    if miss is None:
        assert named in CAUSES[recording["cause"]]["right"], recording["fault"]
    else:
        assert named == miss["reason"], "no longer this miss: take it out, or say what it is now"


def test_a_bug_of_the_program_is_not_given_a_cause_outside_it() -> None:
    """All of them, by their log alone."""
    for recording in RECORDINGS:
        if recording["cause"] == "bug":
            kinds = {error.kind for error in errors_in(recording["output"].splitlines())}
            assert kinds <= {"", "null value", "migration failed"}, recording["name"]
