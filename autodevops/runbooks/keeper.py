"""The kernel's side of a bundle's evidence: what the run asked and concluded, put into the folder its runner named.

The runner sets AUTODEVOPS_RUN_EVIDENCE; without it nothing is kept. Each answer is a file that appears by one rename,
at once when it is there, so that what was seen survives a kernel that is killed. What becomes of the files is
`evidence`'s business, in the runner.

Nothing here may end a cell: an answer that cannot be written is a warning in the log.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.runbooks.masking import Masking

log = logging.getLogger(__name__)

VARIABLE = "AUTODEVOPS_RUN_EVIDENCE"
SECRETS_VARIABLE = "AUTODEVOPS_RUN_SECRETS"  # names of the variables that hold this run's secrets
Mask = Callable[[Any], Any]
"""A JSON value with the secrets of this run masked."""

ANSWER_BYTES = 5_000_000  # of one answer, as JSON
TOTAL_BYTES = 50_000_000  # of all answers of a run


def same(value: Any) -> Any:
    return value


class FolderKeeper:
    """Into a folder that one or several processes of one run write to. An answer that is there already stays."""

    def __init__(
        self, folder: Path, *, mask: Mask = same, answer_bytes: int = ANSWER_BYTES, total_bytes: int = TOTAL_BYTES
    ) -> None:
        self._folder = folder
        self._mask = mask
        self._answer_bytes = answer_bytes
        self._total_bytes = total_bytes
        self._written = 0
        self._lock = threading.Lock()

    def evidence(self, item: Evidence) -> None:
        self._keep(f"{item.id}.json", lambda: self._answer(item))

    def investigation(self, item: Investigation) -> None:
        bare = item.model_copy(update={"charts": ()})  # the notebook has them, and the evidence what is drawn
        self._keep(f"{item.id}.json", lambda: bare.model_dump(mode="json", exclude={"evidence": {"__all__": {"data"}}}))

    def _answer(self, item: Evidence) -> dict[str, Any]:
        size = len(json.dumps(item.data, ensure_ascii=False).encode())
        why = ""
        if size > self._answer_bytes:
            why = f"the answer has {_megabytes(size)}; one may have {_megabytes(self._answer_bytes)}"
        elif self._written + size > self._total_bytes:
            why = f"all answers of a run together may have {_megabytes(self._total_bytes)}"
        else:
            self._written += size
        return {"evidence": item.model_dump(mode="json", exclude={"data"} if why else None), "left_out": why}

    def _keep(self, name: str, document: Callable[[], dict[str, Any]]) -> None:
        path = self._folder / name
        temporary = path.with_name(f".{name}.{secrets.token_hex(4)}")
        try:
            with self._lock:
                if path.exists():
                    return
                self._folder.mkdir(parents=True, exist_ok=True)
                text = json.dumps(self._mask(document()), ensure_ascii=False)
                temporary.write_text(text, encoding="utf-8")
                temporary.replace(path)
        except (OSError, ValueError) as error:
            log.warning("%s could not be kept in %s: %s", name.removesuffix(".json"), self._folder, error)
            with suppress(OSError):
                temporary.unlink()


def variables(folder: Path, secrets: Collection[str]) -> dict[str, str]:
    """What the runner tells the kernel; `secrets` are the names of the variables that hold them."""
    return {VARIABLE: str(folder), SECRETS_VARIABLE: ",".join(secrets)}


def keeper_of_this_run(environment: Mapping[str, str] = os.environ) -> FolderKeeper | None:
    """None where this process is not a run's kernel, nor one that a kernel started."""
    folder = environment.get(VARIABLE, "")
    if not folder:
        return None
    names = [name for name in environment.get(SECRETS_VARIABLE, "").split(",") if environment.get(name)]
    masking = Masking({name: environment[name] for name in names})
    return FolderKeeper(Path(folder), mask=masking.known_value)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
