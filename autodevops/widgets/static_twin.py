"""What a reader without our page sees of the conversation: HTML beside the widget, among the cell's outputs.

GitHub, nbconvert and a notebook opened without its kernel show outputs and run no widget. So each finished turn is
left as an output of the cell that shows the chat; where the widget lives, its style sheet hides them (`adj-twin`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Context, copy_context
from typing import Any

from autodevops.widgets.shell import in_kernel
from autodevops.widgets.transcript import conversation_markdown
from autodevops.widgets.transcript_html import turn_html


class StaticTwin:
    """Follows the cell that showed the chat last. Without a kernel it does nothing."""

    def __init__(self) -> None:
        self._cell: Context | None = None

    def follow_current_output(self) -> None:
        """From now on turns go to the outputs of the cell that runs here: ipykernel keeps it in the context."""
        if in_kernel():
            self._cell = copy_context()

    def show(self, record: Mapping[str, Any]) -> None:
        if self._cell is not None:
            self._cell.run(_publish, twin_bundle(record))


def twin_bundle(record: Mapping[str, Any]) -> dict[str, str]:
    """The output one turn leaves, by MIME type."""
    html = f'<div class="adj-twin">{turn_html(record, whole=False)}</div>'
    return {"text/html": html, "text/plain": conversation_markdown([record])}


def _publish(bundle: dict[str, str]) -> None:
    from IPython.display import display

    display(bundle, raw=True)
