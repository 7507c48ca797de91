"""Two runs compared by meaning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runbooks.conftest import KeptRuns

from autodevops.domain.run import Run
from autodevops.runbooks.contents import Chart, Table, Text, contents
from autodevops.runbooks.diff import Comparison, RunContents, compare, read_contents
from autodevops.runbooks.same import compare_tables, number, same_number, same_text, same_value, settled
from autodevops.runbooks.storage import BundleRef, FolderBundles

AT = datetime(2026, 11, 24, 3, 45, tzinfo=UTC)


def _kept(kept_runs: KeptRuns, name: str) -> RunContents:
    record = getattr(kept_runs, name)
    return read_contents(FolderBundles(kept_runs.folder), BundleRef("probe", record.run.id), record.run)


def _told(found: Comparison) -> set[tuple[str, str, str]]:
    return {(one.part, one.change, one.what) for one in found.differences}


def test_a_run_is_the_same_as_itself(kept_runs: KeptRuns) -> None:
    for name in ("bad", "broken"):
        one = _kept(kept_runs, name)
        assert compare(one, one).same
        assert compare(one, one).same_answers == 4


def test_runs_with_other_parameters_differ_in_what_they_show_and_conclude(kept_runs: KeptRuns) -> None:
    found = compare(_kept(kept_runs, "bad"), _kept(kept_runs, "fine"))
    told = _told(found)
    assert ("parameter", "changed", "errors") in told
    assert ("conclusion", "changed", "verdict") in told
    assert ("cause", "went", "BadDeploy Deployment shop/payment") in told
    assert ("finding", "changed", "MET001 ErrorRateIncreased Deployment shop/payment: severity") in told
    assert ("table", "changed", "payment: column errors") in told
    assert ("table", "went", "ledger") in told
    assert ("chart", "changed", "Errors: payment: maximum") in told
    assert ("evidence", "changed", "prometheus.query_range error_ratio") in told
    assert found.same_answers == 3
    assert not any("requests" in one.what for one in found.differences)
    (cell,) = (one for one in found.differences if one.what == "payment: column errors")
    assert (cell.before, cell.after, cell.where) == ("30 %", "3 %", "Failures, cell 8")
    assert cell.relative == pytest.approx(-0.9)
    (words,) = (one for one in found.differences if one.part == "text")
    assert words.before == "<moment>: 30 % fail, seen by <object object at <address>>"


def test_a_failed_run_differs_in_status_cells_and_error(kept_runs: KeptRuns) -> None:
    told = _told(compare(_kept(kept_runs, "bad"), _kept(kept_runs, "broken")))
    assert {("run", "changed", "status"), ("run", "appeared", "error"), ("cell", "changed", "status")} <= told
    assert ("conclusion", "went", "verdict") in told
    assert ("chart", "went", "Errors") in told


def test_what_appeared_one_way_round_went_the_other(kept_runs: KeptRuns) -> None:
    names = ("bad", "fine", "broken")
    turned = {"appeared": "went", "went": "appeared", "changed": "changed"}
    for first in names:
        for second in names:
            one = _told(compare(_kept(kept_runs, first), _kept(kept_runs, second)))
            other = _told(compare(_kept(kept_runs, second), _kept(kept_runs, first)))
            assert one == {(part, turned[change], what) for part, change, what in other}


SAME = [
    ("at 2026-11-24 03:45:12 UTC", "at 2026-11-25T09:00:00Z"),
    ("<Pod object at 0x7f3a5c0b1d90>", "<Pod object at 0x7f11122233f0>"),
    ("run 20261124T034512123Z-9f3a1c", "run 20261125T000000000Z-aaaaaa"),
    ("see ev-1a2b3c4d5e", "see ev-9999999999"),
    ("id 123e4567-e89b-12d3-a456-426614174000", "id 923e4567-e89b-12d3-a456-426614174111"),
    ("took 12.00 ms", "took 12.05 ms"),
    ("31 % since 03:40", "31.1 % since 04:41"),
]
DIFFERENT = [
    ("31 % fail", "35 % fail"),
    ("Deployment payment", "Deployment cart"),
    ("image 1.8.2", "image 1.9.0"),
    ("commit 1234567890123456789012345678901234567890", "commit abcdefabcdefabcdefabcdefabcdefabcdefabcd"),
    ("0 errors", "1 errors"),
    ("-5", "5"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_times_ids_addresses_and_small_changes_are_no_difference(one: str, other: str) -> None:
    assert same_text(one, other)
    assert same_text(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_says_something_else_is_a_difference(one: str, other: str) -> None:
    assert not same_text(one, other)
    assert not same_value(one, other)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("93%", (93.0, "%")),
        ("1,024.5 MiB", (1024.5, "MiB")),
        ("-1e3", (-1000.0, "")),
        ("12 ms", (12.0, "ms")),
        ("1.9.0", None),
        ("payment-1", None),
        ("7c9d5", None),
        ("", None),
        ("%", None),
        ("2026-11-24", None),
    ],
)
def test_numbers_are_read_with_their_unit(text: str, value: tuple[float, str] | None) -> None:
    assert number(text) == value


_NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(_NUMBERS, _NUMBERS, st.floats(0, 1))
def test_sameness_of_numbers_is_symmetric_and_has_no_gap(one: float, other: float, tolerance: float) -> None:
    assert same_number(one, one, 0)
    assert same_number(one, other, tolerance) == same_number(other, one, tolerance)
    if same_number(one, other, 0):
        assert same_number(one, other, tolerance)


@given(st.text())
def test_settling_twice_is_settling_once(text: str) -> None:
    once = settled(text)
    assert same_text(text, text)
    assert settled(once) == once or "<" in text or any(char.isdigit() for char in text)


_WORDS = st.sampled_from(["payment", "cart", "checkout", "", "a b", "12 ms", "03:40", "5 %", "5.001 %", "x1"])
Row: TypeAlias = tuple[str, str, str]
_ROWS = st.lists(st.tuples(_WORDS, _WORDS, _WORDS), max_size=5)


def _table(rows: list[Row]) -> Table:
    return Table(("name", "what", "value"), tuple(rows))


@given(_ROWS, st.randoms())
def test_order_of_rows_is_no_difference_where_rows_have_words(rows: list[Row], random: Any) -> None:
    worded = [(f"row {row[0]}", *row[1:]) for row in rows]
    mixed = list(worded)
    random.shuffle(mixed)
    assert list(compare_tables(_table(worded), _table(mixed))) == []


@given(_ROWS, _ROWS)
def test_tables_compare_alike_from_both_sides(one: list[Row], other: list[Row]) -> None:
    there, back = (list(compare_tables(_table(a), _table(b))) for a, b in ((one, other), (other, one)))
    count = {kind: sum(cell.change == kind for cell in there) for kind in ("appeared", "went", "changed")}
    assert count["appeared"] == sum(cell.change == "went" for cell in back)
    assert count["went"] == sum(cell.change == "appeared" for cell in back)
    assert count["changed"] == sum(cell.change == "changed" for cell in back)
    assert len(one) - len(other) == count["went"] - count["appeared"]


@given(st.lists(st.text("abcdef", min_size=1, max_size=6), min_size=1, max_size=6, unique=True), st.data())
def test_one_changed_cell_is_found_as_that_cell(names: list[str], data: st.DataObject) -> None:
    rows = [(f"the {name}", "same", str(10 * place)) for place, name in enumerate(names, start=1)]
    place = data.draw(st.integers(0, len(rows) - 1))
    changed = [*rows[:place], (rows[place][0], "same", "7"), *rows[place + 1 :]]
    (cell,) = compare_tables(_table(rows), _table(changed))
    assert (cell.row, cell.column, cell.before, cell.after) == (rows[place][0], "value", rows[place][2], "7")


def test_columns_that_came_and_went_are_named() -> None:
    before = Table(("name", "old"), (("a b", "1"),))
    after = Table(("name", "new"), (("a b", "1"),))
    assert [(one.change, one.column, one.row) for one in compare_tables(before, after)] == [
        ("appeared", "new", ""),
        ("went", "old", ""),
    ]


def _run(**changes: Any) -> Run:
    fields: dict[str, Any] = {
        "id": "20261124T034500000Z-aaaaaa",
        "runbook": "probe",
        "title": "Probe",
        "trigger": "manual",
        "requested_by": "",
        "parameters": {},
        "status": "succeeded",
        "started_at": AT,
        "finished_at": AT + timedelta(seconds=1),
        "source_digest": "sha256:0",
    }
    return Run.model_validate({**fields, **changes})


def _cell(source: str, *outputs: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": metadata}


def _said(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def test_an_inserted_cell_is_one_difference_and_those_after_it_are_matched() -> None:
    before = {"cells": [_cell("a", _said("1\n")), _cell("b", _said("2\n"))]}
    after = {"cells": [_cell("a", _said("1\n")), _cell("new", _said("x\n")), _cell("b", _said("2\n"))]}
    found = compare(RunContents(_run(), contents(before)), RunContents(_run(), contents(after)))
    assert [(one.part, one.change, one.what) for one in found.differences] == [("cell", "appeared", "new")]


def test_cell_of_parameters_is_left_to_the_parameters() -> None:
    cells = [[_cell(f"x = {n}", tags=["injected-parameters"]), _cell("a")] for n in (1, 2)]
    one, other = (RunContents(_run(), contents({"cells": some})) for some in cells)
    assert compare(one, other).same


def test_tolerance_decides_about_numbers() -> None:
    one, other = (
        RunContents(_run(), contents({"cells": [_cell("a", _said(f"{value} req/s"))]})) for value in (100, 104)
    )
    assert not compare(one, other, tolerance=0.01).same
    assert compare(one, other, tolerance=0.05).same


def test_outputs_are_read_as_what_they_are() -> None:
    html = (
        "<style>p{}</style><p>Before &amp; after</p><table><thead><tr><th></th><th>a</th><th>a</th></tr></thead>"
        "<tbody><tr><th>0</th><td>x<br>y</td></tr></tbody></table>"
    )
    figure = {
        "data": [{"name": "p", "y": {"dtype": "f8", "bdata": "AAAAAAAA8D8AAAAAAAAAQA=="}}, {"y": [None, 3]}, {}],
        "layout": {"title": {"text": "<b>T</b> x"}},
    }
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": ["a\x1b[31m", "b"]},
        {"output_type": "stream", "name": "stdout", "text": "c"},
        {"output_type": "display_data", "data": {"text/html": html}},
        {"output_type": "display_data", "data": {"application/vnd.plotly.v1+json": figure}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []},
    ]
    (cell,) = contents({"cells": [_cell("a", *outputs)]})
    text, table, words, chart, error = cell.shown
    assert (text, words, error) == (Text("abc"), Text("Before & after"), Text("ValueError: no"))
    assert table == Table(("", "a", "a (2)"), (("0", "xy", ""),))
    assert isinstance(chart, Chart)
    assert (chart.title, [trace.name for trace in chart.traces]) == ("T", ["p", "series 2", "series 3"])
    assert chart.traces[0].measures == {"points": 2, "minimum": 1, "maximum": 2, "mean": 1.5, "last": 2}
    assert chart.traces[1].measures["last"] == 3
    assert chart.traces[2].measures == {"points": 0}
