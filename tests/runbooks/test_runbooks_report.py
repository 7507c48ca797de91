"""The page of a bundle: safe, whole, small enough, and silent on the network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest
from programs import require
from runbook_files import write_runbook
from runbooks.investigations import HOSTILE, investigation

from autodevops.domain.chart import Mark, MetricChart
from autodevops.domain.run import Run
from autodevops.kernel.clock import utc_now
from autodevops.runbooks import RunRequest, load_runbook, render, run_runbook
from autodevops.runbooks.files import PLOTLY_MIME, clean
from autodevops.runbooks.report import MAXIMUM_BYTES, report
from autodevops.runbooks.still import still

DRAWN = {"svg", "style", "rect", "text", "line", "path", "circle"}
TESTS = str(Path(__file__).parent)

CELLS = [
    f"#md # Title\n\nHow it is.\n\n| a | b |\n|---|---|\n| 1 | {HOSTILE} |",
    f"import sys; sys.path.insert(0, {TESTS!r})\n"
    "from investigations import investigation, HOSTILE\n"
    "from autodevops.runbooks import render\n"
    "from IPython.display import HTML, SVG, Markdown, display\n"
    "found = investigation()\n"
    "Markdown(render.verdict(found))",
    "#md ## Candidate causes",
    "render.show(render.hypotheses(found)); render.show(render.claims(found))",
    "#md ## Next steps",
    "render.show(render.actions(found))",
    "#md ## What was seen",
    "render.show(render.charts(found))",
    "#md ## Timeline",
    "render.show(render.timeline(found))",
    "#md ## Evidence",
    "render.show(render.evidence(found)); render.show(render.missing(found))",
    "print(HOSTILE); print('\\x1b[31mred\\x1b[0m'); sys.stderr.write('careful')",
    'HTML(\'<style>p{color:red}</style><p onclick="x()" style="background:url(http://evil.example/)">\'\n'
    "     + HOSTILE + '</p>')",
    'SVG(\'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="9" height="9"/></svg>\')',
    "import ipywidgets\nipywidgets.Text('a-token-nobody-should-keep')",
    "{'key': HOSTILE}",
    "raise ValueError(HOSTILE)",
]


class Page(HTMLParser):
    """What a page would load, and the scripts it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asks: list[str] = []
        self.handlers: list[str] = []
        self.tags: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag
        if tag in {"script", "style"}:
            (self.scripts if tag == "script" else []).append((dict(attrs).get("type") or "", ""))
        for name, value in attrs:
            if name in {"src", "srcset", "href", "action", "data", "poster", "background"} and tag != "a":
                self.asks.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "style":
                self.styles.append(value or "")
            if tag == "a" and name == "href":
                assert (value or "").startswith(("http://", "https://", "mailto:", "#", "evidence/ev-")), value

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        elif self._inside == "style":
            self.styles.append(data)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    runbook = load_runbook(write_runbook(folder / "runbooks", CELLS, title="Namespace health"))
    return run_runbook(RunRequest(runbook, requested_by="tests"), artifacts=folder / "artifacts", clock=utc_now).folder


@pytest.fixture(scope="module")
def page(bundle: Path) -> str:
    return (bundle / "report.html").read_text()


def test_only_the_last_cell_failed(bundle: Path) -> None:
    statuses = [cell["status"] for cell in json.loads((bundle / "manifest.json").read_text())["cells"]]
    assert statuses == ["succeeded"] * (len(statuses) - 1) + ["failed"]


def test_page_refers_to_nothing_outside_itself(page: str) -> None:
    parsed = Page(page)
    assert all(ask.startswith("data:") for ask in parsed.asks), parsed.asks
    assert not any(re.search(r"url\(|@import", style) for style in parsed.styles)
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(parsed.tags)
    assert parsed.handlers == []
    assert len(page.encode()) <= MAXIMUM_BYTES


def test_page_runs_its_own_two_scripts_and_no_other(page: str) -> None:
    programs = [text for kind, text in Page(page).scripts if kind != "application/json"]
    assert len(programs) == 2
    assert [text for text in programs if "alert(1)" in text] == []
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    (script_source,) = (part for part in policy[1].split(";") if "script-src" in part)
    assert script_source.count("sha256-") == 2
    assert "unsafe" not in script_source


def test_no_chart_can_be_uploaded(page: str, bundle: Path) -> None:
    parsed = Page(page)
    figures = [json.loads(text) for kind, text in parsed.scripts if kind == "application/json"]
    assert len(figures) == 4
    outputs = [output for cell in _cells(bundle) for output in cell.get("outputs", ())]
    kept = [output["data"][PLOTLY_MIME] for output in outputs if PLOTLY_MIME in output.get("data", {})]
    assert len(kept) == 4
    for figure in (*figures, *kept):
        assert "sendChartToCloud" in figure["config"]["modeBarButtonsToRemove"]
        assert figure["config"]["plotlyServerURL"] == ""
    assert "cloud.plotly.com" not in page


def test_widget_state_is_not_kept_but_its_static_twin_is(page: str, bundle: Path) -> None:
    text = (bundle / "notebook.ipynb").read_text()
    assert "widgets" not in json.loads(text)["metadata"]
    assert "application/vnd.jupyter.widget-view+json" not in text
    assert "Text(value=" in page


def test_page_in_a_browser_draws_every_chart_and_asks_no_host(bundle: Path, chromium: Any) -> None:
    requests: list[str] = []
    problems: list[str] = []
    tab = chromium.new_page(viewport={"width": 1180, "height": 900})
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
    address = (bundle / "report.html").as_uri()
    tab.goto(address)
    assert tab.locator(".chart .main-svg").count() >= 4
    tab.locator(".chart").first.hover()
    titles = tab.eval_on_selector_all(".modebar-btn", "all => all.map(b => b.dataset.title || '')")
    assert any("Download" in title for title in titles)
    assert not any("Share" in title or "cloud" in title.lower() for title in titles)
    assert [url for url in requests if url != address and not url.startswith(("data:", "blob:"))] == []
    assert problems == []
    assert not tab.locator(".still").first.is_visible()
    tab.emulate_media(media="print")
    assert tab.locator(".still img").first.is_visible()
    assert not tab.locator(".live").first.is_visible()
    tab.close()


def test_where_no_script_runs_each_chart_is_a_picture(bundle: Path, chromium: Any) -> None:
    outputs = [output["data"] for cell in _cells(bundle) for output in cell.get("outputs", ()) if "data" in output]
    drawn = ["".join(data["image/svg+xml"]) for data in outputs if PLOTLY_MIME in data]
    assert len(drawn) == 4
    for svg in drawn:
        assert {one.tag.rpartition("}")[2] for one in ElementTree.fromstring(svg).iter()} <= DRAWN
    words = " ".join(ElementTree.fromstring(drawn[0]).itertext())
    for shown in ("Error ratio", "40 %", "03:40", "payment 1.8.2 → 1.9.0", "HighErrorRate <b>firing</b>", "checkout"):
        assert shown in words
    tab = chromium.new_context(java_script_enabled=False).new_page()
    tab.goto((bundle / "report.html").as_uri())
    shown_sizes = [box for image in tab.locator(".chart img").all() if (box := image.bounding_box())]
    assert [box["width"] > 700 and box["height"] > 100 for box in shown_sizes] == [True] * 4
    tab.context.close()


@pytest.mark.parametrize(
    ("trace", "layout", "words"),
    [
        ({"x": [1, 2], "y": [3, None]}, {"title": {"text": "Gaps"}}, ["Gaps", "3"]),
        ({"x": [0], "y": [None]}, {}, ["0"]),
        (
            {
                "type": "bar",
                "x": {"dtype": "i1", "bdata": "AQI="},
                "y": {"dtype": "f8", "bdata": "AAAAAAAAJEAAAAAAAAA0QA=="},
            },
            {},
            ["20"],
        ),
        ({"type": "bar", "x": ["tea", "<i>milk</i>"], "y": [1, 20_000]}, {}, ["tea", "milk", "20k"]),
        ({"type": "bar", "orientation": "h", "y": ["a & b"], "x": [4], "text": ["4 s"]}, {}, ["a & b", "4 s"]),
        ({"type": "pie", "labels": ["tea", "milk", "tea"], "values": [2, 1, 1]}, {}, ["tea  75 %  (3)", "milk  25 %"]),
        ({"type": "pie", "values": [1], "hole": 0.5}, {}, ["100 %"]),
        ({"type": "pie", "values": [0]}, {}, []),
        (
            {"type": "heatmap", "x": ["2026-11-28T09:30:00Z"], "y": ["tea", "milk"], "z": [[1], [None]]},
            {"title": {"text": "Cups"}},
            ["Cups", "11-28 09:30", "tea", "milk"],
        ),
        (
            {"type": "heatmap", "z": {"dtype": "i1", "bdata": "AQIDBA==", "shape": "2, 2"}, "texttemplate": "%{z}"},
            {},
            ["3", "4"],
        ),
        ({"type": "heatmap", "z": [[1, 2]], "colorscale": [[0, "mint"], [1, "#000000"]]}, {}, []),
        ({"type": "heatmap", "z": [[None]]}, {}, []),
        ({"type": "sankey"}, {}, []),
        ({"x": [1], "y": ["many"]}, {}, []),
        ({}, {"shapes": 5}, []),
    ],
)
def test_a_figure_has_a_picture_or_none(trace: dict[str, Any], layout: dict[str, Any], words: list[str]) -> None:
    svg = still({"data": [trace], "layout": layout})
    said = " ".join(ElementTree.fromstring(svg).itertext()) if svg else ""
    assert bool(svg) == bool(words)
    assert [word for word in words if word not in said] == []


def test_upright_bars_stand_at_even_distances_below_the_axis_too() -> None:
    svg = still({"data": [{"type": "bar", "x": list("abcd"), "y": [1, 2, -2, 4]}], "layout": {}})
    _, *bars = (one.attrib for one in ElementTree.fromstring(svg).iter() if one.tag.endswith("rect"))
    places = [float(bar["x"]) for bar in bars]
    assert {round(b - a) for a, b in pairwise(places)} == {round(places[1] - places[0])}
    assert len({bar["width"] for bar in bars}) == 1
    assert bars[1]["height"] == bars[2]["height"]


def test_page_without_charts_has_no_scripts() -> None:
    page = report(_run(), nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("only words")])).decode()
    assert len(page) < 20_000
    assert "only words" in page
    assert Page(page).scripts == []


def test_output_too_large_for_the_page_is_left_out_with_a_word() -> None:
    output = nbformat.v4.new_output("stream", text="x" * (MAXIMUM_BYTES + 1))
    cells = [nbformat.v4.new_code_cell("1", outputs=[output]), nbformat.v4.new_markdown_cell("after it")]
    page = report(_run(), nbformat.v4.new_notebook(cells=cells))
    assert len(page) <= MAXIMUM_BYTES
    assert b"An output of 6.0 MB is left out" in page
    assert b"after it" in page


def test_page_of_a_notebook_that_cannot_be_shown_says_so(caplog: pytest.LogCaptureFixture) -> None:
    output = nbformat.v4.new_output("display_data", data={PLOTLY_MIME: {"layout": {"height": "tall"}}})
    page = report(_run(), nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])]))
    assert b"could not be made from the notebook: ValueError" in page
    assert "could not be made" in caplog.text


def test_cleaning_keeps_a_widget_that_has_no_twin() -> None:
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("display_data", data=view)])
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"x": 1}})
    clean(notebook)
    assert notebook.cells[0].outputs[0].data == view
    assert "widgets" not in notebook.metadata


def test_figures_have_units_utc_and_marks() -> None:
    found = investigation()
    ratio, latency, memory, trace, logs = render.charts(found)
    assert ratio.layout.yaxis.ticksuffix == " %"
    assert max(value for value in ratio.data[-1].y if value) > 30
    assert (ratio.data[-1].name, ratio.data[-1].line.width) == ("payment", 2)
    assert [trace.showlegend for trace in ratio.data].count(True) == 6
    assert latency.layout.yaxis.ticksuffix == " ms"
    assert memory.layout.yaxis.ticksuffix == " MiB"
    assert "UTC" in ratio.layout.title.text
    assert len(ratio.layout.shapes) == 3
    assert "&lt;b&gt;" in ratio.layout.annotations[2].text
    assert trace.data[0].base[1] == 8
    assert logs["line"].iloc[0] == HOSTILE


def test_labels_of_marks_that_are_close_take_rows_of_their_own() -> None:
    chart = investigation().charts[0]
    assert isinstance(chart, MetricChart)
    start = chart.marks[0].at
    close = [Mark(at=start + timedelta(seconds=20 * n), kind="alert", label=f"Alert{n % 4}") for n in range(8)]
    far = Mark(at=start - timedelta(minutes=30), kind="change", label="payment 1.8.1")
    figure = render.metric_figure(chart.model_copy(update={"marks": (*close, far)}))
    assert len(figure.layout.shapes) == 9
    labels = {note.text: note.yshift for note in figure.layout.annotations}
    assert sorted(labels) == ["Alert0", "Alert1", "Alert2", "Alert3", "payment 1.8.1"]
    assert len({labels[f"Alert{n}"] for n in range(4)}) == 4
    assert labels["payment 1.8.1"] == labels["Alert0"]


def test_tables_name_evidence_and_what_is_missing() -> None:
    found = investigation()
    (hypothesis,) = render.hypotheses(found).to_dict("records")
    assert hypothesis["confidence"] == "93%"
    assert [row["speaks"] for row in render.claims(found).to_dict("records")] == ["for", "against"]
    assert set(render.claims(found)["evidence"]) == {found.evidence[0].id}
    assert list(render.evidence(found)["id"]) == [found.evidence[0].id]
    (lost,) = render.missing(found).to_dict("records")
    assert lost == {
        "system": "tempo",
        "error": "unavailable: no answer",
        "queries without an answer": "1: tempo.search {status=error}",
    }


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    executable = require("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


def _cells(bundle: Path) -> list[Any]:
    cells: list[Any] = json.loads((bundle / "notebook.ipynb").read_text())["cells"]
    return cells


def _run() -> Run:
    return Run(
        id="20261124T040000000Z-abcdef",
        runbook="probe",
        title="Probe",
        trigger="manual",
        requested_by="tests",
        parameters={},
        status="succeeded",
        started_at=utc_now(),
        source_digest="sha256:" + "0" * 64,
    )
