"""Embeddings of an Ollama server, through its own client; `autodevops.stores` compares what they give.

A server that is away, or has not the model, is a ToolError: whoever searches goes on without. It is asked again half a
minute later, so that a dead server costs one search its time and not each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import ToolError, ToolNotFound, ToolRejected
from autodevops.llm.ollama_errors import translated
from autodevops.settings.model import OllamaSettings

ASK_SECONDS = 10.0  # for a batch; a question takes some ten milliseconds
PAUSE_MS = 30_000.0


class OllamaEmbedder:
    def __init__(self, settings: OllamaSettings, model: str, *, elapsed_ms: Callable[[], float] = monotonic_ms) -> None:
        self._settings = settings
        self._model = model
        self._elapsed_ms = elapsed_ms
        self._dimension = 0
        self._problem: ToolError | None = None
        self._asked_ms = 0.0

    @property
    def name(self) -> str:
        return f"ollama:{self._model}"

    def dimension(self) -> int:
        if not self._dimension:
            self.embed(["dimension"])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self._problem is not None and self._elapsed_ms() - self._asked_ms < PAUSE_MS:
            raise self._problem
        try:
            vectors = self._embed(texts)
        except ToolError as error:
            self._problem, self._asked_ms = error, self._elapsed_ms()
            raise
        self._problem = None
        return vectors

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        import httpx
        import ollama

        url = self._settings.url
        client = ollama.Client(host=url, timeout=httpx.Timeout(ASK_SECONDS, connect=2.0))
        try:
            with translated(url, "Use a smaller embedding model."):
                answer = client.embed(model=self._model, input=list(texts), truncate=True)
                vectors = [[float(number) for number in vector] for vector in answer.embeddings]
        except ToolNotFound as error:
            raise ToolNotFound(
                f"Ollama at {url} has no model {self._model}.", f"Run `ollama pull {self._model}`."
            ) from error
        sizes = {len(vector) for vector in vectors}
        if len(vectors) != len(texts) or len(sizes) > 1 or 0 in sizes:
            raise ToolRejected(
                f"Ollama at {url} gave {len(vectors)} vectors for {len(texts)} texts, of sizes {sorted(sizes)}."
            )
        if sizes:
            self._dimension = self._dimension or sizes.pop()
            if len(vectors[0]) != self._dimension:
                raise ToolRejected(
                    f"{self._model} now gives {len(vectors[0])} numbers, not {self._dimension}: it is another model."
                )
        return vectors


def embedders(settings: OllamaSettings, model: str) -> tuple[OllamaEmbedder, ...]:
    """One when both a server and a model are named, else none."""
    return (OllamaEmbedder(settings, model),) if settings.url and model else ()
