"""Keys, stop and reload in a real JupyterLab, over an `ask` of our own that never ends by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from browser.visits import Chromium, Server, environment_for, lab, run_all, write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")

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


def widget_states(notebook: str) -> list[dict[str, Any]]:
    """The states of the widgets that a saved notebook holds."""
    saved = json.loads(notebook)["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]
    return [model["state"] for model in saved["state"].values()]


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

        # The cell that was left for the chat goes along when a person wants so; what is marked in it does at once.
        box.press("End")
        take = page.get_by_role("button", name="Take cell [3] along")
        expect(take).to_have_attribute("aria-pressed", "false")
        page.locator(".jp-OutputArea-output", has_text="42").dblclick(position={"x": 12, "y": 9})
        box.fill("what is this?")
        expect(page.get_by_role("button", name="With the marked text of cell [3]")).to_have_attribute(
            "aria-pressed", "true"
        )
        assert visit.serious() == []
        box.press("Enter")
        expect(page.locator(".adj-turn").last).to_contain_text("with the marked text of cell [3]: 42.")

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
        saved = server.notebook.read_text()
        assert saved.count('class=\\"adj-twin\\"') == 4
        expect(page.locator(".adj-twin").first).to_be_hidden()
        [state] = [one for one in widget_states(saved) if "turns" in one]
        assert [turn["question"] for turn in state["turns"]] == ["wait", "line one\nline two", "what is this?", "long"]
        page.reload()
        expect(page.locator(".adj-turn")).to_have_count(4)
        expect(first).to_have_attribute("data-status", "stopped")
        expect(last.locator(".adj-markdown p").first).to_have_text("Paragraph 0.")
        expect(page.locator(".adj-twin").first).to_be_hidden()
