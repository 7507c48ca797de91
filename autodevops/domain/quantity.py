"""Kubernetes quantities as numbers: `100m` is a tenth of a core, `128Mi` are bytes.

The sandbox has a reader of its own: it imports nothing of ours above the kernel.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_SUFFIXES: Final = {
    **{
        suffix: Decimal(1000) ** power
        for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
    },
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}
_QUANTITY: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(" + "|".join(_SUFFIXES) + r")")


def quantity(text: object) -> float:
    """In cores, bytes, or pieces. Raises ValueError for what is none."""
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is no quantity of Kubernetes.")
    return float(Decimal(found[1]) * _SUFFIXES[found[2]])


def quantity_or(text: object, default: float = 0.0) -> float:
    """`default` for what is none, or nothing at all."""
    try:
        return quantity(text)
    except ValueError:
        return default
