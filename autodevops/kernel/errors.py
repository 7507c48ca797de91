"""Every error we raise on purpose, named by what the caller does next.

::

    AutoDevOpsError            something a person can act on; has a `next_step`
    ├── UsageError             change what you asked for (exit status 2)
    │   └── SettingsError      fix autodevops.toml or AUTODEVOPS_*
    ├── ToolError              one tool call gave nothing; go on without it and say so
    │   ├── ToolUnavailable    the system does not answer: start it, or correct its address
    │   │   └── ToolTimeout    it answers too slowly: narrow the query or raise the limit
    │   ├── ToolDenied         credentials were refused: renew the token or ask for the right
    │   └── ToolRejected       the system says the request is wrong: change the query
    │       └── ToolNotFound   what was asked for does not exist
    ├── RunFailed              a runbook run ended in another way than succeeded
    ├── StorageFailed          bundles cannot be read or written there: see to the storage, nothing is lost
    ├── MemoryUnusable         what is remembered cannot be read or written; go on without it
    ├── LedgerConflict         somebody else changed it first: read it again and decide anew
    └── LedgerUnavailable      nothing was entered or read: free the file, the disk or the rights
        └── LedgerDamaged      what is written is not what was entered: keep a copy, run `audit verify`

Vendor exceptions are translated once, at the border where they appear, with `from`.
Over MCP an error travels as text; `code` is its first word, so that the toolbox can
rebuild the class on the other side (`autodevops.toolbox`).
"""

from __future__ import annotations

from typing import ClassVar, Final

NOT_ASKED: Final = "so it was not asked"
"""Of a system that is left alone because it failed a moment ago: what other calls met is the reason."""


class AutoDevOpsError(Exception):
    """An error written for the person at 3 a.m.

    `message` names the thing and its value in one sentence; `next_step` says what to do.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class UsageError(AutoDevOpsError):
    code = "usage"
    exit_status = 2


class SettingsError(UsageError):
    code = "settings"


class ToolError(AutoDevOpsError):
    code = "failed"


class ToolUnavailable(ToolError):
    code = "unavailable"


class ToolTimeout(ToolUnavailable):
    code = "timeout"


class ToolDenied(ToolError):
    code = "denied"


class ToolRejected(ToolError):
    code = "rejected"


class ToolNotFound(ToolRejected):
    code = "not_found"


class RunFailed(AutoDevOpsError):
    code = "run_failed"


class StorageFailed(AutoDevOpsError):
    code = "storage"


class MemoryUnusable(AutoDevOpsError):
    code = "memory"


class LedgerConflict(AutoDevOpsError):
    code = "conflict"


class LedgerUnavailable(AutoDevOpsError):
    code = "ledger_unavailable"


class LedgerDamaged(LedgerUnavailable):
    code = "ledger_damaged"
