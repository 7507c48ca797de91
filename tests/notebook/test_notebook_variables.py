"""Which words of a question are variables, and what they say."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from autodevops.notebook.variables import named_in, told

FRAME = pd.DataFrame({"pod": [f"payment-{n}" for n in range(200)]})
KNOWN = {"df": FRAME, "pods": FRAME, "error_1": ValueError("disk full"), "math_": math, "take_it": len, "x1": [1, 2]}


@pytest.mark.parametrize(
    ("question", "names", "asked"),
    [
        ("what is wrong in df?", ["df"], "what is wrong in this?"),
        ("which pods restarted?", [], "which pods restarted?"),
        ("what about `pods`?", ["pods"], "what about this?"),
        ("explain error_1 and x1", ["error_1", "x1"], "explain this and this"),
        ("scale cart to 5 in ns_2", [], "scale cart to 5 in ns_2"),
        ("math_ and take_it are no values", [], "math_ and take_it are no values"),
        ("logs of payment-x1, x1-2 and shop.df", [], "logs of payment-x1, x1-2 and shop.df"),
    ],
)
def test_a_word_is_a_variable_when_it_is_no_word_of_a_sentence(question: str, names: list[str], asked: str) -> None:
    found, said = named_in(question, KNOWN)
    assert (list(found), said) == (names, asked)


def test_a_table_is_told_whole_and_an_error_by_its_words() -> None:
    assert "payment-100" in told(FRAME)
    assert told(KNOWN["error_1"]) == "ValueError: disk full"
    assert told("as it is") == "as it is"
    assert named_in("df", {"df": "x" * 90_000})[0]["df"] == "x" * 50_000
