"""Documents and embedders for the tests of memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from autodevops.domain.memory import Document, document
from autodevops.kernel.errors import ToolUnavailable

NOW = datetime(2026, 11, 24, 3, 45, tzinfo=UTC)


def article(title: str, text: str, source: str = "handbook", reasons: tuple[str, ...] = ()) -> Document:
    return document("knowledge", title, text, at=NOW, source=source, reasons=reasons)


OOM = article(
    "Containers killed for memory",
    "The kernel ends a container over its limit: OOMKilled, exit code 137.",
    "shipped",
    ("OOMKilled", "MemoryLeak"),
)
DNS = article(
    "Names do not resolve",
    "CoreDNS does not answer: lookup payments on 10.96.0.10:53: no such host.",
    "shipped",
    ("DNSFailing",),
)
PULL = article(
    "Images that cannot be pulled", "ErrImagePull and ImagePullBackOff: the registry denies the tag.", "wiki"
)
ARTICLES = (OOM, DNS, PULL)


def turn(question: str, answer: str, conversation: str = "talk-1", days_ago: float = 0.0) -> Document:
    at = NOW - timedelta(days=days_ago)
    return document("conversation", question, answer, at=at, conversation=conversation, namespace="shop")


def thumb(about: Document, value: int, correction: str = "", minute: int = 0) -> Document:
    at = NOW + timedelta(minutes=minute)
    return document("feedback", f"on {about.title}", correction, at=at, about=about.id, thumb=value)


class BentEmbedder:
    """Knows three subjects, fails when told to; of any dimension."""

    def __init__(self, name: str = "bent", size: int = 3) -> None:
        self.name, self.size, self.dead, self.asked = name, size, False, 0

    def dimension(self) -> int:
        if self.dead:
            raise ToolUnavailable("The embedder is away.")
        return self.size

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self.dead:
            raise ToolUnavailable("The embedder is away.")
        self.asked += len(texts)
        subjects = (("memory", "ram", "kernel"), ("dns", "name", "resolve"), ("image", "registry"))
        made = [[float(any(word in text.lower() for word in words)) for words in subjects] for text in texts]
        return [(row + [0.01] * self.size)[: self.size] for row in made]
