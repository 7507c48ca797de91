"""What people use in a notebook: `Jamie()` to talk, `investigate` for the facts alone, and plain calls that read.

`metrics`, `logs`, `traces`, `kube` and `tools` are modules here: each call goes through the toolbox and gives a
DataFrame that knows which evidence it is. They are imported from `autodevops`; everything loads when it is used.
"""

from __future__ import annotations

from autodevops.notebook.answer import Answer
from autodevops.notebook.jamie import Jamie, investigate, investigate_async
from autodevops.notebook.ledger_reader import ledger

__all__ = ["Answer", "Jamie", "investigate", "investigate_async", "ledger"]
