"""A captured incident gives the same verdict bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from investigation.investigation_world import bad_deploy

from autodevops.investigation.replay import ReplaySource, capture, replay
from autodevops.kernel.errors import UsageError


@pytest.mark.parametrize("away", [frozenset(), frozenset({"tempo"})], ids=["all", "without tempo"])
async def test_replay_is_the_same_bit_for_bit(tmp_path: Path, away: frozenset[str]) -> None:
    lived = await bad_deploy(away=away).investigate(question="why do transfers fail?")
    capture(lived, tmp_path / "incident")
    again = await replay(tmp_path / "incident")
    assert again.model_dump_json() == lived.model_dump_json()


async def test_an_investigation_says_itself_in_a_line() -> None:
    lived = await bad_deploy().investigate()
    assert lived.summary in repr(lived)
    assert len(repr(lived)) < len(lived.summary) + 200


async def test_a_question_that_was_not_recorded_is_missing_not_invented(tmp_path: Path) -> None:
    capture(await bad_deploy().investigate(), tmp_path)
    answer = await ReplaySource(tmp_path).collect("loki.query_logs", {"query": '{namespace="other"}'})
    assert answer.error is not None
    assert answer.error.startswith("unavailable: ")
    assert answer.data is None


async def test_capturing_twice_is_fine_and_another_incident_is_refused(tmp_path: Path) -> None:
    lived = await bad_deploy().investigate()
    capture(lived, tmp_path)
    capture(lived, tmp_path)
    other = await bad_deploy().investigate(question="another")
    with pytest.raises(UsageError, match="holds another investigation"):
        capture(other, tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "holds no captured"), ("{", "is not JSON"), ('{"format": 99}', "format 1")]
)
def test_a_folder_that_is_no_capture_is_named(tmp_path: Path, content: str | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / "investigation.json").write_text(content)
    with pytest.raises(UsageError, match=complaint):
        ReplaySource(tmp_path)
