"""What a follow-up can lean on: the last turn's namespace, subject, window, wish, list and investigation."""

from __future__ import annotations

from dataclasses import dataclass

from autodevops.domain.investigation import Investigation
from autodevops.domain.remedy import Remedy
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.jamie.intent import Reading


@dataclass(frozen=True)
class Pending:
    """What Jamie asked back: the question at hand, the word she did not know, and the questions she offered."""

    question: str
    word: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conversation:
    namespace: str = ""
    subject: Subject | None = None
    window: TimeWindow | None = None
    reading: Reading | None = None
    investigation: Investigation | None = None
    remedies: tuple[Remedy, ...] = ()  # of that investigation, in the order in which they were told
    items: tuple[Subject, ...] = ()  # what the last answer listed, in its order
    focus: Subject | None = None  # what "it" means: the culprit named last, the only item, else what was asked about
    pending: Pending | None = None
