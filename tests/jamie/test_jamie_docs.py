"""docs/jamie.md: every question on the page is understood as its row says, and every time phrase is a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autodevops.jamie import intent
from autodevops.jamie.answers.talk import HELP
from autodevops.jamie.timephrase import read_window

PAGE = (Path(__file__).parents[2] / "docs/jamie.md").read_text("utf-8")
NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
WANTED = {
    "is it well?": {"status"},
    "why?": {"investigate"},
    "what is there?": {"list", "count"},
    "logs": {"logs"},
    "metrics": {"metrics"},
    "traces": {"traces"},
    "what is different?": {"compare"},
    "capacity": {"capacity"},
    "alerts, changes": {"alerts", "deploys"},
    "what is it, how is it done?": {"howto"},
    "do something": {"action"},
}


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in cells[1:]]


QUESTIONS = [(row[0], question) for row in rows("What can be asked") for question in re.findall(r"`([^`]+)`", row[1])]


@pytest.mark.parametrize(("row", "question"), QUESTIONS, ids=[question for _, question in QUESTIONS])
def test_a_question_of_the_page_is_understood_as_its_row_says(row: str, question: str) -> None:
    timed = read_window(question, NOW)
    reading = intent.read(question if intent.read(question).intent == "compare" else timed.rest)
    assert reading.matched
    assert reading.intent in WANTED[row]


def test_every_row_has_questions() -> None:
    assert {row for row, _ in QUESTIONS} == set(WANTED)


PHRASES = [phrase for row in rows("Times") for phrase in re.findall(r"`([^`]+)`", row[0])]


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_time_of_the_page_is_a_time(phrase: str) -> None:
    timed = read_window(f"errors {phrase}", NOW)
    assert timed.window or timed.anchor
    assert timed.rest == "errors"


@pytest.mark.parametrize("question", re.findall(r"(?<=[:;?] )([a-z][^:;?`*]{6,60}\??)(?=[;?\n])", HELP))
def test_what_help_offers_is_understood(question: str) -> None:
    timed = read_window(question, NOW)
    assert intent.read(question).matched or intent.read(timed.rest).matched
