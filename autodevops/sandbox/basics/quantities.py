"""Kubernetes quantities (`250m`, `512Mi`): read, added, compared, and written in their canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, total_ordering

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_SUFFIXES = {suffix: Decimal(1).scaleb(power) for suffix, power in _DECIMAL.items()}
_SUFFIXES |= {suffix: Decimal(1024) ** power for suffix, power in _BINARY.items()}
_QUANTITY = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))([a-zA-Z]*|[eE][-+]?\d+)")


def parse_quantity(text: str) -> Decimal:
    """The number of a quantity, in cores or bytes. Raises ValueError."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    if match[2] not in _SUFFIXES:
        if len(match[2]) < 2 or match[2][0] not in "eE" or match[2][1:].isalpha():
            raise ValueError(f"{text!r} is not a quantity")
        return Decimal(match[1] + match[2])
    return Decimal(match[1]) * _SUFFIXES[match[2]]


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A quantity that remembers whether it is written in powers of 1024, as resource.Quantity does."""

    value: Decimal = Decimal(0)
    binary: bool = False

    @classmethod
    def parse(cls, text: object) -> Quantity:
        """Raises ValueError."""
        return _read(str(text))

    def __add__(self, other: Quantity) -> Quantity:
        # Zero has no format of its own: it takes the other's.
        return Quantity(self.value + other.value, self.binary if self.value else other.binary)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.value - other.value, self.binary if self.value else other.binary)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.value == other.value

    def __lt__(self, other: Quantity) -> bool:
        return self.value < other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        """Canonical: no fraction, and the largest suffix with which there is none."""
        if not self.value:
            return "0"
        if self.binary and abs(self.value) >= 1024 and self.value == self.value.to_integral_value():
            whole, suffix = int(self.value), ""
            for name in _BINARY:
                if whole % 1024:
                    break
                whole, suffix = whole // 1024, name
            return f"{whole}{suffix}"
        for suffix, power in reversed(_DECIMAL.items()):
            scaled = self.value.scaleb(-power)
            if scaled == scaled.to_integral_value():
                return f"{int(scaled)}{suffix}"
        return f"{int(self.value.scaleb(9)) + 1}n"


@lru_cache(maxsize=4096)  # a pure function of few different texts, asked for all the time
def _read(text: str) -> Quantity:
    return Quantity(parse_quantity(text), text.endswith("i"))
