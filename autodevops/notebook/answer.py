"""One answer of Jamie's, as a cell shows and keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodevops.domain.chart import Chart
from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation

if TYPE_CHECKING:
    from autodevops.widgets.cells import Cell


@dataclass(frozen=True)
class Answer:
    """One answer: Markdown in `text`, whose `[ev-...]` are ids in `evidence`. Shows as Markdown in a notebook."""

    question: str
    text: str
    evidence: tuple[Evidence, ...]
    charts: tuple[Chart, ...]
    investigation: Investigation | None
    follow_ups: tuple[str, ...]
    narrator: str
    note: str
    turn: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The turn's events as a page gets them: what the notebook is made of."""

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        from autodevops.widgets.transcript import evidence_markdown

        return f"{self.text}\n\n{evidence_markdown(self.evidence)}".rstrip()

    def cells(self) -> list[Cell]:
        """The answer as cells that ask the same again, each with its exact window."""
        from autodevops.widgets.cells import cells_of

        return cells_of(self.turn)

    def to_notebook(self, path: str | Path = "") -> Path:
        """Write the answer as a notebook that runs from top to bottom, and return its path.

        Without `path` it is named after the moment of the question, in the working folder. Raises UsageError when
        there is such a file already, or none can be written there.
        """
        from autodevops.widgets.notebook_file import save_turns

        return save_turns([self.turn], path)
