"""Evidence in a bundle: `evidence/<id>.json`, or `.parquet` for series and log lines, with an index in the manifest.

The kernel leaves what it asked and concluded in a staging folder (`keeper`). `collect` makes files of the bundle from
it when the run ends, or when a run is found dead: partial results are kept like whole ones. What lies in the staging
folder was written by cells, so it is read as what it is: names, sizes and shapes are checked, and what does not fit is
left out with a word.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.kept import Cause, Judgement, KeptEvidence, KeptInvestigation
from autodevops.kernel.files import sync
from autodevops.runbooks.evidence_tables import answer_of, parquet_of
from autodevops.runbooks.keeper import ANSWER_BYTES, TOTAL_BYTES, Mask, same

FOLDER = "evidence"
STAGING = ".evidence"
TABLE_BYTES = 4_000  # an answer smaller than this is easier read as JSON than queried as a table
_NAME = re.compile(r"(ev-[0-9a-f]{10}|inv-[0-9a-z]{1,40})\.json")
_ENVELOPE_BYTES = 2_000_000  # what may stand around an answer, and the most of an investigation


@dataclass(frozen=True)
class Kept:
    """What the manifest says of the evidence that was collected."""

    evidence: tuple[KeptEvidence, ...] = ()
    investigations: tuple[KeptInvestigation, ...] = ()
    left_out: str = ""


def collect(bundle: Path, mask: Mask = same) -> Kept:
    """Turn the staging folder of `bundle` into files of it. Safe to repeat after a crash. Raises OSError."""
    staging = bundle / STAGING
    if not staging.is_dir():
        return Kept()
    target = bundle / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    evidence: list[KeptEvidence] = []
    investigations: list[KeptInvestigation] = []
    refused: list[str] = []
    budget = TOTAL_BYTES + _ENVELOPE_BYTES
    for name, content in _staged(staging):
        if content is None or len(content) > budget:
            refused.append(name)
            continue
        budget -= len(content)
        target.mkdir(exist_ok=True)
        try:
            document = json.loads(content)
            if name.startswith("ev-"):
                evidence.append(_keep_evidence(target, document, mask))
            else:
                investigations.append(_keep_investigation(target, document, mask))
        except (ValueError, KeyError, TypeError, RecursionError):  # ValidationError is a ValueError
            refused.append(name)
    if target.is_dir():
        for path in (*target.iterdir(), target, bundle):  # all are written before the first is waited for
            sync(path)
    evidence.sort(key=lambda item: (item.collected_at, item.id))
    investigations.sort(key=lambda item: (item.window.end, item.id))
    return Kept(tuple(evidence), tuple(investigations), _left_out(evidence, refused))


def read_answer(content: bytes, name: str) -> Json:
    """The answer of one evidence file of a bundle."""
    if name.endswith(".parquet"):
        return answer_of(content)
    return Evidence.model_validate_json(content).data


def read_investigation(content: bytes) -> Investigation:
    """An investigation without charts; its evidence has no answers, those are files of their own."""
    return Investigation.model_validate_json(content)


def _staged(staging: Path) -> Iterator[tuple[str, bytes | None]]:
    """Names and contents; None for what is no plain file of bearable size."""
    for path in sorted(staging.iterdir()):
        if path.name.startswith("."):
            continue  # of a write that was cut short
        yield path.name, _plain_file(path) if _NAME.fullmatch(path.name) else None


def _plain_file(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(ANSWER_BYTES + _ENVELOPE_BYTES + 1)
    finally:
        os.close(descriptor)
    return content if len(content) <= ANSWER_BYTES + _ENVELOPE_BYTES else None


def _keep_evidence(target: Path, document: Any, mask: Mask) -> KeptEvidence:
    item = Evidence.model_validate(mask(document["evidence"]))
    left_out = str(document.get("left_out", ""))
    name, rows = "", None
    if not left_out:
        content = item.model_dump_json(indent=1).encode() + b"\n"
        about = item.model_dump(mode="json", exclude={"data"})
        table = parquet_of(item.data, about) if len(content) > TABLE_BYTES else None
        name = f"{item.id}.json" if table is None else f"{item.id}.parquet"
        if table is not None:
            content, rows = table
        _write(target / name, content)
    return KeptEvidence(
        id=item.id,
        tool=item.tool,
        query=item.query,
        window=item.window,
        digest=item.digest,
        collected_at=item.collected_at,
        error=item.error,
        truncated=item.truncated,
        file=f"{FOLDER}/{name}" if name else "",
        rows=rows,
        left_out=left_out,
    )


def _keep_investigation(target: Path, document: Any, mask: Mask) -> KeptInvestigation:
    found = Investigation.model_validate(mask(document))
    name = f"{found.id}.json"
    if not _NAME.fullmatch(name):
        raise ValueError(f"{found.id!r} is no id of an investigation")
    _write(target / name, found.model_dump_json(indent=1, exclude={"evidence": {"__all__": {"data"}}}).encode() + b"\n")
    return KeptInvestigation(
        id=found.id,
        file=f"{FOLDER}/{name}",
        question=found.question,
        namespace=found.namespace,
        window=found.window,
        verdict=found.verdict,
        summary=found.summary,
        causes=tuple(
            Cause(reason=one.reason, subject=str(one.subject), confidence=one.confidence, summary=one.summary)
            for one in found.hypotheses
        ),
        findings=tuple(
            Judgement(
                rule_id=one.rule_id,
                reason=one.reason,
                subject=str(one.subject),
                severity=one.severity,
                confidence=one.confidence,
                message=one.message,
            )
            for one in found.findings
        ),
    )


def _left_out(evidence: list[KeptEvidence], refused: list[str]) -> str:
    parts = []
    if dropped := [item for item in evidence if item.left_out]:
        parts.append(f"{len(dropped)} of {len(evidence)} answers are too large and not kept")
    if refused:
        parts.append(
            f"{len(refused)} files that were no evidence, or too large, are left out: {', '.join(refused[:5])}"
        )
    return "; ".join(parts)


def _write(path: Path, content: bytes) -> None:
    """Not renamed into place: nobody reads it before the manifest, which comes last, names it."""
    with path.open("xb") as file:
        file.write(content)
