"""Takes every picture of README and docs, `make pictures`: the real surfaces over the sandbox, in Chromium.

Nothing is played back: an incident is opened, a runbook is run, a change is proposed, questions are asked, and what a
person would then see is kept as WebP. `images/made-from.json` says which front ends the pictures show; `make docs`
tells when those have changed since. Look at each picture before you commit it.

`PYTHONPATH=tests python docs/pictures.py [NAME ...]`
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from browser.visits import QUIET, TOKEN, environment_for, lab, run_all, voila, write_notebook
from playwright.sync_api import Browser, Page, expect, sync_playwright
from programs import require

from autodevops.cli.processes import free_port, running, wait_until_answers
from autodevops.kernel.ids import bytes_digest
from autodevops.sandbox import Sandbox
from autodevops.widgets import STATIC

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGES = REPOSITORY / "docs" / "images"
MADE_FROM = IMAGES / "made-from.json"
QUALITY = 82  # of WebP: below it grey text on white gets a halo
PLENTY_MS = 240_000  # a bound for a busy machine
CHECKOUTS = "Why are checkouts failing?"
VIEWS = """\
from autodevops import investigate, traces
from autodevops.domain.chart import MetricChart, ServiceMap, TraceChart
from IPython.display import display
found = investigate(namespace="shop")
for kind in (MetricChart, ServiceMap, TraceChart):
    display(*[chart for chart in found.charts if isinstance(chart, kind)][:1])"""
RATE = """\
from autodevops import logs, metrics
metrics.range('sum by (service) (rate(http_server_request_duration_seconds_count{namespace="shop"}[2m]))', "30m")"""
LINES = """logs.query('{namespace="shop"} |= "error"', "10m", limit=200)"""


@dataclass(frozen=True)
class Stage:
    """The sandbox with its incident, and how the surfaces over it are started."""

    folder: Path
    environment: Mapping[str, str]
    browser: Browser

    def autodevops(self, *words: str) -> str:
        command = [sys.executable, "-m", "autodevops", *words]
        return subprocess.run(command, env=dict(self.environment), capture_output=True, text=True, check=True).stdout

    @contextmanager
    def page(self, width: int, height: int, *, dark: bool = False) -> Iterator[Page]:
        scheme = "dark" if dark else "light"
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        context.set_default_timeout(PLENTY_MS)
        yield context.new_page()
        context.close()


@contextmanager
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pictures-")))
        sandbox = stack.enter_context(Sandbox(scenario="bad-deploy", seed=1))
        sandbox.write_kubeconfig(folder / "kubeconfig")
        ours = {
            "KUBECONFIG": str(folder / "kubeconfig"),
            "XDG_STATE_HOME": str(folder / "state"),
            "AUTODEVOPS_PORTAL__TOKEN": TOKEN,
            "AUTODEVOPS_PORTAL__ANSWERS_AS": "alice",
            "AUTODEVOPS_SCARLET__ARTIFACTS": str(folder / "artifacts"),
            "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
            "AUTODEVOPS_EXECUTOR__APPROVERS": '["alice"]',
            "AUTODEVOPS_INVESTIGATION__NAMESPACE": "shop",
        }
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=require("chromium", "chromium"), args=list(QUIET))
        yield Stage(folder, environment_for(folder, sandbox.environment() | ours), browser)
        browser.close()


@contextmanager
def portal(on: Stage) -> Iterator[str]:
    """The portal of a shift that has work: an incident, a question to people, a run with its report."""
    on.autodevops("incident", "open", "-n", "shop", "--window", "60", "--severity", "critical")
    on.autodevops("runbook", "run", "namespace-health", "-p", "namespace=shop")
    on.autodevops("act", "restart_workload", "--why", "It holds stale connections", *_deployment("catalog"))
    port, log = free_port(0), on.folder / "portal.log"
    command = [sys.executable, "-m", "autodevops", "portal", "--port", str(port)]
    with running(command, dict(on.environment), log) as child:
        wait_until_answers(f"http://127.0.0.1:{port}/login", child, log)
        yield f"http://127.0.0.1:{port}/?token={TOKEN}"


def _deployment(name: str) -> list[str]:
    return ["-p", "namespace=shop", "-p", "workload=Deployment", "-p", f"name={name}"]


def ask(page: Page, question: str) -> None:
    box = page.get_by_label("Question for Jamie")
    box.fill(question)
    box.press("Enter")
    turn = page.locator(".adj-turn", has_text=question).last
    expect(turn).to_have_attribute("data-status", "done", timeout=PLENTY_MS)
    turn.scroll_into_view_if_needed()
    page.mouse.move(0, 0)


def overview(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_text(re.compile(r"^Updated \d\d:\d\d:\d\d UTC$"))).to_be_visible(timeout=PLENTY_MS)
    expect(page.locator(".adp-services tbody tr").first).to_be_visible(timeout=PLENTY_MS)


def of_the_portal(on: Stage, keep: Callable[[Page, str], None]) -> None:
    with portal(on) as address:
        with on.page(1440, 900) as page:
            overview(page, f"{address}&namespace=shop")
            ask(page, "Why is payment failing in shop?")
            keep(page, "portal")
            page.locator('[data-section="runs"]').get_by_role("button").first.click()
            report = page.frame_locator("iframe").locator(".chart img").first
            report.wait_for()
            report.scroll_into_view_if_needed()
            keep(page, "report")
        with on.page(1440, 900, dark=True) as page:
            overview(page, f"{address}&namespace=shop&incident=last")
            ask(page, "What caused this?")
            keep(page, "incident")


def of_the_chat(on: Stage, keep: Callable[[Page, str], None]) -> None:
    with voila(on.folder, on.environment, REPOSITORY / "notebooks" / "jamie.ipynb") as server:
        with on.page(1280, 900) as page:
            page.goto(server.url)
            ask(page, CHECKOUTS)
            keep(page, "jamie-answer")
        for name, dark in (("jamie-light", False), ("jamie-dark", True)):
            with on.page(1240, 1010, dark=dark) as page:
                page.goto(server.url)
                ask(page, "status?")
                ask(page, CHECKOUTS)
                page.locator(".adj-turn").last.locator(".adj-chip").nth(1).click()
                keep(page, name)


def of_the_views(on: Stage, keep: Callable[[Page, str], None]) -> None:
    notebook = write_notebook(on.folder / "views.ipynb", VIEWS)
    with voila(on.folder, on.environment, notebook) as server, on.page(1000, 1400) as page:
        page.goto(server.url)
        page.locator(".adv").nth(2).wait_for()
        page.locator(".adv").first.hover(position={"x": 500, "y": 160})
        keep(page, "views")


def of_the_library(on: Stage, keep: Callable[[Page, str], None]) -> None:
    write_notebook(on.folder / "library.ipynb", RATE, LINES)
    with lab(on.folder, on.environment) as server, on.page(1240, 1080, dark=True) as page:
        page.goto(server.url.format(name="library"))
        run_all(page)
        page.locator(".adv").nth(1).wait_for()
        keep(page, "library")


SHOWS = (of_the_portal, of_the_chat, of_the_views, of_the_library)


def fingerprints() -> dict[str, str]:
    """The front ends as they are now."""
    return {path.name: bytes_digest(path.read_bytes()) for path in sorted(STATIC.glob("*.[jc]s*"))}


def main() -> None:
    wanted = set(sys.argv[1:])

    def keep(page: Page, name: str) -> None:
        shot = page.context.new_cdp_session(page).send(
            "Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "optimizeForSpeed": False}
        )
        picture = base64.b64decode(shot["data"])
        (IMAGES / f"{name}.webp").write_bytes(picture)
        print(f"{name}.webp: {len(picture) / 1000:.0f} kB")

    with stage() as on:
        for show in SHOWS:
            if not wanted or show.__name__.removeprefix("of_the_") in wanted:
                show(on, keep)
    if not wanted:
        MADE_FROM.write_text(json.dumps(fingerprints(), indent=1) + "\n")


if __name__ == "__main__":
    main()
