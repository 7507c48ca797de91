"""The conversation as Markdown: what GitHub, a plain notebook reader or a paste into a ticket shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autodevops.domain.evidence import Evidence


def conversation_markdown(turns: Iterable[Mapping[str, Any]]) -> str:
    """Questions, answers and the queries they rest on, from the turns of a chat's transcript."""
    return "\n\n---\n\n".join(_turn(turn) for turn in turns)


def _turn(turn: Mapping[str, Any]) -> str:
    parts = [f"**{turn['question']}**"]
    last = turn["events"][-1] if turn["events"] else {}
    if last.get("type") == "answer_completed":
        parts.append(str(last["text"]))
        rows = [(item["id"], item["tool"], item["query"], item["digest"]) for item in last["evidence"]]
        if rows:
            parts.append(_table(rows))
    elif last.get("type") == "turn_failed":
        parts.append(f"> {last['message']} {last['next_step']}".rstrip())
    return "\n\n".join(parts)


def evidence_markdown(evidence: Iterable[Evidence]) -> str:
    """A table of evidence: id, tool, query, digest. Empty without evidence."""
    rows = [(item.id, item.tool, item.query, item.digest) for item in evidence]
    return _table(rows) if rows else ""


def _table(rows: Sequence[tuple[str, str, str, str]]) -> str:
    lines = ["| evidence | tool | query | digest |", "|---|---|---|---|"]
    for identifier, tool, query, digest in rows:
        short = digest.removeprefix("sha256:")[:12]
        lines.append(f"| `{identifier}` | {tool} | {_code(query)} | `{short}` |")
    return "\n".join(lines)


def _code(text: str) -> str:
    """Inline code that survives a table cell, whatever `text` has in it."""
    flat = " ".join(text.split()).replace("|", "\\|")
    fence = "``" if "`" in flat else "`"
    pad = " " if fence == "``" else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""
