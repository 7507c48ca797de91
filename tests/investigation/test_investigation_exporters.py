"""Sites of real servers, seen through real exporters and libraries by a real Prometheus, recorded and asked again.

`exporters/truths.yaml` says what was wrong with each; the recordings were made by `benchmarks/exporters/play.py` and
thinned. There is no Kubernetes, no Loki and no Tempo: series carry a job and an instance and nothing more.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from exporters.recorded import RecordedSite, ask, read

FOLDER = Path(__file__).parent / "exporters"
TRUTHS: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "truths.yaml").read_text())
BROKEN = {name: truth for name, truth in TRUTHS.items() if truth}
WELL = [name for name, truth in TRUTHS.items() if not truth]


def test_every_recording_has_a_truth() -> None:
    assert {path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.gz")} == TRUTHS.keys()


@pytest.mark.parametrize("world", BROKEN)
def test_the_cause_is_named_without_a_namespace_or_a_cluster(world: str) -> None:
    result = asyncio.run(ask(read(FOLDER / f"{world}.json.gz")))
    first = result.hypotheses[0]
    assert (first.subject.name, first.reason) == (BROKEN[world]["subject"], BROKEN[world]["reason"])
    assert not result.missing


@pytest.mark.parametrize("world", WELL)
def test_a_site_that_is_well_is_called_healthy(world: str) -> None:
    result = asyncio.run(ask(read(FOLDER / f"{world}.json.gz")))
    assert (result.verdict, result.hypotheses) == ("healthy", ())
    assert "Kubernetes, logs and traces were not asked about it" in result.summary


def test_with_a_namespace_on_every_series_it_is_the_same_cause() -> None:
    result = asyncio.run(ask(read(FOLDER / "pg-connections.json.gz"), namespace="shop"))
    assert (result.hypotheses[0].subject.name, result.hypotheses[0].reason) == ("db-1", "ConnectionsExhausted")


def test_of_a_site_nothing_is_asked_of_systems_that_find_by_namespace() -> None:
    recording = read(FOLDER / "pg-down.json.gz")
    asked: list[str] = []

    class Listening(RecordedSite):
        async def call(self, tool: str, arguments: Any) -> Any:
            asked.append(tool.partition(".")[0])
            return await super().call(tool, arguments)

    asyncio.run(ask(recording, site=Listening(recording)))
    assert set(asked) == {"prometheus", "github"}
