"""The stack that may write. The workbench builds it for the executor, and nobody else may import this module.

No cache, for what is decided on must be true now; no repetition, for a write that may have arrived is not sent again
before the world was asked; each call really made, and entered.
"""

from __future__ import annotations

from autodevops.settings import ToolboxSettings
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.redacted import Redacted
from autodevops.toolbox.timeout import Timeout


def writing(toolbox: Tools, settings: ToolboxSettings, seconds: float) -> Tools:
    """`seconds`: how long one call may take; less than the shortest lease of an executor."""
    masked = Redacted(toolbox, settings.redaction_salt.get_secret_value()) if settings.redact else toolbox
    return Timeout(masked, seconds)
