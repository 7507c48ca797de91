"""An incident as a folder: what was asked and answered, so that the engine can be run on it again, anywhere.

`investigation.json` holds the request and what was concluded; `evidence/` one file per tool call. Replaying asks the
same questions and gets the recorded answers, so the verdict is the same bit for bit; an engine that has learned to
ask more gets "not recorded" for what is new. Every incident can become a regression test this way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.investigation.engine import investigate
from autodevops.investigation.request import Request
from autodevops.kernel.errors import ToolUnavailable, UsageError
from autodevops.kernel.ids import canonical_json
from autodevops.toolbox.protocol import Emit, EvidenceSource

FORMAT: Final = 1
_HEAD: Final = "investigation.json"
_EVIDENCE: Final = "evidence"


def capture(investigation: Investigation, folder: Path) -> Path:
    """Write `investigation` into `folder` (made if missing) and return it. Raises UsageError if it holds another one.

    The head is written last and by renaming: a folder with a head is complete.
    """
    head = folder / _HEAD
    if head.exists() and json.loads(head.read_text()).get("id") != investigation.id:
        raise UsageError(f"{folder} holds another investigation already.", "Choose another folder.")
    (folder / _EVIDENCE).mkdir(parents=True, exist_ok=True)
    for item in investigation.evidence:
        (folder / _EVIDENCE / f"{item.id}.json").write_text(item.model_dump_json(indent=1) + "\n")
    request = Request(
        question=investigation.question,
        namespace=investigation.namespace,
        subject=investigation.subject,
        window=investigation.window,
    )
    document = {
        "format": FORMAT,
        "id": investigation.id,
        "request": request.model_dump(mode="json"),
        "verdict": investigation.verdict,
        "summary": investigation.summary,
        "hypotheses": [h.model_dump(mode="json") for h in investigation.hypotheses],
        "evidence": [item.id for item in investigation.evidence],
    }
    partial = head.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    os.replace(partial, head)
    return folder


class ReplaySource:
    """An EvidenceSource that gives recorded evidence back. Raises UsageError when `folder` is no capture."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.request, names = _read_head(folder)
        self._recorded: dict[str, Evidence] = {}
        for name in names:
            path = folder / _EVIDENCE / f"{name}.json"
            try:
                item = Evidence.model_validate_json(path.read_text())
            except (OSError, ValidationError) as error:
                raise UsageError(f"{path} cannot be read as evidence: {error}.", "Capture it anew.") from error
            self._recorded[_key(item.tool, item.arguments)] = item

    async def collect(self, tool: str, arguments: Mapping[str, Json]) -> Evidence:
        found = self._recorded.get(_key(tool, arguments))
        if found is not None:
            return found
        return Evidence.record(
            tool=tool,
            arguments=arguments,
            query=str(arguments.get("query") or tool),
            window=None,
            data=None,
            truncated=False,
            error=f"{ToolUnavailable.code}: The capture in {self._folder.name} has no answer to this question.",
            collected_at=self.request.window.end,
            duration_ms=0.0,
        )


def _ignore(_event: object) -> None:
    return None


async def replay(folder: Path, emit: Emit = _ignore) -> Investigation:
    """Run the engine on a captured incident."""
    recorded = ReplaySource(folder)
    source: EvidenceSource = recorded
    return await investigate(recorded.request, source, emit)


def _read_head(folder: Path) -> tuple[Request, list[str]]:
    path = folder / _HEAD
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise UsageError(f"{folder} holds no captured investigation.", f"It needs a {_HEAD}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.", "Capture it anew.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(f"{path} is not a capture of format {FORMAT}.", "Capture it with this version.")
    try:
        return Request.model_validate(document.get("request")), [str(name) for name in document.get("evidence", [])]
    except ValidationError as error:
        raise UsageError(f"{path} holds no valid request: {error}.", "Capture it anew.") from error


def _key(tool: str, arguments: Mapping[str, Json]) -> str:
    return canonical_json([tool, dict(arguments)])
