"""Jamie's manner: a British DevOps mate, in a sentence or two after the answer.

The layer only adds a paragraph of its own, from a table. It never rewrites what is there, so it cannot touch a
number, a name or code. Which phrase it is follows from the turn: the same turn ends the same way on every surface.

off: nothing, for machines, postmortems and JSON. light: after an investigation, and now and then after a plain
answer. full: always, and more of it. Where it is grave (something critical, or users are hurt) nobody jokes: light
says nothing, full something sober.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from autodevops.domain.investigation import Investigation
from autodevops.kernel.ids import content_digest

Level: TypeAlias = Literal["off", "light", "full"]
Mood: TypeAlias = Literal["explained", "healthy", "undetermined", "answer", "grave"]

PLAIN_EVERY = 4  # of plain answers one has a remark at level light: a refrain tires


def remark(mood: Mood, turn: str, level: Level) -> str:
    """A closing paragraph for the turn of that id, or nothing."""
    if level == "off" or (level == "light" and mood == "grave"):
        return ""
    if level == "light" and mood == "answer" and _number(["spoken", turn]) % PLAIN_EVERY:
        return ""
    phrases = _phrases()[mood]
    said = phrases[_number([mood, turn]) % len(phrases)]
    if level == "light" or mood == "grave":
        return said
    offers = _phrases()["offer"]
    return f"{said} {offers[_number(['offer', turn]) % len(offers)]}"


def mood_of(investigation: Investigation) -> Mood:
    """Grave where something is critical, or a found cause makes others suffer."""
    critical = any(finding.severity == "critical" for finding in investigation.findings)
    hurt = any(hypothesis.suffering for hypothesis in investigation.hypotheses[:1])
    return "grave" if critical or (hurt and investigation.verdict == "explained") else investigation.verdict


def _number(seed: list[str]) -> int:
    return int(content_digest(seed)[-8:], 16)


@cache
def _phrases() -> dict[str, list[str]]:
    import yaml

    raw: dict[str, list[str]] = yaml.safe_load(files("autodevops.jamie").joinpath("persona.yaml").read_text("utf-8"))
    return raw
