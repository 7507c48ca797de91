"""What `autodevops runbook lint` finds, and that it finds nothing in what is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runbook_files import write_runbook

from autodevops.runbooks.catalogue import FrontMatter
from autodevops.runbooks.lint import RULES, lint
from autodevops.runbooks.parameters import Parameter

SHIPPED = sorted((Path(__file__).parents[2] / "runbooks").glob("*.ipynb"))
MINUTES = {"minutes": {"type": "int", "default": 5, "unit": "minutes", "help": "so long"}}
GOOD = ["#md # Probe\n\n[the notes](notes.md)", "print(minutes)"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_runbooks_are_right(path: Path) -> None:
    assert lint(path) == ()


def _edited(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    notebook = json.loads(path.read_text())
    edit(notebook)
    path.write_text(json.dumps(notebook))


def _tag(cell: int, *tags: str) -> Callable[[dict[str, Any]], object]:
    return lambda notebook: notebook["cells"][cell]["metadata"].update(tags=list(tags))


CASES: dict[str, tuple[dict[str, Any], list[str], list[Callable[[dict[str, Any]], object]], set[tuple[str, int]]]] = {
    "nothing": ({}, GOOD, [], set()),
    "outputs": (
        {},
        GOOD,
        [
            lambda n: n["cells"][2].update(
                outputs=[{"output_type": "stream", "name": "stdout", "text": "x"}], execution_count=3
            )
        ],
        {("outputs", 3)},
    ),
    "a count of a run": ({}, GOOD, [lambda n: n["cells"][2].update(execution_count=3)], {("outputs", 3)}),
    "a run's parameters": ({}, [*GOOD, "minutes = 7"], [_tag(3, "injected-parameters")], {("outputs", 4)}),
    "a token": ({}, [*GOOD, "API_TOKEN = 'q8Zk3vR1xW7tLm2Nc9Ab'"], [], {("credential", 4)}),
    "a token in Markdown": ({}, [*GOOD, "#md Use ghp_" + "a1B2" * 9], [], {("credential", 4)}),
    "a token of the environment": (
        {},
        [*GOOD, "import os\ntoken = os.environ['GITHUB_TOKEN']\nprint(token)"],
        [],
        set(),
    ),
    "a dead link": ({}, [*GOOD, "#md ![chart](nowhere/chart.png)"], [], {("dead-link", 4)}),
    "a dead link in HTML": ({}, [*GOOD, '#md See <a href="gone.md">this</a>.'], [], {("dead-link", 4)}),
    "links elsewhere": (
        {},
        [*GOOD, "#md [a](https://example.com/x) [b](#part) `[c](code.md)` [d](notes.md#p)"],
        [],
        set(),
    ),
    "an undefined name": ({}, [*GOOD, "print(minute)"], [], {("code", 4)}),
    "what cannot be compiled": ({}, [*GOOD, "if True print(1)"], [], {("code", 4)}),
    "magics and await": ({}, [*GOOD, "%time x = 1\n!echo {x}\nimport asyncio\nawait asyncio.sleep(0)"], [], set()),
    "an absent module": ({}, [*GOOD, "import panda as pd\nprint(pd)"], [], {("import", 4)}),
    "an absent module of ours": ({}, [*GOOD, "import autodevops.runbook.render as r\nprint(r)"], [], {("import", 4)}),
    "an absent name": (
        {},
        [*GOOD, "from autodevops.runbooks.texts import literals\nprint(literals)"],
        [],
        {("import", 4)},
    ),
    "an absent name of a module": (
        {},
        [*GOOD, "from autodevops.runbooks import texts", "await texts.literals()"],
        [],
        {("import", 5)},
    ),
    "what is there, perhaps, or later": (
        {},
        [
            *GOOD,
            "import os.path\nimport xml\nfrom collections import abc\nfrom autodevops.runbooks import texts",
            "try:\n    import not_there\nexcept ImportError:\n    not_there = None",
            "import beside",
            "print(os.path, abc.Mapping, xml.dom, not_there, beside.shy, texts.cut)\ntexts = minutes\ntexts.real",
        ],
        [],
        set(),
    ),
    "an unused parameter": ({}, GOOD[:1], [], {("unused-parameter", 0)}),
    "one used by a magic": ({}, [GOOD[0], "!echo {minutes}"], [], set()),
    "one used by the key": ({"concurrency_key": "k {minutes}"}, GOOD[:1], [], set()),
    "an undeclared parameter": ({"parameters_cell": "minutes = 5\nhours = 1"}, GOOD, [], {("parameters", 0)}),
    "two that disagree": ({"parameters_cell": "minutes = 6"}, GOOD, [], {("parameters", 0)}),
    "no title": ({"title": ""}, GOOD, [], {("front-matter", 0)}),
    "an unknown system": ({"systems": ["nagios"]}, GOOD, [], {("front-matter", 0)}),
    "no front matter": ({}, GOOD, [lambda n: n["metadata"].pop("autodevops")], {("front-matter", 0)}),
    "no notebook of ours": ({}, GOOD, [lambda n: n.update(nbformat=3)], {("notebook", 0)}),
    "a cell without a kind": ({}, GOOD, [lambda n: n["cells"][2].pop("cell_type")], {("notebook", 0)}),
    "risk without verification": ({"risk": "low"}, [*GOOD, "print()"], [_tag(3, "action")], {("verify", 0)}),
    "verification before the action": (
        {"risk": "high"},
        [*GOOD, "print()", "print()"],
        [_tag(3, "verify"), _tag(4, "action")],
        {("verify", 5)},
    ),
    "risk without action": ({"risk": "low"}, [*GOOD, "print()"], [_tag(3, "verify")], {("risk", 0)}),
    "an action of a read-only one": ({}, [*GOOD, "print()"], [_tag(3, "approval")], {("risk", 4)}),
    "a whole action": (
        {"risk": "medium"},
        [*GOOD, "print()", "print()", "print()"],
        [_tag(3, "action"), _tag(4, "verify"), _tag(5, "rollback", "action")],
        set(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_found_where_it_is_and_nothing_else(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front, cells, edits, expected = CASES[case]
    (tmp_path / "notes.md").write_text("notes")
    (tmp_path / "beside.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    path = write_runbook(tmp_path, cells, **{"parameters": MINUTES, **front})
    for edit in edits:
        _edited(path, edit)
    found = lint(path)
    assert {(finding.rule, finding.cell or 0) for finding in found} == expected, found
    assert all(finding.message for finding in found)


def test_what_is_not_there_is_named_with_what_is_nearest(tmp_path: Path) -> None:
    cells = [
        "import panda",
        "from autodevops.runbook import render",
        "from autodevops.runbooks.texts import literals",
        "from autodevops import metrics\nmetrics.rnge()",
    ]
    found = [finding.message for finding in lint(write_runbook(tmp_path, cells)) if finding.rule == "import"]
    assert found == [
        "there is no module panda; did you mean pandas?",
        "there is no module autodevops.runbook; did you mean runbooks?",
        "autodevops.runbooks.texts has no literals; did you mean literal?",
        "autodevops.notebook.metrics has no rnge; did you mean range?",
    ]


def test_without_ruff_the_cells_are_still_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autodevops.runbooks.lint.code_checker", lambda: "")
    path = write_runbook(tmp_path, ["%time x = 1", "await f()", "if True print(1)"])
    assert [(finding.rule, finding.cell, finding.line) for finding in lint(path)] == [("code", 3, 1)]


def test_the_docs_name_every_field_and_every_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "runbooks.md").read_text()
    front, parameter = page.partition("A parameter:\n")[::2]
    assert [name for name in FrontMatter.model_fields if f"`{name}`" not in front] == []
    assert [name for name in Parameter.model_fields if f"`{name}`" not in parameter] == []
    assert [rule for rule, words in RULES.items() if f"| `{rule}` | {words} |" not in page] == []
