"""What kind of edit it is, whatever fails: one that only tells people more does not change what a program does."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.analysis.diffs import Edit

_TELLS = re.compile(
    r"\b(log(ger|ging)?|slog|zap|console|tracing|trace|metrics?|counter|gauge|histogram|span|print(ln|f)?)\b\S*[.(!:]"
    r"|\b(trace|debug|info|warn|error)!\(",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(?<![\w.])v?(\d+)\.\d+(?:\.\d+)?")
_FRAME = re.compile(r"^(import|from|using|use|require|package)\b|^[\W_]*$")  # imports, braces


def only_tells(edits: Iterable[Edit]) -> bool:
    """Whether all it changes are lines that log, measure or trace."""
    lines = [line for edit in edits for line in (*edit.removed, *edit.added) if not _FRAME.search(line)]
    return bool(lines) and all(_TELLS.search(line) for line in lines)


def takes_minor_versions(edits: Iterable[Edit]) -> bool:
    """Whether all it changes are versions of dependencies, and of none the major one, which alone may break its users
    (Semantic Versioning 2.0.0, item 8; before 1.0.0 anything may)."""
    return all(edit.kind == "dependency" and _majors(edit.removed) == _majors(edit.added) for edit in edits)


def _majors(lines: Iterable[str]) -> list[str]:
    return sorted(major for line in lines for major in _VERSION.findall(line))
