"""Takes every picture of README and docs, `make pictures`: the real surfaces over the sandbox, in Chromium.

Nothing is played back: an incident is opened, a runbook is run, a change is proposed, questions are asked, and what a
person would then see is kept as PNG of 256 colours. `images/made-from.json` says which front ends the pictures show;
`make docs` tells when those have changed since. Look at each picture before you commit it.

`PYTHONPATH=tests python docs/pictures.py [NAME ...]`
"""

from __future__ import annotations

import base64
import json
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from browser.visits import QUIET, TOKEN, environment_for, lab, run_all, voila, write_notebook
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from programs import require

from autodevops.cli.processes import free_port, running, wait_until_answers
from autodevops.kernel.ids import bytes_digest
from autodevops.sandbox import Sandbox
from autodevops.widgets import STATIC

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGES = REPOSITORY / "docs" / "images"
MADE_FROM = IMAGES / "made-from.json"
COLOURS, FREQUENT = 256, 128  # of a picture, and those of them that are taken for being everywhere
PIXELS = """async png => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const bytes = context.getImageData(0, 0, image.width, image.height).data;
  let text = "";
  for (let at = 0; at < bytes.length; at += 30000) text += String.fromCharCode(...bytes.subarray(at, at + 30000));
  return [image.width, image.height, btoa(text)];
}"""  # Chromium reads PNG for us
PLENTY_MS = 240_000  # a bound for a busy machine
CHECKOUTS = "Why are checkouts failing?"
KINDS = """[".adj-chart", ".adj-trace", ".adj-map"]"""
RATE = """\
from autodevops import logs, metrics
metrics.range('sum by (service) (rate(http_server_request_duration_seconds_count{namespace="shop"}[2m]))', "30m")"""
LINES = """logs.query('{namespace="shop"} |= "error"', "10m", limit=200)"""


Keep = Callable[[Page | Locator, str], None]


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


def of_the_portal(on: Stage, keep: Keep) -> None:
    with portal(on) as address:
        with on.page(1440, 900) as page:
            overview(page, f"{address}&namespace=shop")
            ask(page, "Why is payment failing in shop?")
            page.get_by_role("button", name="Refresh").click()
            expect(page.locator('[data-section="health"]')).not_to_contain_text("No turn", timeout=PLENTY_MS)
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


def of_the_chat(on: Stage, keep: Keep) -> None:
    with voila(on.folder, on.environment, REPOSITORY / "notebooks" / "jamie.ipynb") as server:
        with on.page(1280, 900) as page:
            page.goto(server.url)
            ask(page, CHECKOUTS)
            keep(page, "jamie-answer")
            page.set_viewport_size({"width": 1000, "height": 1900})
            charts = page.locator(".adj-charts").last
            charts.evaluate(
                "all => all.replaceChildren(...KINDS.map(kind => all.querySelector(kind)))".replace("KINDS", KINDS)
            )
            charts.scroll_into_view_if_needed()
            charts.locator(".adj-plot").hover(position={"x": 600, "y": 120})
            keep(charts, "views")
        for name, dark in (("jamie-light", False), ("jamie-dark", True)):
            with on.page(1240, 1010, dark=dark) as page:
                page.goto(server.url)
                ask(page, "status?")
                ask(page, CHECKOUTS)
                turn = page.locator(".adj-turn").last
                turn.locator(".adj-markdown .adj-cite").nth(3).click()
                turn.evaluate("turn => turn.scrollIntoView({block: 'start'})")
                keep(page, name)


def of_the_library(on: Stage, keep: Keep) -> None:
    notebooks = on.folder / "notebooks"
    notebooks.mkdir()
    write_notebook(notebooks / "library.ipynb", RATE, LINES)
    with lab(notebooks, on.environment) as server, on.page(1060, 1000) as page:
        page.goto(server.url.format(name="library"))
        run_all(page)
        page.keyboard.press("Control+b")  # the file browser
        page.locator(".adj-part").nth(1).wait_for()
        page.mouse.move(0, 0)
        keep(page, "library")


def indexed(browser: Browser, png: bytes) -> bytes:
    """The same picture at a third of the size, in few colours: the frequent ones, then those farthest from them."""
    page = browser.new_page()
    width, height, data = page.evaluate(PIXELS, base64.b64encode(png).decode())
    page.close()
    pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(-1, 4)[:, :3]
    colours, place, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    seen = colours.astype(np.int32)
    chosen = list(np.argsort(-counts)[:FREQUENT])
    distance = np.min([((seen - seen[one]) ** 2).sum(axis=1) for one in chosen], axis=0)
    while len(chosen) < min(COLOURS, len(colours)):
        chosen.append(int(np.argmax(distance * np.sqrt(counts))))
        distance = np.minimum(distance, ((seen - seen[chosen[-1]]) ** 2).sum(axis=1))
    nearest = np.argmin([((seen - seen[one]) ** 2).sum(axis=1) for one in chosen], axis=0).astype(np.uint8)
    rows = nearest[place.reshape(-1)].reshape(height, width)
    lines = np.hstack([np.zeros((height, 1), np.uint8), rows]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", colours[chosen].tobytes()),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


SHOWS = (of_the_chat, of_the_library, of_the_portal)


def fingerprints() -> dict[str, str]:
    """The front ends as they are now."""
    return {path.name: bytes_digest(path.read_bytes()) for path in sorted(STATIC.iterdir())}


def main() -> None:
    wanted = set(sys.argv[1:])
    with stage() as on:

        def keep(shown: Page | Locator, name: str) -> None:
            picture = indexed(on.browser, shown.screenshot(caret="hide", animations="disabled"))
            (IMAGES / f"{name}.png").write_bytes(picture)
            print(f"{name}.png: {len(picture) / 1000:.0f} kB", flush=True)

        for show in SHOWS:
            if not wanted or show.__name__.removeprefix("of_the_") in wanted:
                show(on, keep)
    if not wanted:
        MADE_FROM.write_text(json.dumps(fingerprints(), indent=1) + "\n")


if __name__ == "__main__":
    main()
