"""Time zones as people name them: `UTC`, `CET`, `Berlin time`, `Asia/Tokyo`.

An abbreviation is the offset it stands for, whatever the season: who writes EST in July means UTC-5. One that
several countries use (IST, CST, BST has one user left) is asked about.
"""

from __future__ import annotations

import os
from datetime import UTC, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_OFFSETS = {  # hours
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "JST": 9, "SGT": 8, "AEST": 10,
    "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
AMBIGUOUS = {
    "IST": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
    "CST": ("America/Chicago", "Asia/Shanghai"),
    "AST": ("America/Halifax", "Asia/Riyadh"),
}
_NICKNAMES = {"eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver",
              "pacific": "America/Los_Angeles", "german": "Europe/Berlin", "uk": "Europe/London"}  # fmt: skip

_ABBREVIATIONS = "|".join(sorted([*_OFFSETS, *AMBIGUOUS], key=len, reverse=True))
ZONE = (
    rf"(?:(?:\b|(?<=\d))(?:{_ABBREVIATIONS})\b"
    r"|\b[a-z]+/[a-z_]+(?:/[a-z_]+)?\b|\b(?:[a-z]+ )?[a-z]+ time\b)"
)
"""Text that may name a zone; `named` says whether it does."""


@cache
def _cities() -> dict[str, str]:
    """`new york` -> America/New_York; of two zones with one city's name, the first in the alphabet."""
    found: dict[str, str] = {}
    for name in sorted(available_timezones()):
        area, _, city = name.rpartition("/")
        if area and area not in {"Etc", "SystemV", "US", "posix", "right"}:
            found.setdefault(city.replace("_", " ").lower(), name)
    return found


@cache
def _by_lower() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, or None."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def of_user(setting: str) -> tzinfo:
    """The zone of the settings, else that of `TZ`, else UTC."""
    return zone_of(setting) or zone_of(os.environ.get("TZ", "").lstrip(":")) or UTC


def named(text: str) -> tzinfo | tuple[str, ...] | None:
    """The zone that `text` names; zones it may name, where several use the word; None where it names none."""
    said = text.strip()
    if said.upper() in AMBIGUOUS:
        return AMBIGUOUS[said.upper()]
    if said.upper() in _OFFSETS:
        hours = _OFFSETS[said.upper()]
        return timezone(timedelta(hours=hours), said.upper()) if hours or said.upper() not in {"UTC", "Z"} else UTC
    if "/" in said:
        known = _by_lower().get(said.lower())
        return zone_of(known) if known else None
    words = said.lower().removesuffix(" time").split()
    for size in (2, 1):
        place = " ".join(words[-size:])
        known = _NICKNAMES.get(place) or _cities().get(place)
        if known and len(words) >= size:
            return zone_of(known)
    return None
