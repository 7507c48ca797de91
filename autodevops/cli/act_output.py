"""How operations, requests for approval and decisions look in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from autodevops.cli.output import print_json
from autodevops.domain.base import Json
from autodevops.domain.decision import BANDS
from autodevops.domain.operation import Operation
from autodevops.domain.plan import Plan
from autodevops.domain.risk import RISKS
from autodevops.domain.shown_operation import touches

_COLOURS = {"verified": "green", "handed_over": "green", "not_applied": "yellow", "undone": "yellow"}
_SIGNS = {"good": "✓", "no_effect": "=", "worse": "✗", "unknown": "?"}


def operation_json(operation: Operation) -> dict[str, Any]:
    return operation.model_dump(mode="json")


def row(operation: Operation) -> str:
    proposal = operation.proposal
    state = operation.outcome.result if operation.outcome else operation.stage
    about = f"{proposal.action.kind} {proposal.action.subject}"
    return f"{operation.id}  {state:<12} {about:<52} {proposal.asked_by}"


def print_rows(found: Sequence[Operation], *, as_json: bool, nothing: str) -> None:
    """One line for each, or `nothing` in words."""
    if as_json:
        print_json([operation_json(one) for one in found])
        return
    for operation in found:
        typer.echo(row(operation))
    if not found:
        typer.secho(nothing, err=True, dim=True)


def print_request(operation: Operation) -> None:
    """Everything somebody needs to know who shall say yes or no."""
    proposal, plan, decision, approval = operation.proposal, operation.plan, operation.decision, operation.approval
    typer.secho(f"{proposal.action.kind} · {proposal.action.subject}", bold=True)
    _line("operation", operation.id)
    _line("asked by", proposal.asked_by + (f", because {proposal.why}" if proposal.why else ""))
    if proposal.reason:
        _line("cause", proposal.reason)
    if proposal.incident:
        _line("incident", proposal.incident)
    if proposal.evidence:
        _line("evidence", ", ".join(proposal.evidence))
    if plan is not None:
        _print_plan(plan)
    if decision is not None:
        _line("risk", decision.risk)
        _line("decision", decision.verdict.replace("_", " "))
        for factor in decision.factors:
            typer.echo(f"    · {factor.words} → {factor.effect}")
        for refusal in decision.refusals:
            typer.secho(f"    ✗ {refusal.guardrail}: {refusal.next_step}", fg="red")
    if approval is not None:
        _line("approval", f"{approval.state}, {approval.yeses} of {approval.needed} yes, by executor.{approval.role}")
        for answer in approval.answers:
            word = "yes" if answer.granted else "no"
            said = f": {answer.words}" if answer.words else ""
            typer.echo(f"    {word} from {answer.by}, {answer.at:%H:%M:%S} UTC, {answer.where}{said}")
        if approval.state == "pending":
            _line("until", f"{approval.expires_at:%Y-%m-%d %H:%M:%S} UTC")
    print_outcome(operation)


def _print_plan(plan: Plan) -> None:
    _line("touches", touches(plan))
    _line("undo", plan.undo or "cannot be taken back")
    _line("dry run", plan.dry_run.summary)
    for edit in plan.dry_run.edits:
        typer.echo(f"    {edit.path}")
        if edit.before is not None:
            typer.secho(f"      - {_shown(edit.before)}", fg="red")
        if edit.after is not None:
            typer.secho(f"      + {_shown(edit.after)}", fg="green")
    for warning in plan.dry_run.warnings:
        typer.secho(f"    ! {warning}", fg="yellow")
    _line("digest", plan.digest)


def print_outcome(operation: Operation) -> None:
    outcome = operation.outcome
    if outcome is None:
        return
    typer.secho(
        f"  {'outcome':<10}{outcome.result.replace('_', ' ')}", fg=_COLOURS.get(outcome.result, "red"), nl=False
    )
    typer.echo(f": {outcome.words}")
    for check in outcome.checks:
        typer.echo(f"    {_SIGNS[check.judgement]} {check.name}: {check.words}")


def print_heat_map(document: Mapping[str, Any]) -> None:
    width = 26
    typer.echo(f"{'confidence':<12}" + "".join(f"{'risk ' + risk:<{width}}" for risk in RISKS))
    cells = {(one["confidence"], one["risk"]): one for one in document["cells"]}
    for band in BANDS:
        typer.echo(f"{band:<12}", nl=False)
        for risk in RISKS:
            cell = cells[band, risk]
            total = sum(cell["decisions"].values())
            text = f"{cell['matrix'].replace('_', ' ')}" + (f" · {total}" if total else "")
            shade = {"act": "green", "seek_approval": "yellow", "escalate": "red"}[cell["matrix"]]
            typer.secho(f"{text:<{width}}", fg=shade, bold=bool(total), nl=False)
        typer.echo()
        for name in sorted({one for risk in RISKS for one in cells[band, risk]["decisions"]}):
            typer.echo(" " * 12, nl=False)
            for risk in RISKS:
                count = cells[band, risk]["decisions"].get(name)
                typer.echo(f"{f'  {count} × ' + name.replace('_', ' ') if count else '':<{width}}", nl=False)
            typer.echo()


def _line(name: str, text: str) -> None:
    typer.echo(f"  {name:<10}{text}")


def _shown(value: Json) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:399] + "…"
