"""Why a call failed, as a person is told it: without the error's code that evidence keeps in front."""

from __future__ import annotations

import re

from autodevops.kernel.errors import (
    ToolDenied,
    ToolError,
    ToolNotFound,
    ToolRejected,
    ToolTimeout,
    ToolUnavailable,
)

_CODES = [kind.code for kind in (ToolError, ToolUnavailable, ToolTimeout, ToolDenied, ToolRejected, ToolNotFound)]
_CODE = re.compile(rf"^(?:{'|'.join(_CODES)}): ")


def without_code(error: str | None) -> str:
    return _CODE.sub("", error or "")
