"""Systems fail while she works: she goes on with what she has, says what she cannot see, and loses nothing.

A sample of the matrix: each component, each failure and each of her steps; `make chaos` plays all of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from scarlet.chaos_world import COMPONENTS, FAILURES, STEPS, Cell, ended, play, problems

SAMPLE = (
    Cell("kubernetes", "down", "act"),
    Cell("prometheus", "garbage", "monitor"),
    Cell("alertmanager", "slow", "verify"),
    Cell("loki", "hangs", "analyze"),  # who is asked least: what hangs takes its time limit at each call
    Cell("tempo", "down", "monitor"),
    Cell("ledger", "down", "decide"),
)


def test_the_sample_has_each_component_failure_and_step() -> None:
    assert {cell.component for cell in SAMPLE} == set(COMPONENTS)
    assert {cell.failure for cell in SAMPLE} == set(FAILURES)
    assert {cell.step for cell in SAMPLE} == set(STEPS)


@pytest.mark.parametrize("cell", SAMPLE, ids=str)
async def test_nothing_is_lost_and_nothing_is_done_twice(cell: Cell, tmp_path: Path) -> None:
    course = await play(cell, tmp_path)
    assert problems(cell, course) == []
    assert ended(course) == "resolved by her"  # the system came back while there was time
