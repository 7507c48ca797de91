"""A postmortem: its figures agree with the world it is about, names of people are not in it, their words stay."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import patient

from autodevops.analysis.impact import budget_spent, burn_rate, recovered_at, requests
from autodevops.analysis.postmortems import Measured, postmortem
from autodevops.domain.action import Action, OpenIssue
from autodevops.domain.incident import Detection, Incident, IncidentNote, incident_of
from autodevops.domain.operation import Proposal
from autodevops.domain.postmortem import Fact, Postmortem
from autodevops.domain.series import Series
from autodevops.domain.window import TimeWindow
from autodevops.executor.operations import load
from autodevops.kernel.clock import utc_now
from autodevops.kernel.durations import in_words
from autodevops.kernel.errors import UsageError
from autodevops.kernel.person import person
from autodevops.notebook.postmortem import request_queries
from autodevops.runbooks.postmortem_text import blocks, markdown
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.settings import load_settings
from autodevops.stores import incidents
from autodevops.workbench import Workbench

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


def line(*values: float | None) -> Series:
    return Series(labels={}, samples=tuple((60.0 * place, value) for place, value in enumerate(values)))


def test_counts_are_the_area_under_rates_and_gaps_count_as_nothing() -> None:
    counted = requests(line(10, 10, 10, 10), line(0, 2, 2, None), 0, 180)
    assert (counted.total, counted.failed) == (1800, 180)
    assert requests(line(10, 10), line(1, 1), 30, 60).total == 300
    with pytest.raises(ValueError, match="ends at"):
        requests(line(1), line(1), 5, 5)


@pytest.mark.parametrize(
    ("values", "onset", "when"),
    [
        ((0, 0, 5, 5, 0, 0), 120, 240),
        ((0, 0, 5, 5, 5), 120, None),
        ((0, 0, 5, 0, 5, 0.1), 120, 300),
        ((1, 1, 1), 60, None),
        ((1, 1, 9, 9, 1.2), 120, 240),
    ],
)
def test_recovery_is_when_failures_stay_near_what_they_were(
    values: tuple[float, ...], onset: float, when: float | None
) -> None:
    assert recovered_at(line(*values), onset) == when


def test_new_pods_that_never_failed_count_as_recovered_and_not_as_a_gap() -> None:
    rate, failing = "sum(rate(requests[2m]))", 'sum(rate(requests{code=~"5.."}[2m]))'
    asked = request_queries([rate, "up", f"({failing} or 0 * {rate}) / {rate}"])
    assert asked == (rate, f"({failing} or 0 * {rate})")
    assert request_queries(["up", f"{failing} / {rate}"]) is None


def test_the_budget_is_spent_as_fast_as_the_burn_rate_says() -> None:
    assert burn_rate(0.0144, 0.999) == pytest.approx(14.4)
    assert budget_spent(0.0144, 0.999, 3600, 30 * 86_400) == pytest.approx(0.02)
    told = {40: "40 s", 59.7: "1 min", 5400: "90 min", 7200: "2 h", 7500: "2 h 5 min"}
    assert {seconds: in_words(seconds) for seconds in told} == told


def made(**more: Any) -> Postmortem:
    fields: dict[str, Any] = {
        "id": "inc-1",
        "title": "Checkouts fail",
        "namespace": "shop",
        "window": TimeWindow.ending(NOON, timedelta(hours=1)),
        "severity": "major",
        "opened_at": NOON,
        "detection": Detection(at=NOON, by="person"),
    }
    return postmortem(Incident.model_validate({**fields, **more}), (), Measured(None, None, NOON), objective=0.999)


def test_people_on_record_appear_by_role() -> None:
    note = IncidentNote(at=NOON, by="mallory", text="@Mallory deployed it, mallory's fault")
    text = markdown(made(timeline=(note,), title="What mallory did"))
    assert "mallory" not in text.lower()
    assert "somebody" in text


def test_many_things_are_a_list_and_many_sources_a_few() -> None:
    names = [f"ev-{number}" for number in range(9)]
    fact = Fact(key="grounds", section="Causes", label="For it", value="one\ntwo", source=", ".join(names))
    text = markdown(made().model_copy(update={"facts": (fact,)}))
    assert "**For it:** [ev-0, ev-1, ev-2 and 6 more]\n\n- one\n- two\n" in text


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1).filter(
    lambda text: text.strip() and "<!--" not in text and not text.startswith("*For people: ")
)


@given(st.dictionaries(st.sampled_from(["lessons", "users", "items", "gone-since"]), words))
def test_words_of_people_are_kept_whenever_it_is_made_again(kept: dict[str, str]) -> None:
    once = markdown(made(), kept)
    assert blocks(once) == kept
    assert markdown(made(), blocks(once)) == once


@pytest.mark.parametrize(
    "text", ["<!-- people: a -->\nmine", 2 * "<!-- people: a -->\nmine\n<!-- /people: a -->\n"], ids=["open", "twice"]
)
def test_a_broken_block_is_said_rather_than_lost(text: str) -> None:
    with pytest.raises(UsageError, match="block"):
        blocks(text)


def test_it_agrees_with_the_world_it_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = utc_now()
    clock = MovedClock(lambda: utc_now() - timedelta(minutes=30))
    with Sandbox("bad-deploy", seed=1, clock=clock) as sandbox:
        path = tmp_path / "kubeconfig"
        sandbox.write_kubeconfig(path)
        given_here = {
            **patient(sandbox),
            "KUBECONFIG": str(path),
            "AUTODEVOPS_LEDGER__FOLDER": str(tmp_path / "ledger"),
            "AUTODEVOPS_SCARLET__RUNBOOKS": str(ROOT / "runbooks"),
            "AUTODEVOPS_SCARLET__ARTIFACTS": str(tmp_path / "artifacts"),
            "AUTODEVOPS_GITHUB__ALLOW_WRITES": "true",
            "AUTODEVOPS_EXECUTOR__APPROVERS": person(),
            "AUTODEVOPS_EXECUTOR__COOLDOWN_MINUTES": "0",
        }
        repository = sandbox.world.topology.repository
        for name, value in given_here.items():
            monkeypatch.setenv(name, value)
        with Workbench(load_settings(), clock=clock) as bench:
            now = clock()
            found = asyncio.run(_investigated(clock))
            incident = incident_of(found, incident_id="inc-7", now=now, severity="major", title="", run="")
            incidents.open_incident(bench.ledger, incident, actor="tester")
            note = OpenIssue(repository=repository, title="payment fails", body="Since its release.")
            done_for_it = asyncio.run(_carried_out(clock, note))
            undone = clock()
            sandbox.world.do("undo", "Deployment/shop/payment")
            clock.advance(1800)
            resolved = utc_now() - timedelta(minutes=15)
            incidents.resolve_incident(bench.ledger, "inc-7", "rolled back", at=resolved, now=utc_now(), actor="tester")
        command = [sys.executable, "-m", "autodevops", "postmortem", "last", "--out", str(tmp_path / "out"), "--json"]
        command += ["--issue", repository, "--pull", repository]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ))
        assert done.returncode == 0, done.stderr
        pulls = asyncio.run(_granted(json.loads(done.stdout)["operations"], repository))
    text = (tmp_path / "out" / "inc-7.md").read_text()
    assert "by somebody, commit" in text  # who wrote the change is on record, and no cause
    assert "&lt;!--" not in (tmp_path / "out" / "inc-7.html").read_text()
    assert "BadRollout of Deployment shop/payment" in text
    onset = began - timedelta(minutes=50)
    times = [
        (kind, datetime.fromisoformat(at).replace(tzinfo=UTC))
        for at, kind in re.findall(r"^\| (\d{4}-\S+ \S+) \| (\w+) \|", text, re.MULTILINE)
    ]
    assert min(abs(at - onset) for kind, at in times if kind == "onset") < timedelta(minutes=3)
    recovered = min(at for kind, at in times if kind == "recovery")
    assert timedelta(0) < recovered - undone < timedelta(minutes=6)
    failed, total = (float(part.replace(",", "")) for part in re.findall(r"([\d,]+) of ([\d,]+) requests", text)[0])
    assert 0.2 < failed / total < 0.45  # the fault fails 0.35 of payment's requests
    filled, every = map(int, re.findall(r"(\d+) of (\d+) fields", text)[0])
    assert filled / every >= 2 / 3
    assert json.loads(done.stdout)["incident"] == "inc-7"
    assert f"An approver granted open_issue of Repository {repository}." in text.replace("\\", "")
    assert f"open_issue of Repository {repository}: verified." in text.replace("\\", "")
    assert text.count(f"[{done_for_it}]") >= 4  # proposed, decided, granted, done; and what went well
    assert [pull["title"] for pull in pulls] == [text.partition("\n")[0].removeprefix("# ")]


async def _investigated(clock: MovedClock) -> Any:
    async with Workbench(load_settings(), clock=clock) as bench:
        return await bench.investigate(namespace="shop", window=bench.window(minutes=60))


async def _carried_out(clock: MovedClock, action: Action) -> str:
    async with Workbench(load_settings(), clock=clock) as bench:
        asked = Proposal(action=action, asked_by=person(), by_person=True, incident="inc-7")
        operation = await bench.executor.propose(asked)
        return await _allowed(bench, operation.id)


async def _granted(operations: list[str], repository: str) -> list[Any]:
    """The pull requests that are open once what the command asked for is done."""
    async with Workbench(load_settings()) as bench:
        for operation in operations:
            await _allowed(bench, operation)
        found: Any = (await bench.tools.call("github.list_pulls", {"repository": repository, "state": "open"})).data
        return [pull for pull in found["pulls"] if pull["title"].startswith("Postmortem")]


async def _allowed(bench: Workbench, operation: str) -> str:
    approval = load(bench.ledger, operation).operation.approval
    assert approval is not None
    bench.executor.answer(operation, granted=True, digest=approval.digest, by=person(), where="tests")
    done = await bench.executor.execute(operation)
    assert done.outcome is not None
    assert done.outcome.result == "verified", done.outcome.words
    return operation
