"""The main job as a person does it: ask Jamie in JupyterLab and in Voila, read the answer, look behind it.

The real Jamie investigates the sandbox's incident; nothing is played back.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from browser.visits import REPOSITORY, Chromium, Server, Visit, environment_for, lab, run_all, voila
from playwright.sync_api import Locator, expect

from autodevops.kernel.person import person
from autodevops.sandbox import Sandbox

pytestmark = pytest.mark.xdist_group("browser")
QUESTION = "Why are checkouts failing?"
ANSWER_MS = 60_000

Serve = Callable[[Path, Mapping[str, str], Path], AbstractContextManager[Server]]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with our notebook, and the environment that points it at a sandbox with an incident."""
    folder = tmp_path_factory.mktemp("bench")
    shutil.copy(REPOSITORY / "notebooks" / "jamie.ipynb", folder)
    with Sandbox(scenario="bad-deploy", seed=1) as sandbox:
        kubeconfig = folder / "kubeconfig"
        sandbox.write_kubeconfig(kubeconfig)
        ours = {
            "KUBECONFIG": str(kubeconfig),
            "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
            "AUTODEVOPS_EXECUTOR__APPROVERS": json.dumps([person()]),
            "AUTODEVOPS_EXECUTOR__VERIFY_SECONDS": "0",
            "AUTODEVOPS_EXECUTOR__POLL_SECONDS": "0.2",
        }
        yield folder, environment_for(folder, sandbox.environment() | ours)


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


def check_dark_and_narrow(chromium: Chromium, server: Server) -> None:
    """Another visitor of Voila, whose system is dark, with 320 pixels and then with colours of their own."""
    with chromium.visit(dark=True, width=320) as visit:
        visit.page.goto(server.url)
        chat = visit.page.locator(".adj")
        expect(chat).to_have_attribute("data-theme", "dark")
        assert visit.page.title() == "Jamie · Auto-DevOps"
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 20, 25)"
        box = chat.bounding_box()
        assert box is not None
        assert (box["width"], box["height"]) == (320, 900)
        assert visit.serious() == []
        visit.page.emulate_media(forced_colors="active")
        visit.page.get_by_label("Question for Jamie").focus()
        expect(visit.page.locator(".adj-field")).to_have_css("outline-style", "solid")
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 320


def check_insertion(visit: Visit) -> None:
    """An answer becomes cells below the chat's; run by the person, they say of each query what it gave before."""
    page = visit.page
    refused = """() => new Promise(done => window.dispatchEvent(new CustomEvent("autodevops:insert-cells",
        {detail: {cells: [{cell_type: "raw", source: "x"}], node: document.querySelector(".adj"), done}})))"""
    assert page.evaluate(refused) is False
    question = "what is the latency of payment in shop?"
    turn = ask(visit, question)
    expect(turn).to_have_attribute("data-status", "done", timeout=ANSWER_MS)
    turn.get_by_role("button", name="Insert as cells").click()
    inserted = page.locator(".jp-Notebook .jp-Cell")
    holder = inserted.filter(has=page.locator(".adj"))
    heading = page.locator(".jp-MarkdownCell", has=page.get_by_role("heading", name=question))
    expect(heading).to_be_visible()
    assert holder.evaluate("(a, b) => a.nextElementSibling === b", heading.element_handle())
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run Selected Cell and All Below").click()
    compared = inserted.filter(has_text="tools.compare([").locator(".jp-OutputArea-output")
    expect(compared).to_contain_text("same", timeout=ANSWER_MS)
    expect(compared).not_to_contain_text("differs")


@pytest.mark.parametrize("serve", [lab, voila], ids=["lab", "voila"])
def test_question_is_answered_with_evidence_and_nothing_is_loaded_from_elsewhere(
    chromium: Chromium, bench: tuple[Path, dict[str, str]], serve: Serve
) -> None:
    folder, environment = bench
    with serve(folder, environment, folder / "jamie.ipynb") as server, chromium.visit() as visit:
        visit.page.goto(server.url)
        if serve is lab:
            run_all(visit.page)
        check_answer(visit, ask(visit))
        if serve is lab:
            check_change(visit)
            check_insertion(visit)
        assert ("@autodevops/cells" in visit.page.evaluate("Object.keys(window._JUPYTERLAB || {})")) is (serve is lab)
        assert visit.hosts == {"127.0.0.1"}
        assert visit.errors == []
