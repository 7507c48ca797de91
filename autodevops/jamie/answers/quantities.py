"""Kubernetes quantities as numbers: `100m` cores, `128Mi` bytes."""

from __future__ import annotations

import re
from typing import Any

_SUFFIXES = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?\d+)?)([numkKMGTPE]i?)?")


def quantity(text: Any, default: float = 0.0) -> float:
    """Nothing, or something that is no quantity, is `default`."""
    found = _QUANTITY.fullmatch(str(text)) if text is not None else None
    if found is None or (found[2] or "") not in _SUFFIXES:
        return default
    try:
        return float(found[1]) * _SUFFIXES[found[2] or ""]
    except ValueError:
        return default
