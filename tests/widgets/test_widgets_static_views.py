"""Static twins: well-formed, self-contained, bounded, and never markup by somebody else's hand."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from widgets.recorded_turn import ERRORS_CHART, INVESTIGATION, LOG_TABLE, MAP, NOW, TRACE_CHART

from autodevops.analysis.chart_data import log_table, trace_chart
from autodevops.domain.base import Noun
from autodevops.domain.chart import LogTable, MapCall, MapService, Mark, MetricChart, ServiceMap, TraceChart
from autodevops.domain.hypothesis import Claim, Hypothesis
from autodevops.domain.logs import LogRecord
from autodevops.domain.series import Series
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Span, Trace
from autodevops.widgets.static_views import static_twin
from autodevops.widgets.static_views.service_map import layered

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=https://evil.example/x onerror=alert(1)>',
    "</style><style>*{display:none}",
    "]]><!-- --><![CDATA[",
    "</svg></div><iframe src=javascript:alert(1)>",
    "nul\x00 bell\x07 \ud800 \uffff",
    "\u202egnp.exe\u2066",
    "&lt;b&gt; &#60;script&#62; &amp;",
    "x" * 5000,
    "",
)
WIDE = tuple(MapService(id=str(n), name=f"s{n}", rate=n * 1000.0, error_ratio=n / 40) for n in range(40))
NOUNS: dict[str, Noun] = {
    "metric": ERRORS_CHART,
    "no samples": MetricChart(title="none", unit="s", series=(Series(labels={}, samples=()),), evidence=()),
    "trace": trace_chart(TRACE_CHART.title, TRACE_CHART.trace),
    "no spans": TraceChart(title="none", trace=Trace(trace_id="a", spans=()), evidence=()),
    "logs": log_table(LOG_TABLE.title, LOG_TABLE.records),
    "no lines": LogTable(title="none", records=(), evidence=()),
    "map": MAP,
    "no services": ServiceMap(title="none", services=(), calls=(), evidence=()),
    "hypotheses": INVESTIGATION,
    "no hypotheses": INVESTIGATION.model_copy(update={"hypotheses": ()}),
}


def parsed(noun: Noun) -> ET.Element:
    _, markup = static_twin(noun)
    return ET.fromstring(markup)  # our own text, which is what is tested


def said(noun: Noun) -> str:
    return " ".join("".join(parsed(noun).itertext()).split())


@pytest.mark.parametrize("name", NOUNS)
def test_a_twin_is_well_formed_and_loads_and_runs_nothing(name: str) -> None:
    _, markup = static_twin(NOUNS[name])
    names = {node.tag.rpartition("}")[2] for node in parsed(NOUNS[name]).iter()}
    assert not names & {"script", "iframe", "img", "image", "link", "object", "foreignObject", "a", "use", "animate"}
    assert set(re.findall(r"https?://[^\s\"']+", markup)) <= {"http://www.w3.org/2000/svg"}
    assert "url(" not in markup
    assert "prefers-color-scheme:dark" in markup
    assert 'data-jp-theme-light="false"' in markup


def test_the_style_of_one_twin_does_not_reach_another() -> None:
    for name, noun in NOUNS.items():
        kind = parsed(noun).attrib["class"].split()[1]
        rules = next(node.text or "" for node in parsed(noun).iter() if node.tag.endswith("style"))
        own = rules.replace(rules[: rules.rindex(".adt .k7")], "").split("}", 1)[1]
        assert set(re.findall(r"\.adt[\w-]*", own)) == {f".{kind}"}, name


def named(word: str) -> list[Noun]:
    """Every noun with `word` in every place that others write."""
    span = Span(
        span_id="1", service=word, name=word, start=NOW, duration_ms=2, status="error", status_message=word,
        attributes={word: word},
    )  # fmt: skip
    mark = Mark(at=NOW, kind="alert", label=word)
    samples = ((NOW.timestamp() - 60, 1.0), (NOW.timestamp() + 60, 2.0))
    series = (Series(labels={"a": word}, samples=samples), Series(labels={"a": "b"}, samples=samples))
    claim = Claim(text=word, evidence=(word,))
    cause = Hypothesis(
        reason=word, subject=Subject(kind=word, name=word), confidence=0.5, summary=word, supports=(claim,),
        contradicts=(claim,),
    )  # fmt: skip
    record = LogRecord(timestamp=NOW, body=word, severity=word, attributes={word: word}, trace_id=word)
    return [
        MetricChart(title=word, unit=word, series=series, marks=(mark,), evidence=()),
        trace_chart(word, Trace(trace_id=word, spans=(span,))),
        log_table(word, [record, record]),
        ServiceMap(
            title=word,
            services=(MapService(id=word, name=word, kind=word), MapService(id="b", name="b", role="suspect")),
            calls=(MapCall(caller=word, callee="b", count=1),),
            evidence=(),
        ),
        INVESTIGATION.model_copy(update={"summary": word, "hypotheses": (cause, cause)}),
    ]


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_shown_and_adds_no_element(word: str) -> None:
    for noun, harmless in zip(named(word), named("harmless"), strict=True):
        shape = [node.tag for node in parsed(noun).iter()]
        allowed = [node.tag for node in parsed(harmless).iter()]
        assert set(shape) <= set(allowed)
        assert len(shape) <= len(allowed) + 4  # an empty or long word may gain or lose a label
        if word.startswith("<script"):
            assert "<script>alert(1)" in said(noun)
        assert not any(key.lower().startswith("on") for node in parsed(noun).iter() for key in node.attrib)


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=60))
def test_any_text_gives_well_formed_markup(word: str) -> None:
    for noun in named(word):
        parsed(noun)


def test_twins_stay_small_however_much_there_is() -> None:
    times = [NOW.timestamp() + n for n in range(3_000)]
    series = tuple(
        Series(labels={"pod": f"p{n}"}, samples=tuple((at, (at * n) % 97) for at in times)) for n in range(9)
    )
    spans = tuple(
        Span(span_id=str(n), parent_span_id=str(n // 3) if n > 1 else "", service=f"s{n % 9}", name="op",
             start=NOW + timedelta(milliseconds=n), duration_ms=5, status="error" if n == 1499 else "unset")
        for n in range(1, 1500)
    )  # fmt: skip
    records = [LogRecord(timestamp=NOW, body=f"line {n} " + "y" * 900) for n in range(1000)]
    marks = tuple(Mark(at=NOW + timedelta(seconds=n), kind="alert", label=f"Alert{n}") for n in range(200))
    calls = tuple(MapCall(caller=str(n), callee=str((n * 7) % 40)) for n in range(40))
    for noun, limit in (
        (MetricChart(title="t", unit="1", series=series, marks=marks, evidence=()), 200_000),
        (TraceChart(title="t", trace=Trace(trace_id="t", spans=spans), evidence=()), 40_000),
        (LogTable(title="t", records=tuple(records), evidence=()), 70_000),
        (ServiceMap(title="t", services=WIDE, calls=calls, evidence=()), 60_000),
    ):
        assert len(static_twin(noun)[1].encode()) < limit
        parsed(noun)


def test_of_a_long_trace_what_failed_is_drawn_with_its_parents() -> None:
    spans = tuple(
        Span(span_id=str(n), parent_span_id=str(n // 3) if n > 1 else "", service="s", name=f"op-{n}",
             start=NOW, duration_ms=5, status="error" if n == 999 else "unset")
        for n in range(1, 1000)
    )  # fmt: skip
    text = said(TraceChart(title="t", trace=Trace(trace_id="t", spans=spans), evidence=()))
    for wanted in ("op-999", "op-333", "op-111", "op-1:", "and 939 more spans"):
        assert wanted in text


def test_spans_that_are_each_others_parents_are_drawn_once() -> None:
    ring = tuple(
        Span(span_id=a, parent_span_id=b, service="s", name=f"op-{a}", start=NOW, duration_ms=1)
        for a, b in ("ab", "ba")
    )
    text = said(TraceChart(title="t", trace=Trace(trace_id="t", spans=ring), evidence=()))
    assert (text.count("op-a:"), text.count("op-b:")) == (1, 1)


def test_a_gap_is_a_gap() -> None:
    start = NOW.timestamp()
    samples = tuple((start + 10 * n, None if 3 <= n < 6 else 1.0) for n in range(10))
    chart = MetricChart(title="t", unit="1", series=(Series(labels={}, samples=samples),), evidence=())
    line = next(node for node in parsed(chart).iter() if node.attrib.get("class") == "l")
    assert line.attrib["d"].count("M") == 2


def test_labels_of_alerts_within_a_minute_do_not_overlap() -> None:
    samples = tuple((NOW.timestamp() + n, 1.0) for n in range(0, 3600, 30))
    marks = tuple(Mark(at=NOW + timedelta(seconds=1800 + 7 * n), kind="alert", label=f"Alert {n}") for n in range(9))
    chart = MetricChart(title="t", unit="1", series=(Series(labels={}, samples=samples),), marks=marks, evidence=())
    spots = []
    for group in parsed(chart).iter("{http://www.w3.org/2000/svg}g"):
        if group.attrib.get("class") == "m alert":
            for label in group.iter("{http://www.w3.org/2000/svg}text"):
                size = len(label.text or "") * 6
                x = float(label.attrib["x"]) - (size if label.attrib["text-anchor"] == "end" else 0)
                spots.append((float(label.attrib["y"]), x, x + size))
    assert len(spots) >= 4
    for number, (y, left, right) in enumerate(spots):
        assert all(y != other[0] or right < other[1] or left > other[2] for other in spots[number + 1 :])


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=30), st.randoms())
def test_layers_hold_every_service_once_in_any_order(calls: list[tuple[str, str]], random: Random) -> None:
    names = list("abcdefgh")
    layers = layered(names, calls)
    assert sorted(name for layer in layers for name in layer) == names
    shuffled = list(calls)
    random.shuffle(shuffled)
    assert layered(names[::-1], shuffled) == layers


def test_callers_stand_before_callees() -> None:
    layers = layered(list("abcd"), [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("a", "d")])
    assert layers == [["a"], ["b"], ["c"], ["d"]]


def test_a_cause_says_why_it_is_before_the_next() -> None:
    text = said(INVESTIGATION)
    assert "93 % against 21 %" in text
    assert "supporting claims rest on evidence the next one does not have" in text


def test_what_has_no_view_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="LogRecord has no view"):
        static_twin(LOG_TABLE.records[0])
