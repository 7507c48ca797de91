"""The chat as a person uses it, in JupyterLab and in Voila: ask, read the answer, look behind it, act on it.

The real Jamie investigates the sandbox's incident; nothing is played back. Keys, stop and reload are tried in a
notebook of the same JupyterLab over an `ask` of our own, which can be made to never end.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browser.visits import (
    REPOSITORY,
    Chromium,
    Server,
    Visit,
    environment_for,
    lab,
    run_all,
    voila,
    write_notebook,
)
from patience import patient
from playwright.sync_api import Locator, expect
from widgets.recorded_turn import INVESTIGATION

from autodevops.domain.incident import incident_of
from autodevops.kernel.clock import utc_now
from autodevops.kernel.person import person
from autodevops.sandbox import Sandbox
from autodevops.settings import LedgerSettings
from autodevops.stores.incidents import open_incident
from autodevops.stores.sqlite_ledger import open_ledger

QUESTION = "Why are checkouts failing?"
ANSWER_MS = 60_000

INCIDENT = "inc-20261128T000000000Z-abcdef"
SHORT = "what is the latency of payment in shop?"
ABOUT = f"what is the latency of payment in shop during {INCIDENT}?"
ENDLESS = """\
import asyncio
from autodevops.domain.stream import AnswerCompleted, TextDelta, TurnStarted
from autodevops.widgets.chat import ChatWidget

async def ask(question, selection):
    yield TurnStarted(question=question)
    yield TextDelta(text="Looking at **" + question + "** <b id='raw'>now</b>.")
    if question == "wait":
        await asyncio.Event().wait()
    if question == "long":
        text = "\\n\\n".join(f"Paragraph {number}." for number in range(200))
        yield AnswerCompleted(text=text, narrator="built-in")
        return
    about = " with " + selection.label + ": " + selection.text if selection.label else ""
    yield AnswerCompleted(text="Looked at **" + question + "**" + about + ".", narrator="built-in")

chat = ChatWidget(ask)
chat
"""
FREE = "print(6 * 7)"


@dataclass(frozen=True)
class Bench:
    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A folder with our notebooks, and the environment that points them at a sandbox with an incident."""
    folder = tmp_path_factory.mktemp("bench")
    write_notebook(folder / "controls.ipynb", ENDLESS, FREE)
    shutil.copy(REPOSITORY / "notebooks" / "jamie.ipynb", folder)
    with Sandbox(scenario="bad-deploy", seed=1) as sandbox:
        kubeconfig = folder / "kubeconfig"
        sandbox.write_kubeconfig(kubeconfig)
        ours = {
            "KUBECONFIG": str(kubeconfig),
            "XDG_STATE_HOME": str(folder / "state"),
            "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
            "AUTODEVOPS_EXECUTOR__APPROVERS": json.dumps([person()]),
            "AUTODEVOPS_EXECUTOR__VERIFY_SECONDS": "0",
            "AUTODEVOPS_EXECUTOR__POLL_SECONDS": "0.2",
        }
        opened = incident_of(INVESTIGATION, incident_id=INCIDENT, now=utc_now(), severity="critical", title="", run="")
        with open_ledger(LedgerSettings(folder=folder / "state" / "autodevops" / "ledger")) as ledger:
            open_incident(ledger, opened, actor="alice")
        yield Bench(folder, environment_for(folder, patient(sandbox) | ours))


@pytest.fixture(scope="module")
def server(bench: Bench) -> Iterator[Server]:
    """JupyterLab, for all notebooks of the folder."""
    with lab(bench.folder, bench.environment) as server:
        yield server


def widget_states(notebook: str) -> list[dict[str, Any]]:
    """The states of the widgets that a saved notebook holds."""
    saved = json.loads(notebook)["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]
    return [model["state"] for model in saved["state"].values()]


def ask(visit: Visit, question: str = QUESTION) -> Locator:
    """Type the question, send it, and return its turn."""
    box = visit.page.get_by_label("Question for Jamie")
    box.fill(question)
    box.press("Enter")
    return visit.page.locator(".adj-turn", has_text=question).last


def check_change(visit: Visit) -> None:
    """Jamie proposes; a person sees all that it rests on, says yes, and sees what came of it."""
    turn = ask(visit, "restart catalog in shop")
    expect(turn).to_have_attribute("data-status", "done", timeout=ANSWER_MS)
    card = turn.locator(".ada")
    expect(card).to_have_attribute("role", "alertdialog")
    expect(card.get_by_role("button", name="Deny")).to_be_focused()
    expect(card).to_contain_text("Restart workload Deployment shop/catalog")
    expect(card.locator(".ada-diff")).to_contain_text("restartedAt")
    for fact in ("Risk", "Undo", "Dry run"):
        name = card.locator("dt", has_text=fact)
        expect(name).to_be_visible()
        assert name.evaluate("node => node.clientHeight < 30")  # on one line, whatever a notebook says about lists
    expect(card.get_by_role("timer")).to_have_text(re.compile(r"\d left|min left"))
    assert visit.serious() == []
    visit.page.keyboard.press("Tab")
    expect(card.get_by_role("button", name="Approve")).to_be_focused()
    card.get_by_role("button", name="Approve").evaluate("button => { button.click(); button.click(); }")
    expect(card).to_have_attribute("data-state", "verified", timeout=ANSWER_MS)
    expect(card.locator(".ada-answers li")).to_have_count(1)
    expect(card.locator(".ada-answers li")).to_contain_text(f"Yes from {person()}")
    expect(card.locator(".ada-outcome")).not_to_be_empty()
    expect(card.get_by_role("button", name="Approve")).to_be_hidden()


def check_answer(visit: Visit, turn: Locator) -> None:
    page = visit.page
    expect(turn.locator(".adj-card").first).to_be_attached(timeout=ANSWER_MS)
    expect(turn).to_have_attribute("data-status", "done", timeout=ANSWER_MS)
    expect(turn.locator(".adj-markdown")).to_contain_text("payment")
    expect(turn.locator(".adj-verdict")).to_contain_text("Cause found")
    expect(turn.locator(".adj-markdown")).not_to_contain_text("What I could not see")
    expect(turn.locator(".adj-cards")).to_be_hidden()

    turn.locator(".adj-steps .adj-toggle").first.click()
    expect(turn.locator('.adj-card[data-state="ok"]').first).to_be_visible()
    assert turn.locator('.adj-card[data-state="running"]').count() == 0
    turn.locator(".adj-steps .adj-toggle").first.click()

    plot = turn.locator(".adj-plot").first
    plot.scroll_into_view_if_needed()
    plot.hover(position={"x": 240, "y": 90})
    tip = turn.locator(".adj-tip").first
    expect(tip).to_contain_text(re.compile(r"\d\d:\d\d:\d\d UTC"))
    assert tip.locator(".adj-tip-row b").count() > 0
    legend = turn.locator(".adj-legend-item").first
    legend.click()
    expect(legend).to_have_attribute("aria-pressed", "false")

    span = turn.locator('.adj-spans [role="row"][aria-level]').first
    span.scroll_into_view_if_needed()
    before = turn.locator('.adj-spans [role="row"][aria-level]').count()
    span.press("ArrowLeft")
    assert turn.locator('.adj-spans [role="row"][aria-level]').count() < before

    chip = turn.locator(".adj-markdown .adj-cite").first
    chip.click()
    panel = page.get_by_role("dialog", name="Evidence")
    expect(panel).to_contain_text("sha256:")
    expect(panel.get_by_label("Copy the query")).to_be_visible()
    expect(panel).not_to_contain_text("kernel does not answer")
    assert visit.serious() == []
    panel.press("Escape")
    expect(panel).to_be_hidden()
    expect(chip).to_be_focused()

    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as taken:
        page.get_by_role("menuitem", name="HTML page").click()
    exported = taken.value.path().read_text()
    assert QUESTION in exported
    assert not re.search(r"<script|<link|<img|src=|@import|url\(", exported)


def check_insertion(visit: Visit) -> None:
    """An answer becomes cells below the chat's; run by the person, they say of each query what it gave before."""
    page = visit.page
    refused = """() => new Promise(done => window.dispatchEvent(new CustomEvent("autodevops:insert-cells",
        {detail: {cells: [{cell_type: "raw", source: "x"}], node: document.querySelector(".adj"), done}})))"""
    assert page.evaluate(refused) is False
    turn = ask(visit, ABOUT)
    expect(turn).to_have_attribute("data-status", "done", timeout=ANSWER_MS)
    turn.get_by_role("button", name="Insert as cells").click()
    inserted = page.locator(".jp-Notebook .jp-Cell")
    holder = inserted.filter(has=page.locator(".adj"))
    heading = page.locator(".jp-MarkdownCell", has=page.get_by_role("heading", name=ABOUT))
    expect(heading).to_be_visible()
    assert holder.evaluate("(a, b) => a.nextElementSibling === b", heading.element_handle())
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run Selected Cell and All Below").click()
    compared = inserted.filter(has_text="tools.compare([").locator(".jp-OutputArea-output")
    expect(compared).to_contain_text("True", timeout=ANSWER_MS)
    expect(compared).not_to_contain_text("False")


def check_postmortem(visit: Visit) -> None:
    """Of the incident that the last answer is about; its report is opened beside the notebook."""
    visit.page.get_by_role("button", name="Write postmortem").click()
    tab = visit.page.get_by_role("tab", name="report.html")
    expect(tab).to_have_attribute("aria-selected", "true", timeout=ANSWER_MS)
    report = visit.page.frame_locator(".jp-HTMLViewer iframe")
    expect(report.get_by_role("heading", name=INVESTIGATION.hypotheses[0].summary).first).to_be_visible()


def test_cells_run_during_a_turn_stop_ends_it_and_a_reload_shows_the_conversation(
    chromium: Chromium, server: Server
) -> None:
    with chromium.visit() as visit:
        page = visit.page
        page.goto(server.url.format(name="controls"))
        run_all(page)
        prompt = page.locator(".jp-InputPrompt").nth(1)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))
        cell = f"cell [{int(prompt.inner_text().strip('[]:')) + 1}]"  # once the second one is run again
        box = page.get_by_label("Question for Jamie")
        box.fill("wait")
        box.press("Enter")
        turn = page.locator(".adj-turn").last
        expect(turn.locator(".adj-markdown strong")).to_have_text("wait", timeout=60_000)
        assert page.locator("#raw").count() == 0
        page.locator(".jp-InputArea-editor .cm-content").nth(1).click()
        page.keyboard.press("Control+Enter")
        expect(prompt).to_have_text(cell.removeprefix("cell ") + ":")
        expect(turn).to_have_attribute("data-status", "running")
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(turn).to_have_attribute("data-status", "stopped")
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()

        box.press("ArrowUp")
        expect(box).to_have_value("wait")
        box.fill("line one")
        box.press("Shift+Enter")
        box.type("line two")
        expect(box).to_have_value("line one\nline two")
        box.press("Enter")
        expect(page.locator(".adj-turn").last).to_have_attribute("data-status", "done")
        assert page.locator(".jp-Notebook .jp-Cell").count() == 2

        # The cell that was left for the chat goes along when a person wants so; what is marked in it does at once.
        box.press("End")
        take = page.get_by_role("button", name=f"Take {cell} along")
        expect(take).to_have_attribute("aria-pressed", "false")
        page.locator(".jp-OutputArea-output", has_text="42").dblclick(position={"x": 12, "y": 9})
        box.fill("what is this?")
        expect(page.get_by_role("button", name=f"With the marked text of {cell}")).to_have_attribute(
            "aria-pressed", "true"
        )
        assert visit.serious() == []
        box.press("Enter")
        expect(page.locator(".adj-turn").last).to_contain_text(f"with the marked text of {cell}: 42.")

        first, last = page.locator(".adj-turn").first, page.locator(".adj-turn").last
        expect(first.locator(".adj-digest")).to_have_text("Looking at wait <b id='raw'>now</b>.")
        box.fill("long")
        box.press("Enter")
        expect(last).to_have_attribute("data-status", "done")
        expect(last.locator(".adj-markdown p").first).to_be_in_viewport()
        expect(last.locator(".adj-markdown p").last).not_to_be_in_viewport()

        # By keyboard alone: history, a turn, its tools; none of JupyterLab's shortcuts hears of it.
        page.get_by_role("button", name="History", exact=True).press("Enter")
        page.keyboard.type("line two")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        toggle = page.locator(".adj-question-toggle").nth(1)
        expect(toggle).to_be_focused()
        expect(toggle).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Tab")
        for key in ("b", "a", "d", "d", "x", "Shift+Enter"):
            page.keyboard.press(key)
        assert page.locator(".jp-Notebook .jp-Cell").count() == 2
        page.keyboard.press("Escape")
        assert visit.serious() == []
        last.get_by_role("button", name="Insert as cells").click()
        expect(page.locator(".jp-Notebook .jp-MarkdownCell").first).to_contain_text("long")

        box.press("Control+s")
        expect(page.locator(".jp-mod-dirty")).to_have_count(0)
        saved = (server.folder / "controls.ipynb").read_text()
        assert saved.count('class=\\"adj-twin\\"') == 4
        expect(page.locator(".adj-twin").first).to_be_hidden()
        [turns] = [one["turns"] for one in widget_states(saved) if one.get("turns")]
        assert [turn["question"] for turn in turns] == ["wait", "line one\nline two", "what is this?", "long"]
        page.reload()
        expect(page.locator(".adj-turn")).to_have_count(4)
        expect(first).to_have_attribute("data-status", "stopped")
        expect(last.locator(".adj-markdown p").first).to_have_text("Paragraph 0.")
        expect(page.locator(".adj-twin").first).to_be_hidden()


def test_question_is_answered_with_evidence_changed_by_a_click_and_asked_again_in_cells(
    chromium: Chromium, server: Server
) -> None:
    with chromium.visit() as visit:
        visit.page.goto(server.url.format(name="jamie"))
        run_all(visit.page)
        check_answer(visit, ask(visit))
        check_change(visit)
        check_insertion(visit)
        check_postmortem(visit)
        assert "@autodevops/cells" in visit.page.evaluate("Object.keys(window._JUPYTERLAB)")
        assert visit.hosts == {"127.0.0.1"}
        assert visit.errors == []


def test_voila_shows_the_same_chat_dark_and_narrow_and_offers_what_it_cannot_insert(
    chromium: Chromium, bench: Bench
) -> None:
    with (
        voila(bench.folder, bench.environment, bench.folder / "jamie.ipynb") as server,
        chromium.visit(dark=True, width=320) as visit,
    ):
        page = visit.page
        page.goto(server.url)
        chat = page.locator(".adj")
        expect(chat).to_have_attribute("data-theme", "dark")
        assert page.title() == "Jamie · Auto-DevOps"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 20, 25)"
        turn = ask(visit, SHORT)
        expect(turn).to_have_attribute("data-status", "done", timeout=ANSWER_MS)
        turn.get_by_role("button", name="Insert as cells").click()
        expect(turn.get_by_role("button", name="Download notebook")).to_be_visible()
        turn.get_by_role("button", name="This did not help").click()
        expect(turn.locator(".adj-thumbs")).to_have_text("Noted.")
        box = chat.bounding_box()
        assert box is not None
        assert (box["width"], box["height"]) == (320, 900)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert visit.serious() == []
        page.emulate_media(forced_colors="active")
        page.get_by_label("Question for Jamie").focus()
        expect(page.locator(".adj-field")).to_have_css("outline-style", "solid")
        turn = ask(visit)
        expect(turn.locator(".adj-steps .adj-toggle").first).to_be_visible()
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(turn).to_have_attribute("data-status", "stopped")
        assert visit.hosts == {"127.0.0.1"}
        assert visit.errors == []
