"""What a follow-up can lean on: the last turn's namespace, subject, window, wish and investigation."""

from __future__ import annotations

from dataclasses import dataclass

from autodevops.domain.investigation import Investigation
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.jamie.intent import Reading


@dataclass(frozen=True)
class Conversation:
    namespace: str = ""
    subject: Subject | None = None
    window: TimeWindow | None = None
    reading: Reading | None = None
    investigation: Investigation | None = None

    @property
    def focus(self) -> Subject | None:
        """What "it" means: the culprit that was named last, else what was asked about."""
        found = self.investigation
        if found is not None and found.verdict == "explained" and found.hypotheses:
            return found.hypotheses[0].subject
        return self.subject
