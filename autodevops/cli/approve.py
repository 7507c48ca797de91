"""`autodevops approve`: what waits for a person's yes or no. An answer is about the very plan that was shown."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import UsageError
from autodevops.kernel.person import person, place
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.domain.operation import Operation

app = typer.Typer(help="Answer what waits for a person.", no_args_is_help=True)

OperationId = Annotated[str, typer.Argument(help="An operation's id.")]
Digest = Annotated[
    str,
    typer.Option("--digest", help="Digest of the plan you have seen; without it the plan is shown and you are asked."),
]
Words = Annotated[str, typer.Option("--why", help="A word with it, for the record.")]


@app.callback()
def _group() -> None:
    """Answer what waits for a person."""


@app.command("list")
def list_waiting(as_json: AsJson = False) -> None:
    """What waits for an answer, oldest first."""
    from autodevops.cli.act_output import print_rows
    from autodevops.executor.approvals import waiting

    with Workbench.from_settings() as workbench:
        found = waiting(workbench.ledger, utc_now())
    print_rows(found, as_json=as_json, nothing="Nothing waits for an answer.")


@app.command("show")
def show(operation_id: OperationId, as_json: AsJson = False) -> None:
    """The question: subject, evidence, exact plan with diff, risk, undo, how long it stands."""
    from autodevops.cli.act_output import operation_json, print_request

    operation = _load(operation_id)
    print_json(operation_json(operation)) if as_json else print_request(operation)


@app.command("grant")
def grant(
    operation_id: OperationId,
    digest: Digest = "",
    words: Words = "",
    later: Annotated[bool, typer.Option("--later", help="Only say yes; somebody else carries it out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say yes. With the last yes that is needed it is carried out, while what it is for is there; exit status 1 when
    it was not done or did not help."""
    from autodevops.cli.act_output import operation_json, print_outcome

    operation = _answer(operation_id, True, digest, words, quiet=as_json)
    if operation.stage == "cleared" and operation.proposal.action.kind != "run_cell" and not later:
        operation = asyncio.run(_carry_out(operation))
    if as_json:
        print_json(operation_json(operation))
    elif operation.outcome is not None:
        print_outcome(operation)
    elif operation.approval is not None:
        typer.echo(f"{operation.approval.yeses} of {operation.approval.needed} have said yes.")
    if operation.outcome is not None and operation.outcome.result != "verified":
        raise typer.Exit(1)


@app.command("deny")
def deny(operation_id: OperationId, digest: Digest = "", words: Words = "", as_json: AsJson = False) -> None:
    """Say no. One no ends it."""
    from autodevops.cli.act_output import operation_json, print_outcome

    operation = _answer(operation_id, False, digest, words, quiet=as_json)
    print_json(operation_json(operation)) if as_json else print_outcome(operation)


def _answer(operation_id: str, granted: bool, digest: str, words: str, *, quiet: bool) -> Operation:
    from autodevops.cli.act_output import print_request
    from autodevops.executor import approvals

    operation = _load(operation_id)
    if not digest and operation.approval is not None and operation.approval.state == "pending":
        digest = operation.approval.digest
        if not sys.stdin.isatty():
            raise UsageError(
                "Which plan is meant? Without a terminal nobody can be shown it.",
                "Give --digest as `autodevops approve show` prints it.",
            )
        if not quiet:
            print_request(operation)
        typer.confirm("Do exactly this?" if granted else "Refuse this?", abort=True)
    with Workbench.from_settings() as workbench:
        return approvals.answer(
            workbench.ledger,
            operation_id,
            granted=granted,
            digest=digest,
            by=person(),
            where=place(),
            words=words,
            now=utc_now(),
            settings=workbench.settings.executor,
        )


def _load(operation_id: str) -> Operation:
    from autodevops.executor.operations import load

    with Workbench.from_settings() as workbench:
        return load(workbench.ledger, operation_id).operation


async def _carry_out(operation: Operation) -> Operation:
    async with Workbench(load_settings(), actor=person()) as workbench:
        await workbench.carry_out(operation.id)
    return _load(operation.id)
