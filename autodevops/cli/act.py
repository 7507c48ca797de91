"""`autodevops act`: a change that a person asks for, by the one door; and what became of those asked for before."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from typer.core import TyperGroup

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.kernel.errors import UsageError
from autodevops.kernel.person import person, place
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.domain.action import Action
    from autodevops.domain.operation import Operation, Proposal


class _WithActions(TyperGroup):
    """Has a command for each kind of action, made when this group is looked into: `autodevops --help` does not wait."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        self._add_actions()
        return list(self.commands)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        self._add_actions()
        return super().get_command(ctx, cmd_name)

    def _add_actions(self) -> None:
        if self.commands.keys() >= nouns().keys():
            return
        actions = typer.Typer()
        for name, noun in nouns().items():
            _register(actions, name, noun)
        actions.callback()(_group)  # so that even one command makes a group
        self.commands.update(typer.main.get_group(actions).commands)


app = typer.Typer(
    cls=_WithActions, help="Change something: plan, dry run, approval, apply, verify, undo.", no_args_is_help=True
)

Parameters = Annotated[
    list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE for each field; `act list` shows them.")
]


@app.callback()
def _group() -> None:
    """Change something: plan, dry run, approval, apply, verify, undo."""


def nouns() -> dict[str, Any]:
    """The nouns of all kinds of actions, by kind."""
    from autodevops.domain.action import Action

    found = {noun.model_fields["kind"].default: noun for noun in get_args(get_args(Action)[0])}
    del found["run_cell"]  # a runbook asks for it, and nobody else can
    return found


@app.command("list")
def list_kinds(as_json: AsJson = False) -> None:
    """The kinds of actions: fields, risk, whether it can be taken back, and what machines may do with it."""
    from autodevops.executor.catalogue import KINDS
    from autodevops.executor.lessons import levels
    from autodevops.executor.record import read_record

    settings = load_settings().executor
    with Workbench.from_settings() as workbench:
        record = read_record(workbench.ledger)
    rows: list[dict[str, Any]] = []
    allowed = levels(record, settings)
    for name, kind in KINDS.items():
        experience = record.of_practice(name)
        rows.append(
            {
                "action": name,
                "about": (kind.noun.__doc__ or "").strip(),
                "fields": _fields(kind.noun),
                "risk": kind.risk,
                "undo": kind.undo_words,
                "machines": allowed[name],
                "verified": experience.verified,
                "failed": experience.failed,
            }
        )
    if as_json:
        print_json(rows)
        return
    for one in rows:
        typer.secho(f"{one['action']}", bold=True, nl=False)
        typer.echo(f"  {one['about']}")
        typer.echo(f"    fields   {', '.join(one['fields'])}")
        typer.echo(f"    risk     {one['risk']};  undo: {one['undo'] or 'none'}")
        typer.echo(f"    machines {one['machines']} ({one['verified']} verified, {one['failed']} failed)")


@app.command("log")
def log(limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 50, as_json: AsJson = False) -> None:
    """What was asked for, newest first, and how it ended."""
    from autodevops.cli.act_output import print_rows
    from autodevops.executor.operations import load_all

    with Workbench.from_settings() as workbench:
        found = load_all(workbench.ledger)[::-1][:limit]
    print_rows(found, as_json=as_json, nothing="Nothing was asked for yet.")


@app.command("show")
def show(operation_id: Annotated[str, typer.Argument(help="An operation's id.")], as_json: AsJson = False) -> None:
    """One operation: plan, decision with its factors, approval, checks, outcome."""
    from autodevops.cli.act_output import operation_json, print_request
    from autodevops.executor.operations import load

    with Workbench.from_settings() as workbench:
        operation = load(workbench.ledger, operation_id).operation
    print_json(operation_json(operation)) if as_json else print_request(operation)


@app.command("decisions")
def decisions(as_json: AsJson = False) -> None:
    """The decision matrix as a heat map, with every decision so far on it."""
    from autodevops.cli.act_output import print_heat_map
    from autodevops.executor.heat_map import heat_map
    from autodevops.executor.operations import load_all

    with Workbench.from_settings() as workbench:
        document = heat_map(load_all(workbench.ledger), workbench.settings.executor.matrix)
    print_json(document) if as_json else print_heat_map(document)


@app.command("recover")
def recover(as_json: AsJson = False) -> None:
    """Bring to an end what a crash left behind, and escalate what nobody answered."""
    from autodevops.cli.act_output import operation_json, print_outcome, row

    async def recovered() -> list[Operation]:
        async with Workbench(load_settings(), actor=person()) as workbench:
            return await workbench.executor.recover()

    ended = asyncio.run(recovered())
    if as_json:
        print_json([operation_json(one) for one in ended])
        return
    for operation in ended:
        typer.echo(row(operation))
        print_outcome(operation)
    if not ended:
        typer.secho("Nothing was left behind.", err=True, dim=True)


def _register(actions: typer.Typer, name: str, noun: Any) -> None:
    def do(
        parameters: Parameters = None,
        why: Annotated[str, typer.Option("--why", help="The reason, for the record and for who approves it.")] = "",
        incident: Annotated[str, typer.Option("--incident", help="The incident it belongs to.")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and the decision, and end.")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Say yes to the plan without being asked.")] = False,
        as_json: AsJson = False,
    ) -> None:
        from autodevops.cli.act_output import operation_json
        from autodevops.domain.operation import Proposal

        proposal = Proposal(
            action=read_action(name, parameters or []), asked_by=person(), by_person=True, why=why, incident=incident
        )
        operation = asyncio.run(act_on(proposal, dry_run=dry_run, yes=yes, quiet=as_json))
        if as_json:
            print_json(operation_json(operation))
        if operation.outcome is not None and operation.outcome.result != "verified" and not dry_run:
            raise typer.Exit(1)

    about = (noun.__doc__ or "").strip().splitlines()[0]
    actions.command(name, help=f"{about} Fields: {', '.join(_fields(noun))}.", rich_help_panel="Actions")(do)


async def act_on(proposal: Proposal, *, dry_run: bool, yes: bool, quiet: bool) -> Operation:
    from autodevops.cli.act_output import print_outcome, print_request
    from autodevops.executor.approvals import members

    async with Workbench(load_settings(), actor=proposal.asked_by) as workbench:
        executor = workbench.executor
        operation = await executor.propose(proposal)
        if not quiet:
            print_request(operation)
        if dry_run and operation.stage != "closed":
            return executor.withdraw(operation.id, "Only the plan was asked for (--dry-run).")
        approval = operation.approval
        if operation.stage != "awaiting" or approval is None:
            return operation
        alone = approval.needed == 1 and proposal.asked_by in members(approval.role, workbench.settings.executor)
        if not alone or not (yes or (sys.stdin.isatty() and typer.confirm("Do exactly this?"))):
            who = f"{approval.needed} of executor.{approval.role}"
            typer.secho(f"It waits for {who}: `autodevops approve grant {operation.id}`.", err=True)
            return operation
        executor.answer(operation.id, granted=True, digest=approval.digest, by=proposal.asked_by, where=place())
        operation = await executor.execute(operation.id)
        if not quiet:
            print_outcome(operation)
        return operation


def read_action(name: str, parameters: list[str]) -> Action:
    """Raises UsageError, naming the field that is wrong and those that there are."""
    from pydantic import ValidationError

    from autodevops.domain.action import ACTION

    noun, given = nouns()[name], {}
    for parameter in parameters:
        field, equals, value = parameter.partition("=")
        if not equals:
            raise UsageError(f"--param {parameter!r} is not NAME=VALUE.", "Write it as name=cart.")
        given[field] = _value(value, str(noun.model_fields[field].annotation) if field in noun.model_fields else "")
    try:
        return ACTION.validate_python({"kind": name, **given})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or name
        fields = ", ".join(_fields(noun))
        raise UsageError(f"{name}: {where}: {first['msg']}.", f"Its fields are {fields}.") from error


def _fields(noun: Any) -> list[str]:
    """What is to be given."""
    return [field for field in noun.model_fields if field != "kind"]


def _value(text: str, annotation: str) -> Any:
    """Text stays text where text is wanted; else JSON where it is some."""
    wants_text = ("<class 'str'>", "str", "typing.Literal", "typing.Optional[typing.Annotated[str")
    if annotation.startswith(wants_text):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
