"""The notebook around us, if there is one. IPython is not imported to find out."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any:
    """IPython's shell; None without one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def in_kernel() -> bool:
    return getattr(shell(), "kernel", None) is not None
