"""What edits and failures have in common, what kind of edit it is, and how changes compete."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.analysis.diffs import Edit, kind_of, read_edit
from autodevops.analysis.edit_kinds import only_tells, takes_minor_versions
from autodevops.analysis.odds import Clue, shares, told
from autodevops.analysis.shared_words import in_common, rarity, spoken_of, stem, stems
from autodevops.analysis.worse_operations import worse_operations
from autodevops.domain.trace import Span


def _edit(patch: str, path: str = "orders/a.go") -> Edit:
    return read_edit(path, patch)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lockAccounts", 'relation "accounts"'),
        ("index_rooms_on_floor_id", "WHERE floor = $1"),
        ("validateCard", "card validation"),
        ("HTTPTimeout", "timeouts"),
    ],
)
def test_names_are_of_one_matter_by_a_part(one: str, other: str) -> None:
    assert stems([one]) & stems([other])


def test_words_of_english_and_ids_are_of_no_matter() -> None:
    assert not stems(["it is not the only one that should have been", "8f3a2174bdaabb", "0xdeadbeef"])


@given(st.text())
def test_a_stem_is_a_beginning_of_its_word(word: str) -> None:
    assert word.lower().startswith(stem(word))


def test_what_stands_on_one_side_counts_in_full_and_what_only_surrounds_it_counts_less() -> None:
    spoken = spoken_of(
        [_edit("@@ -1 +1 @@ func Fold(\n \tribbon := 1\n-\treturn parcel.knot(x)\n+\treturn parcel.bow(x)")]
    )
    assert spoken["knot"] == spoken["bow"] == 1.0
    assert 0 < spoken["parcel"] == spoken["ribbon"] == spoken["fold"] < 1


def test_a_line_that_moves_to_another_file_counts_no_more_than_what_surrounds_it() -> None:
    moved = [_edit("@@ -1 +0,0 @@\n-knot(x)"), _edit("@@ -0,0 +1 @@\n+knot(x)", "orders/b.go")]
    assert "knot" not in spoken_of(moved)


def test_what_all_edits_speak_of_tells_nothing() -> None:
    edits = [[_edit(f"@@ -1 +1 @@\n+parcel({name})")] for name in ("knot", "bow", "wax", "tape", "glue")]
    shared = in_common(spoken_of(edits[0]), frozenset({"parcel", "knot"}), frozenset(), rarity(edits))
    assert shared["knot"] > 0.7
    assert shared["parcel"] < 0.1


def test_an_operation_that_is_done_worse_counts_in_full_wherever_it_stands() -> None:
    edits = [[_edit("@@ -1 +1 @@ func Fold(\n-a(x)\n+b(x)")], [_edit("@@ -1 +1 @@\n+c(x)")]]
    said, worse = (
        in_common(spoken_of(edits[0]), stated, done, rarity(edits))["fold"]
        for stated, done in ((frozenset({"fold"}), frozenset[str]()), (frozenset[str](), frozenset({"fold"})))
    )
    assert worse == pytest.approx(2 * said)


@pytest.mark.parametrize(
    ("patch", "tells"),
    [
        ('@@ -1 +1 @@\n+\tlog.Info("entry", id)', True),
        ('@@ -1 +1 @@\n+import logging\n+logger.debug("rule %s", rule)', True),
        ("@@ -1 +1 @@\n+\tseen.Inc()\n+\tmetrics.counter('seen')", False),
        ('@@ -1 +1 @@\n-\tretry(x)\n+\tlog.Info("no retry")', False),
        ("@@ -1 +1 @@\n+\tcatalog.Load(x)", False),
        ("@@ -1 +1 @@\n+    debug!(voucher = %id)", True),
        ("@@ -1 +1 @@\n+    bail!(voucher)", False),
        ("", False),
    ],
)
def test_an_edit_that_only_tells_more_is_known(patch: str, tells: bool) -> None:
    assert only_tells([_edit(patch)]) is tells


@pytest.mark.parametrize(
    ("old", "new", "minor"),
    [("v1.2.3", "v1.3.0", True), ("v1.2.3", "v2.0.0", False), ("4.6", "5.0.1", False), ("v0.2.1", "v0.2.2", True)],
)
def test_a_new_major_version_is_told_from_a_minor_one(old: str, new: str, minor: bool) -> None:
    assert takes_minor_versions([_edit(f"@@ -1 +1 @@\n-acme/knot {old}\n+acme/knot {new}", "go.mod")]) is minor


def test_an_edit_of_code_takes_no_versions() -> None:
    assert not takes_minor_versions([_edit("@@ -1 +1 @@\n-v := 1.2\n+v := 1.3")])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("monitoring/rules/orders.yaml", "pipeline"),
        ("deploy/grafana/panels.json", "pipeline"),
        ("monitoring/agent.go", "code"),
        ("orders/alerting.yaml", "config"),
    ],
)
def test_rules_and_panels_do_not_run_where_requests_are_served(path: str, kind: str) -> None:
    assert kind_of(path) == kind


# --- operations ---

_START = datetime(2026, 3, 9, tzinfo=UTC)


def _span(name: str, ms: float, parent: str = "", *, key: str = "", status: str = "ok") -> Span:
    return Span.model_validate(
        {
            "span_id": key or name,
            "parent_span_id": parent,
            "service": "s",
            "name": name,
            "start": _START,
            "duration_ms": ms,
            "status": status,
        }
    )


def test_the_innermost_operation_that_slowed_down_is_the_one() -> None:
    good = [_span("GET /x", 30), _span("fold", 20, "GET /x"), _span("tie", 5, "fold")]
    bad = [_span("GET /x", 930), _span("fold", 920, "GET /x"), _span("tie", 905, "fold")]
    assert worse_operations(bad, good) == {"tie"}


def test_an_operation_that_fails_is_one_but_not_the_request_around_it() -> None:
    bad = [_span("GET /x", 30, status="error"), _span("fold", 20, "GET /x", status="error")]
    assert worse_operations(bad, []) == {"fold"}


def test_an_operation_that_is_repeated_is_one() -> None:
    good = [_span("GET /x", 30), _span("tie", 2, "GET /x")]
    bad = [_span("GET /x", 60), *(_span("tie", 2, "GET /x", key=f"tie{n}") for n in range(20))]
    assert worse_operations(bad, good) == {"tie"}


def test_nothing_is_done_worse_where_all_is_as_usual() -> None:
    usual = [_span("GET /x", 30), _span("fold", 20, "GET /x")]
    assert worse_operations(usual, usual) == frozenset()


# --- odds ---


@given(st.lists(st.lists(st.floats(0.1, 30.0), max_size=4), max_size=6), st.floats(0.1, 10.0))
def test_shares_of_all_and_of_none_add_up_to_one(times: list[list[float]], none: float) -> None:
    found = shares([[Clue(one) for one in each] for each in times], none)
    total = none + sum(_product(each) for each in times)
    assert sum(found) + none / total == pytest.approx(1.0)


def _product(each: list[float]) -> float:
    product = 1.0
    for one in each:
        product *= one
    return product


def test_a_rival_takes_from_the_share_of_the_best() -> None:
    best, rival = [Clue(4.0)], [Clue(2.0)]
    assert shares([best], 1.0)[0] > shares([best, rival], 1.0)[0] > 0.5


def test_what_speaks_against_it_is_not_told_in_its_favour() -> None:
    clues = [Clue(0.3, "only logs"), Clue(2.0, "went live just as it began"), Clue(5.0, "speaks of what fails")]
    assert told(clues) == "speaks of what fails and went live just as it began"
