"""How soon a person can use the portal: a fresh server, a fresh browser, a fresh kernel, the sandbox behind it.

Prints, for each visit, when the overview's frame is there, when a question can be typed, when the first section is
filled and when all are; what the page asked for; and the processor time that the server's side (with the visitor's
kernel) took, which says more than the clock on a machine that others use too. Judges nothing.

`python benchmarks/bench_portal.py [VISITS]`
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

from autodevops.cli.processes import free_port, running, wait_until_answers
from autodevops.sandbox import Sandbox

TOKEN = "bench-portal"
LIMIT_MS = 120_000
STEPS = ("page", "overview drawn", "question can be typed", "first section", "all sections")


@dataclass(frozen=True)
class Visited:
    steps: list[float]
    to_type: float  # processor time of server and kernel until a question can be typed
    to_all: float
    requests: int
    size: int


def main() -> None:
    visits = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("bench_portal: needs chromium: apt-get install chromium")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, load before: {load}; {visits} visits, each with a new kernel and an empty cache\n")
    _imports()
    with tempfile.TemporaryDirectory(prefix="bench-portal-") as name, Sandbox(scenario="bad-deploy", seed=1) as sandbox:
        folder = Path(name)
        sandbox.write_kubeconfig(folder / "kubeconfig")
        environment = {
            **os.environ,
            **sandbox.environment(),
            "KUBECONFIG": str(folder / "kubeconfig"),
            "HOME": name,
            "XDG_STATE_HOME": name,
            "AUTODEVOPS_PORTAL__TOKEN": TOKEN,
        }
        port = free_port(0)
        log = folder / "portal.log"
        command = [sys.executable, "-m", "autodevops", "portal", "--port", str(port)]
        began = time.perf_counter()
        with running(command, environment, log) as child, sync_playwright() as playwright:
            wait_until_answers(f"http://127.0.0.1:{port}/login", child, log)
            print(f"server: serves {time.perf_counter() - began:.2f} s after its start\n")
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
            rows = [_visit(browser, f"http://127.0.0.1:{port}/?token={TOKEN}", child.pid) for _ in range(visits)]
            browser.close()
    heads = "".join(f"{step:>22}" for step in STEPS)
    print(f"{'visit':<8}{heads}{'cpu until typed':>18}{'cpu until all':>16}{'requests':>10}{'MB':>6}")
    for number, row in enumerate(rows, start=1):
        cells = "".join(f"{one:>20.2f} s" for one in row.steps)
        spent = f"{row.to_type:>16.2f} s{row.to_all:>14.2f} s"
        print(f"{number:<8}{cells}{spent}{row.requests:>10}{row.size / 1e6:>6.1f}")
    medians = (statistics.median(row.steps[at] for row in rows) for at in range(len(STEPS)))
    print("median  " + "".join(f"{one:>20.2f} s" for one in medians))


def _visit(browser: Browser, url: str, server: int) -> Visited:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    before, began = _spent(server), time.perf_counter()
    steps = []

    def reached() -> None:
        steps.append(time.perf_counter() - began)

    page.goto(url, wait_until="commit", timeout=LIMIT_MS)
    reached()
    page.locator(".adp").wait_for(timeout=LIMIT_MS)
    reached()
    box = page.get_by_label("Question for Jamie")
    box.fill("Why?", timeout=LIMIT_MS)
    reached()
    to_type = _spent(server) - before
    page.locator('.adp[data-ready="yes"]').wait_for(timeout=LIMIT_MS)
    reached()
    page.get_by_text("Updated").wait_for(timeout=LIMIT_MS)
    reached()
    spent = _spent(server) - before
    context.close()
    _until_alone(server)
    return Visited(steps, to_type, spent, len(sizes), sum(sizes))


def _spent(server: int) -> float:
    """Seconds of processor time of the server and the kernels that live."""
    process = psutil.Process(server)
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def _until_alone(server: int) -> None:
    """The visitor's kernel is gone: it is asked to end when its page closes."""
    psutil.wait_procs(psutil.Process(server).children(recursive=True), timeout=30)


def _imports() -> None:
    """What a kernel's imports cost, the dearest first; by processor time nobody else's work is in it."""
    code = "import time; import autodevops.portal.page; print(time.process_time())"
    page = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    code = "import time; import autodevops.portal.overview, autodevops.servers; print(time.process_time())"
    rest = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    print(f"imports, processor time from Python's start: page {float(page):.2f} s, overview {float(rest):.2f} s")


if __name__ == "__main__":
    main()
