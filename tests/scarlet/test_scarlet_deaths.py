"""The daemon itself, killed when it has written down what it is about to change: done once, and brought to its end.

One death of those that `make chaos` plays: a life costs two starts of the daemon.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from scarlet.deaths_world import play, problems

pytestmark = pytest.mark.xdist_group("sandbox")


def test_killed_after_its_intent_it_acts_once_and_closes_the_incident(tmp_path: Path) -> None:
    life = play(("intended",), tmp_path)
    assert problems(life) == [], life.log
