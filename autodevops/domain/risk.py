"""How much a change may cost when it goes wrong: a word that those who only show changes need without the nouns."""

from __future__ import annotations

from typing import Literal

Risk = Literal["low", "medium", "high"]
RISKS: tuple[Risk, ...] = ("low", "medium", "high")
