"""`ip("...")` of LogQL: whether a text has, or is, an address that a pattern means."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_CANDIDATE = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)")


@lru_cache(maxsize=256)
def address_test(pattern: str) -> Callable[[Address], bool]:
    """Raises ValueError for what is neither an address, a range `a-b` nor a network `a/n`."""
    try:
        if "-" in pattern:
            first, last = (ip_address(part.strip()) for part in pattern.split("-", 1))
            if first.version != last.version:
                raise ValueError
            return lambda address: address.version == first.version and first <= address <= last  # type: ignore[operator]
        if "/" in pattern:
            network = ip_network(pattern, strict=False)
            return lambda address: address in network
        only = ip_address(pattern)
    except ValueError as error:
        raise ValueError("ip: invalid pattern") from error
    return lambda address: address == only


def line_has_address(pattern: str) -> Callable[[str], bool]:
    """Whether any address written in a line is meant. Raises ValueError."""
    test = address_test(pattern)

    def has(line: str) -> bool:
        for candidate in _CANDIDATE.finditer(line):
            try:
                address = ip_address(candidate.group())
            except ValueError:
                continue
            if test(address):
                return True
        return False

    return has
