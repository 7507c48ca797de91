"""Keys, stop and reload in a real JupyterLab, over an `ask` of our own that never ends by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser.visits import Chromium, Server, environment_for, lab, run_all, write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")

ENDLESS = """\
import asyncio
from autodevops.domain.stream import AnswerCompleted, TextDelta, TurnStarted
from autodevops.widgets.chat import ChatWidget

async def ask(question):
    yield TurnStarted(question=question)
    yield TextDelta(text="Looking at **" + question + "** <b id='raw'>now</b>.")
    if question == "wait":
        await asyncio.Event().wait()
    yield AnswerCompleted(text="Looked at **" + question + "**.", narrator="built-in")

chat = ChatWidget(ask)
chat
"""
FREE = "print(6 * 7)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("controls")
    notebook = write_notebook(folder / "controls.ipynb", ENDLESS, FREE)
    with lab(folder, environment_for(folder, {}), notebook) as server:
        yield server


def test_cells_run_during_a_turn_stop_ends_it_and_a_reload_shows_the_conversation(
    chromium: Chromium, server: Server
) -> None:
    with chromium.visit() as visit:
        page = visit.page
        page.goto(server.url)
        run_all(page)
        expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[2]:")
        box = page.get_by_label("Question for Jamie")
        box.fill("wait")
        box.press("Enter")
        turn = page.locator(".adj-turn").last
        expect(turn.locator(".adj-markdown strong")).to_have_text("wait", timeout=20_000)
        assert page.locator("#raw").count() == 0
        page.locator(".jp-InputArea-editor .cm-content").nth(1).click()
        page.keyboard.press("Control+Enter")
        expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[3]:")
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

        box.press("Control+s")
        expect(page.locator(".jp-mod-dirty")).to_have_count(0)
        page.reload()
        expect(page.locator(".adj-turn")).to_have_count(2)
        expect(page.locator(".adj-turn").first).to_have_attribute("data-status", "stopped")
        expect(page.locator(".adj-turn").last.locator(".adj-markdown")).to_contain_text("line two")
