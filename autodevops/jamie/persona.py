"""Jamie's manner: a British DevOps mate, in one sentence after the answer.

The layer only adds a sentence of its own from a table. It never rewrites what is there, so it cannot touch a
number, a name or code. The choice follows from the answer's content: the same answer ends the same way everywhere.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from autodevops.domain.investigation import Investigation
from autodevops.kernel.ids import content_digest

Level: TypeAlias = Literal["off", "light"]
Mood: TypeAlias = Literal["explained", "healthy", "undetermined", "answer"]


def remark(mood: Mood, answer: str, level: Level) -> str:
    """A closing sentence for `answer`, or nothing when the persona is off."""
    if level == "off":
        return ""
    phrases = _phrases()[mood]
    return phrases[int(content_digest([mood, answer])[-8:], 16) % len(phrases)]


def level_for(investigation: Investigation, level: Level) -> Level:
    """No chat at a severe incident."""
    severe = any(finding.severity == "critical" for finding in investigation.findings)
    return "off" if severe else level


@cache
def _phrases() -> dict[Mood, list[str]]:
    import yaml

    raw: dict[Mood, list[str]] = yaml.safe_load(files("autodevops.jamie").joinpath("persona.yaml").read_text("utf-8"))
    return raw
