"""Debian's Chromium against JupyterLab and Voila as `make demo` starts them, with every request on record."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from npm import node_modules
from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from programs import require

from autodevops.cli.processes import free_port, running, wait_until_answers
from autodevops.widgets.serving import lab_command, lab_health_url, serving_environment, voila_command, voila_health_url

REPOSITORY = Path(__file__).resolve().parents[2]
TOKEN = "browser-tests"
expect.set_options(timeout=30_000)  # a bound for a busy machine, not a duration: every wait ends when the page is there
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Visit:
    """A page and what it did: hosts it asked, errors it threw."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def serious(self, part: str = ".adj") -> list[str]:
        """What axe-core finds in a part of the page that keeps somebody from using it."""
        self.page.evaluate((node_modules() / "axe-core" / "axe.min.js").read_text())
        found = self.page.evaluate("part => axe.run(part, {resultTypes: ['violations']})", part)
        hard = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
        return [f"{one['id']}: {node['html']}" for one in hard for node in one["nodes"]]

    def saw(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"}:  # made by the page itself
            self.hosts.add(parts.hostname or url)


@dataclass(frozen=True)
class Server:
    """`url` is that of Voila's notebook, or of JupyterLab's notebooks with `{name}` in it."""

    url: str
    folder: Path


class Chromium:
    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @contextmanager
    def visit(self, *, dark: bool = False, width: int = 1280, height: int = 900) -> Iterator[Visit]:
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(60_000)
        visit = Visit(context.new_page())
        visit.page.on("request", lambda request: visit.saw(request.url))
        visit.page.on("websocket", lambda socket: visit.saw(socket.url))
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        try:
            yield visit
        finally:
            context.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    program = require("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield Chromium(browser)
        browser.close()


def environment_for(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """A server's environment that neither reads nor writes the developer's Jupyter folders."""
    own = {
        "HOME": folder,
        "IPYTHONDIR": folder / "ipython",
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AUTODEVOPS_", "JUPYTER"))}
    return serving_environment(clean | {name: str(path) for name, path in own.items()} | dict(extra))


@contextmanager
def lab(folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """JupyterLab over `folder`; each notebook in a workspace of its own, so that nobody finds another's tabs."""
    port = free_port(0)
    log = folder / "lab.log"
    with running(lab_command(folder, port, TOKEN), environment, log) as child:
        wait_until_answers(lab_health_url(port, TOKEN), child, log)
        yield Server(f"http://127.0.0.1:{port}/lab/workspaces/{{name}}/tree/{{name}}.ipynb?token={TOKEN}", folder)


@contextmanager
def voila(folder: Path, environment: Mapping[str, str], notebook: Path) -> Iterator[Server]:
    port = free_port(0)
    log = folder / "voila.log"
    with running(voila_command(notebook, port, TOKEN), environment, log) as child:
        wait_until_answers(voila_health_url(port), child, log)
        yield Server(f"http://127.0.0.1:{port}/?token={TOKEN}", folder)


def write_notebook(path: Path, *cells: str) -> Path:
    code: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": None, "id": f"c{n}", "metadata": {}, "outputs": [], "source": cell}
        for n, cell in enumerate(cells)
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = {"cells": code, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))
    return path


def run_all(page: Page) -> None:
    """Run every cell of the open notebook, as the menu does, until all have run and the chat is there.

    JupyterLab drops the click while it still connects, and on a busy machine starts a second kernel for a page opened
    by its address, which leaves the first one's cells without an answer: a person would run them again.
    """
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    # On a busy machine JupyterLab may ask something first (a slow kernel, a changed file): its default answer will do.
    accept = page.locator(".jp-Dialog .jp-mod-accept")
    page.add_locator_handler(page.locator(".jp-Dialog"), lambda: accept.click())
    begun = page.locator(".jp-InputPrompt", has_text=re.compile(r"\[[*\d]+\]"))
    unfinished = page.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"\[[ *]\]"))
    for _ in range(6):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        try:
            begun.first.wait_for(timeout=10_000)
            expect(unfinished).to_have_count(0, timeout=40_000)
            page.locator(".adj").first.wait_for(timeout=20_000)
            return
        except (PlaywrightTimeout, AssertionError):
            continue
    raise AssertionError(f"the notebook did not run: {page.locator('.jp-Notebook .jp-Cell').all_inner_texts()}")
