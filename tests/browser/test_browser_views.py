"""Each view in a real browser, on one page that loads the built module as anywidget would: mouse, keys, axe-core."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browser.visits import Chromium, Visit
from npm import node_modules
from playwright.sync_api import Locator, Page, expect
from widgets.recorded_turn import ERRORS_CHART, INVESTIGATION, LOG_TABLE, NOW, ONSET, TRACE_CHART

from autodevops.analysis.chart_data import log_table, trace_chart
from autodevops.domain.chart import MapCall, MapService, Mark, ServiceMap
from autodevops.domain.logs import LogRecord
from autodevops.domain.trace import Span, Trace
from autodevops.widgets import STATIC
from autodevops.widgets.views import Drawable, view_of

ALERTS = tuple(
    Mark(at=ONSET + timedelta(seconds=300 + 9 * n), kind="alert", label=f"HighErrorRate{n}") for n in range(6)
)
LONG = trace_chart(
    "Five hundred spans",
    Trace(
        trace_id="ab" * 16,
        spans=tuple(
            Span(
                span_id=str(n),
                parent_span_id=str(n // 4) if n > 1 else "",
                service=f"svc-{n % 7}",
                name=f"op {n}",
                start=NOW + timedelta(milliseconds=n),
                duration_ms=900 - n,
                status="error" if n == 480 else "unset",
                attributes={"user.id": n},
            )
            for n in range(1, 501)
        ),
    ),
)
LINES = log_table(
    "Four thousand lines",
    [
        LogRecord(
            timestamp=NOW - timedelta(seconds=n),
            body=f"cannot reach 10.0.0.{n % 250}" if n % 50 == 7 else f"request {n} answered in {n % 90} ms",
            severity="error" if n % 50 == 7 else "info",
            attributes={"pod": f"cart-{n % 2}"},
        )
        for n in range(4000)
    ],
)
MAP = ServiceMap(
    title="Who calls whom",
    services=(
        MapService(id="web", name="web", role="suffers", rate=40.0, error_ratio=0.2, latency_s=0.3),
        MapService(id="cart", name="cart", rate=12.0, error_ratio=0.0, latency_s=0.04),
        MapService(id="pay", name="pay", role="suspect", rate=9.0, error_ratio=0.31, latency_s=0.5),
        MapService(id="db", name="ledger-db", kind="postgresql"),
    ),
    calls=(
        MapCall(caller="web", callee="cart", count=9),
        MapCall(caller="web", callee="pay", count=9, failed=4, latency_s=0.4, on_path=True),
        MapCall(caller="pay", callee="db"),
    ),
    evidence=(),
)
NOUNS: dict[str, Drawable] = {
    "metric": ERRORS_CHART.model_copy(update={"marks": (*ERRORS_CHART.marks, *ALERTS)}),
    "trace": trace_chart(TRACE_CHART.title, TRACE_CHART.trace, TRACE_CHART.evidence),
    "long": LONG,
    "logs": LINES,
    "few": LOG_TABLE,
    "map": MAP,
    "causes": INVESTIGATION,
}
# The least that anywidget does for a module: a model with a trait, an element to draw into.
HOST = """
const [code, charts] = JSON.parse(document.querySelector("#data").textContent);
const views = await import(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
for (const [name, chart] of Object.entries(charts)) {
  const el = document.querySelector("main").appendChild(document.createElement("div"));
  el.id = name;
  views.default.render({model: {get: () => chart, on() {}, off() {}}, el});
}
document.body.dataset.ready = "yes";
"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    charts = {name: view_of(noun).chart for name, noun in NOUNS.items()}
    data = json.dumps([(STATIC / "views.js").read_text(), charts]).replace("</", r"<\/")
    style = (STATIC / "views.css").read_text()
    page = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Views</title>
<style>@media (prefers-color-scheme: dark) {{ body {{ background: #121419 }} }} {style}</style>
<body><main></main><script id="data" type="application/json">{data}</script>
<script type="module">{HOST}</script></body></html>"""
    file = tmp_path_factory.mktemp("views") / "views.html"
    file.write_text(page)
    return file


@pytest.fixture(scope="module")
def visit(chromium: Chromium, page_file: Path) -> Iterator[Visit]:
    with chromium.visit() as found:
        opened(found, page_file)
        yield found
        assert found.errors == []
        assert all(host.startswith("file:") for host in found.hosts)


def opened(visit: Visit, file: Path) -> Page:
    visit.page.goto(file.as_uri())
    visit.page.locator("body[data-ready]").wait_for()
    return visit.page


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"))


def drag(page: Page, target: Locator, start: float, end: float) -> None:
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], y, steps=4)
    page.mouse.up()


def test_a_chart_is_read_zoomed_and_reset_by_mouse_and_by_keys(visit: Visit) -> None:
    page, part = visit.page, visit.page.locator("#metric")
    plot, tip = part.locator(".adj-plot"), part.locator(".adj-tip")
    plot.hover()
    expect(tip.locator(".adj-tip-row")).to_have_count(4)
    expect(tip).to_contain_text("UTC")
    ticks = part.locator(".adj-tick").all_text_contents()
    drag(page, plot, 0.5, 0.75)
    expect(part.get_by_role("button", name="Reset zoom")).to_be_visible()
    assert part.locator(".adj-tick").all_text_contents() != ticks
    page.keyboard.press("Escape")
    plot.focus()
    page.keyboard.press("0")
    expect(part.get_by_role("button", name="Reset zoom")).to_be_hidden()
    page.keyboard.press("End")
    latest = tip.locator(".adj-tip-time").text_content()
    page.keyboard.press("ArrowLeft")
    assert tip.locator(".adj-tip-time").text_content() != latest
    page.keyboard.press("+")
    expect(part.get_by_role("button", name="Reset zoom")).to_be_visible()
    part.get_by_role("button", name="Reset zoom").click()
    part.get_by_role("button", name="cart").click()
    expect(part.locator(".adj-line")).to_have_count(3)
    part.get_by_role("button", name="cart").click()


@pytest.mark.parametrize("width", [320, 1400])
def test_labels_of_marks_do_not_cover_each_other(chromium: Chromium, page_file: Path, width: int) -> None:
    with chromium.visit(width=width) as narrow:
        page = opened(narrow, page_file)
        page.locator("#metric .adj-mark text").first.wait_for()
        boxes = [label.bounding_box() for label in page.locator("#metric .adj-mark text").all()]
        spots = [(b["x"], b["y"], b["x"] + b["width"], b["y"] + b["height"]) for b in boxes if b]
        assert len(spots) >= 3
        for number, (left, top, right, bottom) in enumerate(spots):
            assert right <= width
            for x1, y1, x2, y2 in spots[number + 1 :]:
                assert right <= x1 or x2 <= left or bottom <= y1 + 3 or y2 <= top + 3
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_waterfall_folds_is_searched_and_walked_by_keys(visit: Visit) -> None:
    page, part = visit.page, visit.page.locator("#trace")
    rows = part.locator('[role="row"][aria-level]')
    expect(rows).to_have_count(9)
    rows.first.focus()
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("+8")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    assert focused(page).startswith("payment CardProcessor.charge")
    assert "on the critical path" in focused(page)
    page.keyboard.press("Enter")
    expect(part.locator(".adj-span-detail")).to_contain_text("http.request.method")
    page.keyboard.press("Enter")
    part.get_by_role("searchbox").fill("http.response.status_code=500 payment")
    expect(part.locator(".adj-hits")).to_have_text("3 spans")
    expect(part.locator(".adj-span-hit")).to_have_count(3)
    page.keyboard.press("Enter")
    assert focused(page).startswith("checkout POST payment")
    part.get_by_role("searchbox").fill("")
    part.get_by_role("button", name="Collapse all").click()
    part.get_by_role("button", name="Next failed span").click()
    assert "failed" in focused(page)


def test_a_long_trace_draws_the_rows_in_sight_and_reaches_the_last(visit: Visit) -> None:
    page, part = visit.page, visit.page.locator("#long")
    assert part.locator('[role="row"][aria-level]').count() < 120
    grid = part.get_by_role("treegrid")
    part.get_by_role("button", name="Collapse all").click()
    part.get_by_role("button", name="Expand all").click()
    expect(grid).to_have_attribute("aria-rowcount", "501")
    part.locator('[role="row"][tabindex="0"]').focus()
    page.keyboard.press("End")
    expect(part.locator('[role="row"]:focus')).to_have_attribute("aria-rowindex", "501")
    page.keyboard.press("Home")
    expect(part.locator('[role="row"]:focus')).to_have_attribute("aria-rowindex", "2")
    part.get_by_role("searchbox").fill("user.id=377")
    expect(part.locator(".adj-span-hit")).to_be_visible()
    part.get_by_role("button", name="Next failed span").click()
    expect(part.locator('[role="row"]:focus')).to_contain_text("op 480")


def test_logs_are_filtered_by_level_word_time_and_pattern(visit: Visit) -> None:
    page, part = visit.page, visit.page.locator("#logs")
    said = part.locator("header [role=status]")
    expect(said).to_have_text("4000 lines")
    assert part.locator(".adj-log").count() < 120
    part.get_by_role("button", name="info 3920").click()
    expect(said).to_have_text("80 of 4000 lines")
    part.get_by_role("button", name="info 3920").click()
    part.get_by_role("searchbox").fill("reach -10.0.0.7")
    expect(said).to_have_text("64 of 4000 lines")
    page.keyboard.press("Escape")
    expect(said).to_have_text("4000 lines")
    drag(page, part.locator(".adj-histogram"), 0.3, 0.5)
    expect(part.get_by_role("button", name="Show any time")).to_be_visible()
    expect(said).to_contain_text("of 4000 lines")
    part.get_by_role("button", name="Show any time").click()
    part.locator(".adj-histogram").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("of 4000 lines")
    page.keyboard.press("Escape")
    expect(said).to_have_text("4000 lines")
    part.get_by_role("button", name="Patterns 2").click()
    part.get_by_role("button", name="cannot reach").click()
    expect(said).to_have_text("80 of 4000 lines")
    part.get_by_role("button", name="Show all patterns").click()


def test_a_line_opens_by_key_and_shows_its_neighbours(visit: Visit) -> None:
    page, part = visit.page, visit.page.locator("#few")
    part.locator(".adj-log-line").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(part.locator(".adj-log-detail")).to_contain_text("<script>alert(1)</script>")
    part.get_by_role("button", name="Show context").click()
    here = part.locator(".adj-context-lines .adj-log-here")
    expect(here).to_contain_text("order received")
    assert part.locator(".adj-context-lines [role=listitem]").count() > 3
    assert page.locator("script").count() == 2  # the page's own


def test_a_map_is_walked_along_calls_and_zoomed(visit: Visit) -> None:
    page, part = visit.page, visit.page.locator("#map")
    expect(part.locator("header")).to_contain_text("suspect: pay")
    part.get_by_role("button", name="web suffers from it").focus()
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("cart")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("pay suspected cause")
    page.keyboard.press("Enter")
    expect(part.locator(".adj-map-about")).to_contain_text("9 calls seen, 4 failed")
    expect(part.locator(".adj-map-about")).to_contain_text("configured, not seen in a trace")
    before = part.locator(".adj-map-plot > g").get_attribute("transform")
    part.get_by_role("button", name="Zoom in").click()
    assert part.locator(".adj-map-plot > g").get_attribute("transform") != before
    part.get_by_role("button", name="Show the whole map").click()
    part.get_by_role("button", name="Calls as a table").click()
    expect(part.get_by_role("table").locator("tbody tr")).to_have_count(3)


def test_a_cause_opens_to_for_against_and_why_it_is_ahead(visit: Visit) -> None:
    part = visit.page.locator("#causes")
    part.get_by_role("button").first.press("Enter")
    expect(part).to_contain_text("Errors start 40 s after revision 7 was created.")
    expect(part).to_contain_text("93 % against 21 %")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(chromium: Chromium, page_file: Path, dark: bool) -> None:
    with chromium.visit(dark=dark) as fresh:
        page = opened(fresh, page_file)
        page.locator("#few .adj-log-line").first.click()
        page.locator("#trace [aria-level]").last.click()
        page.locator("#map .adj-map-box").first.click()
        page.locator("#causes button").first.click()
        page.evaluate((node_modules() / "axe-core" / "axe.min.js").read_text())
        found = page.evaluate("axe.run('main', {resultTypes: ['violations']})")
        assert [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]] == []
