"""`Jamie().ask` and `investigate` as cells use them: plain calls, inside the loop that a kernel runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autodevops import Jamie, investigate
from autodevops.kernel.errors import AutoDevOpsError, SettingsError, UsageError
from autodevops.notebook import Answer
from autodevops.sandbox import Sandbox


@pytest.fixture
def _incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    with Sandbox(scenario="bad-deploy", seed=1) as sandbox:
        sandbox.write_kubeconfig(tmp_path / "kubeconfig")
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        yield


@pytest.mark.usefixtures("_incident")
def test_an_answer_shows_its_evidence_and_the_same_jamie_investigates() -> None:
    async def cell() -> tuple[Answer, str]:
        with Jamie(namespace="shop") as jamie:
            answer = jamie.ask("Why are checkouts failing?")
            verdict = jamie.investigate().verdict
            with pytest.raises(AutoDevOpsError, match="no-such-namespace"):
                jamie.investigate(namespace="no-such-namespace")
            with pytest.raises(UsageError, match="empty"):
                jamie.ask("  ")
        return answer, verdict

    answer, verdict = asyncio.run(cell())
    assert verdict == "explained"
    assert "payment" in str(answer)
    shown = answer._repr_markdown_()
    assert all(f"`{item.id}`" in shown for item in answer.evidence)
    assert {chart.type for chart in answer.charts} == {"metric", "trace", "logs"}


@pytest.mark.usefixtures("_incident")
def test_one_investigation_needs_no_jamie() -> None:
    result = investigate(namespace="shop")
    assert (result.hypotheses[0].reason, result.hypotheses[0].subject.name) == ("BadRollout", "payment")


def test_broken_settings_are_named_and_read_again_at_the_next_question(monkeypatch: pytest.MonkeyPatch) -> None:
    with Jamie() as jamie:
        monkeypatch.setenv("AUTODEVOPS_PROMETHEUS__URL", "not a url")
        with pytest.raises(SettingsError, match=r"prometheus\.url"):
            jamie.ask("anything wrong?")
        monkeypatch.setenv("AUTODEVOPS_LOKI__URL", "also wrong")
        monkeypatch.delenv("AUTODEVOPS_PROMETHEUS__URL")
        with pytest.raises(SettingsError, match=r"loki\.url"):
            jamie.ask("anything wrong?")
