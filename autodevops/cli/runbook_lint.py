"""`autodevops runbook lint`: what is wrong with runbooks, for people and for CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import Told, print_json
from autodevops.cli.runbook_sources import catalogue


class RunbooksWrong(Told):
    """What was printed says what is wrong with each."""


def lint(
    runbooks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME|FILE]...", help="Names or files. Default: all in the folders of the settings."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check runbooks without running them. Exit status 0 when nothing is wrong, else 1."""
    from autodevops.runbooks.lint import code_checker, lint

    rows = [(path, lint(path)) for path in _paths(runbooks or [])]
    wrong = sum(bool(findings) for _, findings in rows)
    checker = "ruff" if code_checker() else "compile"
    if as_json:
        print_json(
            [
                {
                    "runbook": path.stem,
                    "path": str(path),
                    "ok": not findings,
                    "code_checked_by": checker,
                    "findings": [finding.model_dump(mode="json") for finding in findings],
                }
                for path, findings in rows
            ]
        )
    else:
        for path, findings in rows:
            typer.secho(f"{'✗' if findings else '✓'} {path}", fg="red" if findings else "green")
            for finding in findings:
                place = f"cell {finding.cell}" if finding.cell else ""
                place += f", line {finding.line}" if finding.line else ""
                typer.echo(f"    {finding.rule}: {f'{place}: ' if place else ''}{finding.message}")
        if checker == "compile":
            typer.echo("Names were not checked: ruff is not installed (pip install ruff).", err=True)
    if wrong:
        raise RunbooksWrong(f"{wrong} of {len(rows)} runbooks are not right.", "Correct what is listed above.")


def _paths(wanted: list[str]) -> list[Path]:
    if not wanted:
        return list(catalogue().own())
    return [Path(item) if item.endswith(".ipynb") or "/" in item else catalogue().path(item) for item in wanted]
