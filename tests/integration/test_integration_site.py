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


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a kubeconfig, and none named."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return tmp_path


async def test_without_a_kubeconfig_it_is_about_the_site(site: str, nowhere: Path) -> None:
    settings = load_settings(prometheus={"url": site})
    async with Workbench.from_settings(settings) as workbench:
        assert await workbench.default_namespace() == ""
        result = await workbench.investigate(window=TimeWindow.ending(END, timedelta(minutes=6)))
    assert (result.hypotheses[0].subject.name, result.hypotheses[0].reason) == ("db-1", "DatabaseDown")
    assert {gap.tool.partition(".")[0] for gap in result.missing} <= {"prometheus"}


@pytest.mark.parametrize("text", [None, "{"], ids=["missing", "broken"])
async def test_a_kubeconfig_that_is_named_and_of_no_use_is_a_mistake_and_not_a_site(
    site: str, nowhere: Path, text: str | None
) -> None:
    named = nowhere / "named"
    if text is not None:
        named.write_text(text)
    settings = load_settings(prometheus={"url": site}, kubernetes={"kubeconfig": named})
    async with Workbench.from_settings(settings) as workbench:
        assert await workbench.default_namespace() == "default"
        result = await workbench.investigate(window=TimeWindow.ending(END, timedelta(minutes=6)))
    assert str(named) in str(result.missing)
    assert result.namespace == "default"
