"""Values and names as PromQL, LogQL and TraceQL spell them between double quotes."""

from __future__ import annotations

import re


def escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def literal(name: str) -> str:
    """A name as a regular expression that matches it alone."""
    return escape(re.escape(name))
