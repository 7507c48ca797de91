"""`learned.json` beside the ledger: what was learned, for people to read and for whoever copies it away.

It is written from the ledger and never read into it: an edit in it would be a permission without a name. An edited or
damaged file is put aside under another name, and whoever asked is told what was in it and what counts instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from autodevops.domain.learned import Learned
from autodevops.kernel.files import appearing
from autodevops.kernel.ids import content_digest
from autodevops.scarlet.learning.book import read_learned
from autodevops.stores.ledger import Ledger

NAME = "learned.json"
ABOUT = (
    "What Scarlet learned, written anew from the ledger at each change. Editing it changes nothing: "
    "`autodevops scarlet learned undo ID --why ...` does."
)


def show(ledger: Ledger, folder: Path, *, now: datetime) -> tuple[str, ...]:
    """Write the file when it is not what the ledger says; what a person should know about the one that was there.

    Two processes may do so at once: who has written looks again, so that the last to write has seen the newest.
    """
    path, said = folder / NAME, []
    while True:
        rows = [row_of(one) for one in read_learned(ledger) if one.ended is None]
        present = _present(path)
        if isinstance(present, str):
            said.append(f"{present} It is kept as {_put_aside(path, 'damaged', now)}.")
        elif present is not None and not _as_written(present):
            said.append(
                f"{path} was edited by hand, which counts for nothing: {'; '.join(_edits(present, rows))}. "
                f"The edited file is kept as {_put_aside(path, 'edited', now)}."
            )
        elif present is not None and present.get("learned") == rows:
            return tuple(said)
        document = {"about": ABOUT, "ledger": str(folder), "written_at": now.isoformat(), "learned": rows}
        text = json.dumps({**document, "digest": content_digest(rows)}, indent=2, ensure_ascii=False)
        with appearing(path) as file:
            file.write(f"{text}\n".encode())


def row_of(learned: Learned) -> dict[str, Any]:
    """One lesson as the file and `--json` have it."""
    lesson = learned.lesson
    row = {"id": lesson.id, **lesson.model_dump(mode="json"), "since": learned.since.isoformat()}
    return row | ({"ended": learned.ended.model_dump(mode="json")} if learned.ended else {})


def _present(path: Path) -> dict[str, Any] | str | None:
    """The file's document; why it cannot be read; None when there is none."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        return f"{path} is damaged ({error}); it was written anew from the ledger."
    if not isinstance(document, dict) or not isinstance(document.get("learned"), list):
        return f"{path} is damaged (it has no list `learned`); it was written anew from the ledger."
    return document


def _as_written(document: Mapping[str, Any]) -> bool:
    try:
        return document.get("digest") == content_digest(document["learned"])
    except (ValueError, TypeError, RecursionError):
        return False


def _edits(document: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the file says otherwise than the ledger, one phrase each."""
    edited = {str(row.get("id")): row for row in document["learned"] if isinstance(row, dict)}
    right = {str(row["id"]): row for row in rows}
    said = [f"{key} is not known to the ledger" for key in edited if key not in right]
    said += [f"{key} is held and was taken out" for key in right if key not in edited]
    for key in right.keys() & edited.keys():
        for name, value in right[key].items():
            if edited[key].get(name) != value:
                said.append(f"{name} of {key} is {value!r}, not {edited[key].get(name)!r}")
    return sorted(said) or ["only its form differs"]


def _put_aside(path: Path, what: str, now: datetime) -> str:
    aside = path.with_name(f"learned.{what}-{now:%Y%m%dT%H%M%S}.json")
    with suppress(FileNotFoundError):  # another process was quicker
        path.replace(aside)
    return aside.name
