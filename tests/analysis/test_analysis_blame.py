"""Which edit accounts for a failure: `blame.yaml`, and that nothing but what an edit changes counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from autodevops.analysis.blame import judge
from autodevops.analysis.diffs import kind_of, read_edit
from autodevops.analysis.mechanisms import MECHANISMS
from autodevops.analysis.signs import Signs, read_signs
from autodevops.domain.trace import Span

_CASES = yaml.safe_load((Path(__file__).parent / "blame.yaml").read_text())
_FROM = 0.5
_PRIOR = 0.15  # what the engine adds for being the commit a rollout names


def _span(name: str, attributes: dict[str, Any]) -> Span:
    start = datetime(2026, 3, 9, tzinfo=UTC)
    return Span(span_id="1", service="s", name=name, start=start, duration_ms=1.0, attributes=attributes)


def _signs(case: dict[str, Any]) -> Signs:
    bad, good = ([_span(*one) for one in case.get(key, [])] for key in ("bad", "good"))
    return read_signs(case["failing"], case.get("usual", []), bad, good)


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["case"])
def test_the_edit_that_accounts_for_it_is_blamed_and_no_other(case: dict[str, Any]) -> None:
    signs = _signs(case)
    scores = {
        name: judge([read_edit(path, patch) for path, patch in files.items()], signs).score
        for name, files in case["edits"].items()
    }
    blamed = [name for name, score in scores.items() if 1 - (1 - score) * (1 - _PRIOR) >= _FROM]
    assert blamed == ([case["blamed"]] if case["blamed"] else []), scores


def test_what_is_said_is_a_sign_in_any_case() -> None:
    said = {text for case in _CASES for text in case["failing"]}
    for mechanism in MECHANISMS:
        asked = re.compile(mechanism.said, re.IGNORECASE)
        for text in {*said, *map(str.upper, said), *map(str.swapcase, said)}:
            assert bool(mechanism.sign.search(text.lower())) == bool(asked.search(text)), (mechanism.said, text)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("services/payment/charge.go", "code"),
        ("services/payment/charge_test.go", "tests"),
        ("src/__tests__/cart.ts", "tests"),
        ("contest/rank.go", "code"),
        ("docs/api/orders.md", "docs"),
        ("README", "docs"),
        ("web/theme.css", "style"),
        (".github/workflows/build.yml", "pipeline"),
        ("deploy/search.yaml", "config"),
        ("Dockerfile", "config"),
        ("go.mod", "dependency"),
        ("service/package-lock.json", "dependency"),
        ("db/migrations/V1__a.sql", "migration"),
    ],
)
def test_a_file_is_of_the_kind_its_path_says(path: str, kind: str) -> None:
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    ("path", "patch"),
    [
        ("a.go", "@@ -1,2 +1,2 @@\n-\tx := 1 // old\n+\tx := 1 // new"),
        ("a.py", "@@ -1 +1,2 @@\n+# a comment\n-# another"),
        ("a.go", "@@ -1,2 +1,2 @@\n-a()\n-b()\n+b()\n+a()"),
        ("a.py", "@@ -1,2 +1,2 @@\n-x =  1\n+x = 1"),
        ("a.sql", "@@ -1 +1 @@\n+-- nothing"),
    ],
)
def test_comments_white_space_and_order_are_no_change(path: str, patch: str) -> None:
    assert read_edit(path, patch).changes_nothing


def test_what_both_sides_mention_is_neither_introduced_nor_dropped() -> None:
    edit = read_edit("a.go", "@@ -1 +1 @@ func Charge() {\n-\tparse(orderRef, 3)\n+\tdecode(order_ref, 3)")
    assert edit.introduced == frozenset({"decode"})
    assert edit.dropped == frozenset({"parse"})
    assert edit.places == ("Charge",)


def test_a_diff_of_any_size_is_read_in_bounded_time() -> None:
    patch = "@@ -1 +1 @@\n" + "\n".join("+" + "a" * 5000 for _ in range(5000))
    edit = read_edit("a.min.js", patch)
    assert len(edit.added) <= 2000
    assert judge([edit], _signs({"failing": ["ERROR deadline exceeded " + "x" * 100_000]})).score == 0.0
