"""A site beside Kubernetes, recorded, in a Prometheus that nobody here wrote: its address is all that is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from exporters.recorded import openmetrics, read
from real_prometheus import real_prometheus

from autodevops.domain.window import TimeWindow
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

RECORDING = read(Path(__file__).parents[1] / "investigation" / "exporters" / "pg-down.json.gz")
END = datetime.fromtimestamp(int(RECORDING["end"]), UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with real_prometheus(tmp_path_factory.mktemp("site"), "\n".join(openmetrics(RECORDING["series"]))) as url:
        yield url


async def test_without_a_kubeconfig_it_is_about_the_site(site: str) -> None:
    settings = load_settings(prometheus={"url": site}, kubernetes={"kubeconfig": "no-such-kubeconfig"})
    async with Workbench.from_settings(settings) as workbench:
        assert await workbench.default_namespace() == ""
        result = await workbench.investigate(window=TimeWindow.ending(END, timedelta(minutes=6)))
    assert (result.hypotheses[0].subject.name, result.hypotheses[0].reason) == ("db-1", "DatabaseDown")
    assert {gap.tool.partition(".")[0] for gap in result.missing} <= {"prometheus"}
