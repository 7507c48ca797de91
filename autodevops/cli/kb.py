"""`autodevops kb`: what Jamie knows besides your systems: the handbook, your own documents, what was remembered."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.domain.memory import KINDS, Document, DocumentKind, document
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.settings import load_settings

ROOM_EVERY = 50  # sources added; to measure the folder is to look at each of its files

app = typer.Typer(help="The knowledge base and what Jamie remembers.", no_args_is_help=True)

Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help=f"Only this kind: {', '.join(KINDS)}. May be given several times.")
]
Id = Annotated[str, typer.Argument(help="The id of a document, or its beginning, as `kb search` shows it.")]


class NotAllAdded(AutoDevOpsError):
    """Some of what was to be added could not be read; the rest was added."""


@app.callback()
def _group() -> None:
    """The knowledge base and what Jamie remembers."""


@app.command("add")
def add(
    places: Annotated[list[str], typer.Argument(metavar="PATH|URL...", help="Files, folders, http(s) addresses.")],
    as_json: AsJson = False,
) -> None:
    """Add Markdown, text, notebooks, HTML and PDF. Adding the same place again replaces what it said.

    Secrets are masked before anything is kept. What cannot be read is named, and the rest is added.
    """
    from autodevops.knowledge.places import Unread, read

    settings = load_settings()
    keeper = _keeper(settings)
    salt = settings.toolbox.redaction_salt.get_secret_value()
    added: list[dict[str, Any]] = []
    failed: list[Unread] = []
    try:
        for place in places:
            try:
                for found in read(place, now=utc_now(), salt=salt):
                    if isinstance(found, Unread):
                        failed.append(found)
                        continue
                    if len(added) % ROOM_EVERY == 0:
                        keeper.require_room()
                    keeper.add(found.source, found.documents)
                    added.append({"source": found.source, "documents": len(found.documents)})
                    if not as_json:
                        typer.echo(f"added {found.source} ({_passages(len(found.documents))})")
            except UsageError as error:
                failed.append(Unread(place, error))
    finally:
        keeper.close()
    for one in failed:
        typer.echo(f"not added: {one.error}", err=True)
    if as_json:
        print_json({"added": added, "failed": [{"source": one.source, "error": str(one.error)} for one in failed]})
    if failed:
        total = len(failed) + len(added)
        kind = NotAllAdded if added else UsageError
        raise kind(f"{len(failed)} of {total} could not be added.", "The lines above say why.")


@app.command("list")
def show_list(kind: Kinds = None, as_json: AsJson = False) -> None:
    """What is known, by where it comes from, with vectors made and space used."""
    keeper = _keeper(load_settings())
    try:
        memory = keeper.memory()
        found, vectors, size = memory.sources(_kinds(kind)), memory.embedded(), memory.size()
    finally:
        keeper.close()
    if as_json:
        print_json(
            {
                "folder": str(keeper.folder),
                "bytes": size,
                "vectors": vectors,
                "sources": [one.model_dump(mode="json") for one in found],
            }
        )
        return
    for one in found:
        typer.echo(f"{one.kind:<13}{one.documents:>6}  {one.at:%Y-%m-%d}  {one.source}")
    made = ", ".join(f"{name} {count}" for name, count in sorted(vectors.items()))
    typer.secho(f"{keeper.folder}: {size / 1e6:.1f} MB; vectors: {made or 'none'}", dim=True, err=True)


@app.command("search")
def search(
    text: Annotated[str, typer.Argument(help="A question, a symptom, an error message.")],
    kind: Kinds = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Find passages, best first, and say why each is where it is."""
    if not text.strip():
        raise UsageError("There is nothing to search for.", "Give a question, a symptom or an error message.")
    keeper = _keeper(load_settings())
    try:
        found = keeper.memory().search(text, _kinds(kind), limit)
    finally:
        keeper.close()
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        typer.echo("Nothing is known about that.")
    for one in found:
        typer.secho(f"{one.title}", bold=True)
        typer.echo(f"  {one.id[:12]}  {one.kind}, {one.source or f'{one.at:%Y-%m-%d %H:%M} UTC'}")
        typer.echo(f"  {one.score:.2f}: {one.why}")


@app.command("show")
def show(id: Id) -> None:
    """Print one document."""
    keeper = _keeper(load_settings())
    try:
        found = _one(keeper.memory().document(id), id)
    finally:
        keeper.close()
    typer.echo(f"# {found.title}\n\n{found.text}")
    typer.secho(f"\n{found.kind}, {found.source}, {found.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", dim=True, err=True)


@app.command("rate")
def rate(
    id: Id,
    thumb: Annotated[str, typer.Argument(metavar="up|down", help="Whether it helped.")],
    correction: Annotated[str, typer.Option(help="What is wrong or missing in it, in your words.")] = "",
) -> None:
    """Say whether a passage helped: it moves up or down a little in later searches, which say so."""
    from autodevops.analysis.redaction import redact_text

    value = {"up": 1, "down": -1}.get(thumb)
    if value is None:
        raise UsageError(f"{thumb!r} is neither up nor down.", "Write up or down.")
    settings = load_settings()
    keeper = _keeper(settings)
    text = redact_text(correction, settings.toolbox.redaction_salt.get_secret_value())
    try:
        memory = keeper.memory()
        about = _one(memory.document(id), id)
        memory.put(document("feedback", about.title, text, at=utc_now(), about=about.id, thumb=value))
    finally:
        keeper.close()
    typer.echo(f"noted: {thumb} for {about.title}")


@app.command("remove")
def remove(
    places: Annotated[
        list[str], typer.Argument(metavar="PATH|URL...", help="As they were added; a folder takes all below it.")
    ],
) -> None:
    """Remove what was added from a file, a folder or an address. The handbook stays."""
    from autodevops.knowledge.places import is_address, source_of

    keeper = _keeper(load_settings())
    try:
        memory = keeper.memory()
        known = {one.source for one in memory.sources(["knowledge"])} - {_handbook_source()}
        for place in places:
            source = source_of(place)
            gone = {one for one in known if one == source or (not is_address(place) and one.startswith(f"{source}/"))}
            if not gone:
                raise UsageError(f"Nothing was added from {source}.", "`autodevops kb list` shows what was.")
            memory.forget(sources=gone)
            known -= gone
            typer.echo(f"removed {source} ({len(gone)} source{'s' if len(gone) > 1 else ''})")
    finally:
        keeper.close()


@app.command("forget")
def forget(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Documents, by id or its beginning.")] = None,
    conversation: Annotated[str, typer.Option(help="All turns of one conversation, by its id.")] = "",
    kind: Annotated[str, typer.Option(help="All of a kind: conversation, feedback or incident.")] = "",
) -> None:
    """Forget turns, incidents, feedback or passages, and what was said about them: gone from search and from disk."""
    if not ids and not conversation and not kind:
        raise UsageError("It is not said what to forget.", "Give ids, --conversation or --kind.")
    if kind and kind not in {"conversation", "feedback", "incident"}:
        raise UsageError(f"{kind!r} is not a kind to forget as a whole.", "Give conversation, feedback or incident.")
    keeper = _keeper(load_settings())
    try:
        memory = keeper.memory()
        found = [_one(memory.document(id), id).id for id in ids or ()]
        whole: DocumentKind | None = _kinds([kind])[0] if kind else None
        gone = memory.forget(ids=found, conversation=conversation, kind=whole)
    finally:
        keeper.close()
    typer.echo(f"forgot {_passages(gone)}")


@app.command("reindex")
def reindex(
    anew: Annotated[
        bool, typer.Option("--anew", help="Throw away all vectors first, those no longer used too.")
    ] = False,
) -> None:
    """Make the vectors that are missing, forget what is too old, and tidy the files. Happens by itself once a day."""
    keeper = _keeper(load_settings())
    try:
        made = keeper.memory().catch_up(anew=anew)
        gone = keeper.tidy()
        vectors = keeper.memory().embedded()
    finally:
        keeper.close()
    for name, count in sorted(vectors.items()):
        typer.echo(f"{name}: {count} vectors")
    typer.echo(f"made {made}, forgot {gone}")


def _keeper(settings: Any) -> Any:
    from autodevops.workbench import memory_keeper

    return memory_keeper(settings)


def _handbook_source() -> str:
    from autodevops.knowledge.handbook import SOURCE

    return SOURCE


def _kinds(given: list[str] | None) -> tuple[DocumentKind, ...]:
    for name in given or ():
        if name not in KINDS:
            raise UsageError(f"There is no kind {name!r}.", f"Kinds are {', '.join(KINDS)}.")
    return tuple(kind for kind in KINDS if not given or kind in given)


def _one(found: Document | None, id: str) -> Document:
    if found is None:
        raise UsageError(f"No document has the id {id}, or several begin so.", "`autodevops kb search` shows ids.")
    return found


def _passages(count: int) -> str:
    return f"{count} passage{'' if count == 1 else 's'}"
