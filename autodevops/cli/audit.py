"""`autodevops audit`: look into the ledger, check it, take it out of the way."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from autodevops.cli.options import AsJson, parse_end
from autodevops.cli.output import print_json
from autodevops.domain.audit import Verification
from autodevops.domain.ledger import EventKind, LedgerEvent
from autodevops.kernel.errors import UsageError
from autodevops.settings import ScarletSettings, Settings, load_settings

if TYPE_CHECKING:
    from autodevops.stores.export import Filter
    from autodevops.stores.verify_bundles import BundleFiles

_DATA = 300  # characters of an event's data in a table; --json has all

app = typer.Typer(help="What was done, by whom, and whether the record of it holds.", no_args_is_help=True)

Folder = Annotated[Path | None, typer.Option("--folder", help="Folder of the ledger. Default: the configured one.")]
Kind = Annotated[str, typer.Option("--kind", help=f"Only events of this kind: {', '.join(get_args(EventKind))}.")]
Actor = Annotated[str, typer.Option("--actor", help="Only what this person or agent did.")]
Subject = Annotated[str, typer.Option("--subject", help="Only what is about this: a run id, a tool, an object.")]
Since = Annotated[str, typer.Option("--since", help="From this time on, e.g. 2026-11-24T03:45:00Z.")]
Until = Annotated[str, typer.Option("--until", help="Before this time.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


@app.command("verify")
def verify(
    file: Annotated[Path | None, typer.Argument(help="A file that `export` wrote, instead of the ledger.")] = None,
    folder: Folder = None,
    artifacts: Annotated[Path | None, typer.Option("--artifacts", help="Folder of the bundles, all of them.")] = None,
    head: Annotated[str, typer.Option("--head", help="A head kept elsewhere, as `audit head` printed it.")] = "",
    filtered: Annotated[
        bool, typer.Option("--filtered", help="The file has chosen events only; gaps are right.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every event, link, segment, signature, entry of the state and bundle. Exit status 1 when one differs."""
    from autodevops.stores.signing import parse_head, verifier
    from autodevops.stores.sqlite_ledger import open_ledger
    from autodevops.stores.verify import verify as check
    from autodevops.stores.verify import verify_export

    every = _settings(folder)
    settings = every.ledger
    pinned = parse_head(head) if head else None
    is_signed = verifier(settings.public_key_file) if settings.public_key_file else None
    if file is not None:
        found = verify_export(file, filtered=filtered, is_signed=is_signed, head=pinned)
    else:
        with open_ledger(settings, read_only=True) as ledger:
            found = check(
                ledger,
                bundles_at=lambda place: _bundles(artifacts or place, every.scarlet),
                is_signed=is_signed,
                head=pinned,
                progress=_progress,
            )
    _progress(0)
    print_json({"holds": found.holds, **found.model_dump(mode="json")}) if as_json else _print_verification(found)
    if not found.holds:
        raise typer.Exit(1)


@app.command("log")
def log(
    folder: Folder = None,
    kind: Kind = "",
    actor: Actor = "",
    subject: Subject = "",
    since: Since = "",
    until: Until = "",
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="How many of the newest to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the newest events, oldest first."""
    from autodevops.stores.export import chosen
    from autodevops.stores.ledger_rows import from_row
    from autodevops.stores.sqlite_ledger import open_ledger

    with open_ledger(_settings(folder).ledger, read_only=True) as ledger:
        events = [from_row(row) for row in chosen(ledger, _filter(kind, actor, subject, since, until, last))]
    if as_json:
        print_json([event.model_dump(mode="json") for event in events])
    elif events:
        _print_events(events)
    else:
        typer.echo("No events." if not any((kind, actor, subject, since, until)) else "No such events.")


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="File to write, .jsonl or .parquet; - is stdout, as JSON lines.")],
    folder: Folder = None,
    form: Annotated[str, typer.Option("--format", help="jsonl or parquet. Default: by the file's suffix.")] = "",
    kind: Kind = "",
    actor: Actor = "",
    subject: Subject = "",
    since: Since = "",
    until: Until = "",
    last: Annotated[int | None, typer.Option("--last", "-n", min=1, help="Only so many of the newest.")] = None,
    force: Force = False,
) -> None:
    """Write events to a file, all or chosen ones. `audit verify FILE` checks it."""
    from autodevops.stores.export import chosen, write_lines
    from autodevops.stores.export import export as write
    from autodevops.stores.sqlite_ledger import open_ledger

    with open_ledger(_settings(folder).ledger, read_only=True) as ledger:
        rows = chosen(ledger, _filter(kind, actor, subject, since, until, last))
        if str(file) == "-":
            write_lines(rows, sys.stdout.buffer)
            return
        count = write(rows, file, form=form, force=force)
    typer.echo(f"{count:,} events in {file}", err=True)


@app.command("head")
def head(
    folder: Folder = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign it with the configured key.")] = False,
) -> None:
    """Print the newest event's number and digest, to be kept where the ledger's writers cannot reach."""
    from autodevops.stores.signing import Head, signer
    from autodevops.stores.sqlite_ledger import open_ledger

    settings = _settings(folder).ledger
    with open_ledger(settings, read_only=True) as ledger:
        seq, digest = ledger.head()
    signature = None
    if sign:
        if settings.signing_key_file is None:
            raise UsageError(
                "There is no key to sign with.", "Set AUTODEVOPS_LEDGER__SIGNING_KEY_FILE; `audit keygen` makes one."
            )
        signature = signer(settings.signing_key_file)(seq, digest)
    typer.echo(str(Head(seq=seq, digest=digest, signature=signature)))


@app.command("compact")
def compact(
    folder: Folder = None,
    keep: Annotated[int | None, typer.Option("--keep", min=0, help="Newest events to leave in the database.")] = None,
) -> None:
    """Move all but the newest events into closed Parquet segments, signed when a key is configured."""
    from autodevops.stores.segments import compact as close
    from autodevops.stores.signing import signer
    from autodevops.stores.sqlite_ledger import open_ledger

    settings = _settings(folder).ledger
    sign = signer(settings.signing_key_file) if settings.signing_key_file else None
    open_ledger(settings, read_only=True).close()  # a ledger that is not there is not made by compacting it
    with open_ledger(settings) as ledger:
        made = close(ledger, keep=settings.keep_events if keep is None else keep, sign=sign)
    for segment in made:
        signed = ", signed" if segment.signature else ""
        typer.echo(f"events {segment.first:,} to {segment.last:,}  {segment.file}{signed}")
    if not made:
        typer.echo("Nothing to close.")


@app.command("sql")
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over `events` and `state`, in DuckDB's SQL.")],
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Ask the ledger in SQL, e.g. "SELECT kind, what, count(*) FROM events GROUP BY ALL"."""
    from autodevops.stores.sqlite_ledger import open_ledger

    with open_ledger(_settings(folder).ledger, read_only=True) as ledger:
        frame = ledger.sql(query)
    if as_json:
        import json

        print_json(json.loads(frame.to_json(orient="records", date_format="iso", date_unit="us", default_handler=str)))
        return
    _print_table([str(name) for name in frame.columns], frame.astype(object).itertuples(index=False))


@app.command("keygen")
def keygen(
    out: Annotated[Path, typer.Option("--out", help="Folder for the two files.")] = Path(),
) -> None:
    """Make a key pair that signs heads of the ledger."""
    from autodevops.stores.signing import make_keys

    private, public = make_keys(out)
    typer.echo(f"{private}  private, for whoever compacts or signs: ledger.signing_key_file")
    typer.echo(f"{public}  public, for whoever verifies: ledger.public_key_file")


def _settings(folder: Path | None) -> Settings:
    return load_settings(**({"ledger": {"folder": folder}} if folder else {}))


def _bundles(place: Path | str, scarlet: ScarletSettings) -> BundleFiles | None:
    """Those in the folder `place`; in the configured storage for none, and for what went there from its folder."""
    from autodevops.stores.verify_bundles import FolderFiles

    if place and "://" not in str(place) and Path(place).absolute() != scarlet.artifacts_folder.absolute():
        return FolderFiles(Path(place))
    if "://" not in scarlet.artifacts:
        return None if "://" in str(place) else FolderFiles(scarlet.artifacts_folder)
    from autodevops.runbooks.storage_audit import AuditedBundles
    from autodevops.runbooks.storage_remote import open_bundles

    return AuditedBundles(open_bundles(scarlet.artifacts, scarlet.staging))


def _filter(kind: str, actor: str, subject: str, since: str, until: str, last: int | None) -> Filter:
    from autodevops.stores.export import Filter

    if kind and kind not in get_args(EventKind):
        raise UsageError(f"--kind {kind!r} is none.", f"Kinds are {', '.join(get_args(EventKind))}.")
    times = {"since": parse_end(since, "--since"), "until": parse_end(until, "--until")}
    return Filter.model_validate({"kind": kind or None, "actor": actor, "subject": subject, "last": last, **times})


def _progress(walked: int) -> None:
    """On a terminal, how far it is; 0 wipes it out."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{walked:,} events" if walked else "\r\033[K")
        sys.stderr.flush()


def _print_verification(found: Verification) -> None:
    for one in found.divergences:
        typer.echo(f"✗ {one.where}: {one.what}")
    if found.more:
        typer.echo(f"✗ and {found.more:,} more")
    for name in found.unentered[:10]:
        typer.echo(f"· bundle {name} is not in the ledger: older than it, running, or put there by somebody")
    if len(found.unentered) > 10:
        typer.echo(f"· and {len(found.unentered) - 10:,} more")
    if found.elsewhere:
        typer.echo(f"· {found.elsewhere:,} bundles are in a place that is not a folder here and were not looked at")
    parts = [f"{found.events:,} events in {found.source}"]
    counts = {"segments": found.segments, "entries of the state": found.entries, "bundles": found.bundles}
    parts += [f"{count:,} {name}" for name, count in counts.items() if count]
    if found.signed_until:
        parts.append(f"signed up to event {found.signed_until:,}")
    typer.echo(f"{'holds' if found.holds else 'DIVERGES'}: {', '.join(parts)}")
    if found.events:
        typer.echo(f"head: {found.head}:{found.digest}")


def _print_events(events: list[LedgerEvent]) -> None:
    def line(event: LedgerEvent) -> tuple[Any, ...]:
        data = textwrap.shorten(
            " ".join(f"{name}={value}" for name, value in event.data.items()), _DATA, placeholder=" …"
        )
        moment = f"{event.at:%Y-%m-%d %H:%M:%S}"
        return (event.seq, moment, event.kind, event.what, event.actor, event.subject, data)

    _print_table(["seq", "time (UTC)", "kind", "what", "actor", "subject", "data"], map(line, events))


def _print_table(names: list[str], rows: Iterable[Iterable[Any]]) -> None:
    cells = [[_visible(str(value)) for value in row] for row in rows]
    if not sys.stdout.isatty():  # whole, for grep and awk
        widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
        widths[-1] = 0
        for row in [names, *cells]:
            typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console(highlight=False).print(table)


def _visible(text: str) -> str:
    """Data from elsewhere must not move a terminal's cursor."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
