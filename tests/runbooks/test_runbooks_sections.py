"""What the shipped reports have in common: the first line says what was found, and never calls silence health."""

from __future__ import annotations

import pandas as pd
import pytest

from autodevops.kernel.errors import ToolUnavailable
from autodevops.runbooks import sections


def _away() -> None:
    raise ToolUnavailable("Prometheus does not answer.", "Check its address.")


@pytest.mark.parametrize(
    ("found", "away", "known", "said"),
    [
        ((), False, True, "**All is well.** Nothing burns."),
        ((), False, False, "**Not known.**"),
        ((), True, True, "**Not known.**"),
        (("payment fails",), True, True, "**Found.** payment fails."),
        (("a", "b", "c", "d"), False, True, "And 1 more."),
    ],
)
def test_first_line_says_what_was_found(found: tuple[str, ...], away: bool, known: bool, said: str) -> None:
    looked = sections.Looked()
    looked.at("alerts", _away if away else lambda: None)
    text = sections.headline(found, well="Nothing burns", looked=looked, known=known)
    assert said in text
    assert ("Not seen: alerts." in text) == away


def test_one_system_away_is_said_and_the_rest_goes_on() -> None:
    looked = sections.Looked()
    assert looked.at("alerts", _away) is None
    assert looked.at("pods", lambda: 3) == 3
    assert "**Nothing found**" in sections.headline((), well="Nothing burns", looked=looked)
    assert list(looked.table()["not seen"]) == ["alerts"]
    assert "Prometheus does not answer." in looked.table()["why"][0]


def test_answer_that_was_cut_is_a_gap() -> None:
    cut = pd.DataFrame({"a": [1]})
    cut.attrs["evidence"] = {"truncated": True, "note": "50 of 900"}
    looked = sections.Looked()
    assert looked.at("pods", lambda: cut) is cut
    assert looked.gaps == [("all of pods", "50 of 900")]


def test_names_of_others_are_not_read_as_markup() -> None:
    assert "<b>" not in sections.headline(("<b>x</b>",), well="", looked=sections.Looked()).replace("\\<b", "")
    figure = sections.bars(["<i>a</i>", "b"], [1, 3], title="Use", limit=2)
    assert figure.layout.yaxis.ticktext[0] == "&lt;i&gt;a&lt;/i&gt;"
    small, large = figure.data[0].marker.color
    assert small != large
