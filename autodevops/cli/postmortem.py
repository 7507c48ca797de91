"""`autodevops postmortem`: runs the shipped runbook and hands on what it wrote. The document is made there."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli.incident import IncidentId
from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.kernel.errors import AutoDevOpsError, RunFailed, UsageError
from autodevops.kernel.files import appearing
from autodevops.kernel.person import person
from autodevops.settings import load_settings
from autodevops.stores import incidents
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.domain.action import Action
    from autodevops.runbooks import RunRecord

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PDF_SECONDS = 120
ISSUE_CHARACTERS = 20_000  # that the executor's action takes
PULL_FOLDER = "postmortems"  # of the repository


class NoPdf(AutoDevOpsError):
    """The page could not be printed; everything else was written."""


def postmortem(
    incident: IncidentId,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("postmortems"),
    objective: Annotated[
        float, typer.Option("--objective", help="Share of requests that should succeed.", min=0.5, max=0.99999)
    ] = 0.999,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print the page as PDF too; needs Chromium.")] = False,
    issue: Annotated[
        str, typer.Option("--issue", help="Open an issue with it in this repository, through the executor.")
    ] = "",
    pull: Annotated[
        str, typer.Option("--pull", help="Open a pull request with it in this repository, through the executor.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Write the postmortem of an incident from records: Markdown, HTML, notebook. Words of people are kept."""
    from autodevops.runbooks.bundle import NOTEBOOK, REPORT
    from autodevops.runbooks.postmortem_text import blocks

    browser = _browser() if pdf else ""
    with Workbench.from_settings(load_settings()) as workbench:
        name = incidents.find_incident(workbench.ledger, incident).id
    earlier = out / f"{name}.md"
    if earlier.exists():
        blocks(earlier.read_text(encoding="utf-8"))  # what cannot be kept is said before anything runs
    record = asyncio.run(_run(name, str(earlier.resolve()) if earlier.exists() else "", objective))
    notebook = (record.folder / NOTEBOOK).read_bytes()
    text = document_of(notebook)
    out.mkdir(parents=True, exist_ok=True)
    files = {"md": text.encode(), "html": (record.folder / REPORT).read_bytes(), "ipynb": notebook}
    for suffix, content in files.items():
        with appearing(out / f"{name}.{suffix}") as file:
            file.write(content)
    paths = [str(out / f"{name}.{suffix}") for suffix in files]
    if pdf:
        print_pdf(browser, out / f"{name}.html", out / f"{name}.pdf")
        paths.append(str(out / f"{name}.pdf"))
    shares = [*([_issue(issue, text)] if issue else []), *([_pull(pull, name, text)] if pull else [])]
    operations = [_share(action, name, quiet=as_json) for action in shares]
    if as_json:
        print_json({"incident": name, "run": record.run.id, "files": paths, "operations": operations})
    else:
        typer.echo("\n".join(paths))


def document_of(notebook: bytes) -> str:
    """The Markdown that the run showed. Raises RunFailed when there is none."""
    from autodevops.runbooks.postmortem_text import TITLE
    from autodevops.runbooks.texts import joined

    for cell in json.loads(notebook)["cells"]:
        for output in cell.get("outputs", ()):
            text = joined(output.get("data", {}).get("text/markdown"))
            if text.startswith(TITLE):
                return text
    raise RunFailed("The run of postmortem showed no document.", "See its bundle with `autodevops run show`.")


def print_pdf(browser: str, page: Path, target: Path) -> None:
    """Raises NoPdf."""
    command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer", "--virtual-time-budget=5000"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root otherwise
    command += [f"--print-to-pdf={target.resolve()}", page.resolve().as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PDF_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPdf(f"{browser} could not print {page}: {error}.", "The other files are written.") from error
    if done.returncode or not target.exists():
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NoPdf(f"{browser} could not print {page}: {last}", "The other files are written.")


def _browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), "")
    if not found:
        raise UsageError(f"--pdf needs a browser; none of {', '.join(BROWSERS)} was found.", "Install Chromium.")
    return found


async def _run(incident: str, edited: str, objective: float) -> RunRecord:
    with Workbench.from_settings(load_settings()) as workbench:
        return await workbench.write_postmortem(incident, edited=edited, objective=objective)


def _issue(repository: str, text: str) -> Action:
    from autodevops.domain.action import OpenIssue

    if len(text) > ISSUE_CHARACTERS:
        raise UsageError(
            f"The document has {len(text)} characters, an issue takes {ISSUE_CHARACTERS}.",
            "Share it as a pull request, with --pull.",
        )
    return OpenIssue(repository=repository, title=_title(text), body=text)


def _pull(repository: str, incident: str, text: str) -> Action:
    from autodevops.domain.action import OpenDocumentPull

    path = f"{PULL_FOLDER}/{incident}.md"
    return OpenDocumentPull(repository=repository, path=path, title=_title(text), text=text)


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")[:200]


def _share(action: Action, incident: str, *, quiet: bool) -> str:
    """Through the executor: it decides, and asks people where it must."""
    from autodevops.cli.act import act_on
    from autodevops.domain.operation import Proposal

    proposal = Proposal(action=action, asked_by=person(), by_person=True, why="share the postmortem", incident=incident)
    return asyncio.run(act_on(proposal, dry_run=False, yes=False, quiet=quiet)).id
