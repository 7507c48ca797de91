"""Whatever logs, names and models say, cells hold calls of the library with constants, and prose without markup."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

import mistune
import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from autodevops.widgets.cells import Cell, cells_of, evidence_cells, notebook_of

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["'", '"', "'''", '"""', "\\", "\n", "\r", "\u2028", "\u202e", "\x00", "\ud800", "#", ")", "(", "{x}",
             "%run a", "!rm", "?", "??", "$(id)", "<script>", "<img src=x onerror=y>", "![a](http://x/y.png)",
             "[a](javascript:b)",
             "`", "```", "import os", "; ", "__import__", " ", "a", "[b]: http://x", "~~~", "<!--", "-->", "|"]
        ),
        max_size=12,
    ).map("".join),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=6,
)
TOOLS = st.sampled_from(
    ["prometheus.query_range", "prometheus.query_instant", "loki.query_logs", "tempo.get_trace", "tempo.search_traces",
     "kubernetes.get_resource", "kubernetes.list_resources", "kubernetes.list_events", "github.get_commit", "x.y"]
)  # fmt: skip
NAMES = st.sampled_from(["query", "start", "end", "kind", "name", "trace_id", "limit", "class", "sha"]) | HOSTILE


@st.composite
def evidences(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "id": draw(st.from_regex(r"ev-[0-9a-f]{10}", fullmatch=True) | HOSTILE),
        "tool": draw(TOOLS | HOSTILE),
        "arguments": draw(st.dictionaries(NAMES, JSON, max_size=4)),
        "query": draw(HOSTILE),
        "window": draw(st.none() | st.fixed_dictionaries({"start": HOSTILE, "end": HOSTILE})),
        "digest": draw(st.just("sha256:" + "0" * 64) | HOSTILE),
        "error": draw(st.none() | HOSTILE),
        "collected_at": draw(st.just("2026-11-24T03:45:00Z") | HOSTILE),
    }


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(evidence=st.lists(evidences(), max_size=2), text=HOSTILE, title=HOSTILE, label=HOSTILE)
def test_hostile_texts_never_become_code_or_markup(
    evidence: list[dict[str, Any]], text: str, title: str, label: str
) -> None:
    mark = {"at": label, "kind": label, "label": label}
    charts = [
        {"type": "chart_ready", "chart": {"type": "metric", "title": title, "evidence": [each["id"]], "marks": [mark]}}
        for each in evidence
    ]
    answer = {"type": "answer_completed", "text": text, "note": text, "evidence": evidence}
    turns = [{"id": "1", "question": title, "events": [*charts, answer]}]
    before = copy.deepcopy(turns)
    cells = [*cells_of(turns[0]), *(cell for each in evidence for cell in evidence_cells(each))]
    assert repr(turns) == repr(before)
    for cell in cells:
        check(cell)
    nbformat.validate(nbformat.from_dict(notebook_of(turns)))


def check(cell: Cell) -> None:
    if cell.kind == "code":
        assert TransformerManager().transform_cell(cell.source).rstrip("\n") == cell.source  # no magic, no shell
        for statement in ast.parse(cell.source).body:
            check_statement(statement)
    else:
        kinds = set(token_kinds(mistune.create_markdown(renderer="ast", plugins=["table"])(cell.source)))
        assert not kinds & {"block_html", "inline_html", "image", "link"}, cell.source


def check_statement(statement: ast.stmt) -> None:
    match statement:
        case ast.ImportFrom(module="autodevops", level=0):
            assert {each.name for each in statement.names} <= {"kube", "logs", "metrics", "tools", "traces"}
        case ast.Assign(targets=[ast.Name(id=name)], value=call):
            assert name.startswith("ev_")
            check_call(call)
        case ast.Expr(value=ast.Name(id=name)):
            assert name.startswith("ev_")
        case ast.Expr(value=call):
            check_call(call)
        case _:
            pytest.fail(ast.dump(statement))


def check_call(call: ast.expr) -> None:
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    assert isinstance(call.func.value, ast.Name)
    assert call.func.value.id in {"kube", "logs", "metrics", "tools", "traces"}
    for part in [*call.args, *(each.value for each in call.keywords)]:
        for node in ast.walk(part):
            if isinstance(node, ast.Call):
                assert ast.unparse(node) in {"float('nan')", "float('inf')", "float('-inf')"}
            elif isinstance(node, ast.Name):
                assert node.id == "float" or node.id.startswith("ev_")
            else:
                assert isinstance(
                    node, ast.Constant | ast.Dict | ast.List | ast.Tuple | ast.UnaryOp | ast.USub | ast.Load
                )


def token_kinds(tokens: Any) -> Iterator[str]:
    for token in tokens:
        yield token["type"]
        yield from token_kinds(token.get("children", ()))


EVIDENCE = {
    "id": "ev-0123456789",
    "arguments": {},
    "window": {"start": "2026-11-24T03:45:00Z", "end": "2026-11-24T04:45:00Z"},
    "collected_at": "2026-11-24T04:45:01Z",
    "digest": "sha256:" + "0" * 64,
}


@pytest.mark.parametrize(
    ("tool", "arguments", "call"),
    [
        (
            "prometheus.query_range",
            {"query": "up", "start": "-1h", "step_seconds": 30},
            "metrics.range('up', start='2026-11-24T03:45:00Z', end='2026-11-24T04:45:00Z', step=30)",
        ),
        ("prometheus.query_instant", {"query": "up"}, "metrics.instant('up', at='2026-11-24T04:45:01Z')"),
        ("tempo.get_trace", {"trace_id": "ab"}, "traces.get('ab')"),
        ("kubernetes.get_resource", {"kind": "Pod", "name": "a"}, "kube.get('Pod', 'a')"),
        ("kubernetes.list_resources", {"kind": "Pod", "output": "full"}, "kube.get('Pod', output='full')"),
        ("github.get_commit", {"sha": "c"}, "tools.call('github.get_commit', sha='c')"),
        ("other.do", {"class": 1}, "tools.call('other.do', {'class': 1})"),
        ("kubernetes.list_events", {"future": True}, "tools.call('kubernetes.list_events', future=True)"),
    ],
)  # fmt: skip
def test_a_call_asks_the_same_with_its_window_pinned(tool: str, arguments: dict[str, Any], call: str) -> None:
    markdown, code = evidence_cells(EVIDENCE | {"tool": tool, "arguments": arguments})
    assert markdown.source.startswith(f"**Evidence `ev-0123456789`**: `{tool}`, 2026-11-24 03:45:00 to 04:45:00 UTC")
    assert call in ast.unparse(ast.parse(code.source))


def test_a_relative_window_is_pinned_to_when_it_was_asked() -> None:
    asked = EVIDENCE | {"tool": "loki.query_logs", "window": None, "arguments": {"query": "{a}", "start": "now-1h30m"}}
    code = evidence_cells(asked)[1]
    call = "logs.query('{a}', start='2026-11-24T03:15:01Z', end='2026-11-24T04:45:01Z')"
    assert call in ast.unparse(ast.parse(code.source))


def test_a_failed_turn_becomes_what_happened_and_no_code() -> None:
    failed = {"type": "turn_failed", "message": "Stopped.", "next_step": "Ask again."}
    cells = cells_of({"id": "1", "question": "why?", "events": [failed]})
    assert cells == [Cell("markdown", "## why?\n\n> Stopped. Ask again.")]
