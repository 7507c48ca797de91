"""Embeddings from a server that speaks Ollama's /api/embed, and from those that do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from autodevops.kernel.errors import ToolError, ToolNotFound, ToolRejected, ToolUnavailable
from autodevops.llm.embeddings import OllamaEmbedder, embedders
from autodevops.settings import OllamaSettings

Answering = Callable[[list[str]], tuple[int, object]]


@contextmanager
def serving(answer: Answering) -> Iterator[tuple[str, list[object]]]:
    asked: list[object] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            return None

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, body["model"]))
            status, value = answer(body["input"])
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=180)


def lengths(texts: list[str]) -> tuple[int, object]:
    return 200, {"model": "nomic", "embeddings": [[float(len(text)), 1.0, 0.0] for text in texts]}


def test_vectors_come_one_for_each_text_under_the_models_name() -> None:
    with serving(lengths) as (url, asked):
        embedder = OllamaEmbedder(OllamaSettings(url=url), "nomic")
        assert embedder.name == "ollama:nomic"
        assert embedder.dimension() == 3
        assert embedder.embed(["a", "bcd"]) == [[1.0, 1.0, 0.0], [3.0, 1.0, 0.0]]
        assert asked == [("/api/embed", "nomic")] * 2


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (lambda texts: (404, {"error": "model 'nomic' not found"}), ToolNotFound, "ollama pull nomic"),
        (lambda texts: (500, {"error": "out of memory"}), ToolUnavailable, "out of memory"),
        (lambda texts: (200, b"<html>"), ToolUnavailable, "does not speak"),
        (lambda texts: (200, {"embeddings": [[1.0]]}), ToolRejected, "1 vectors for 2 texts"),
        (lambda texts: (200, {"embeddings": [[1.0], [1.0, 2.0]]}), ToolRejected, "of sizes"),
    ],
)
def test_other_answers_are_errors_that_say_what_to_do(answer: Answering, kind: type[ToolError], said: str) -> None:
    with serving(answer) as (url, _):
        with pytest.raises(kind) as raised:
            OllamaEmbedder(OllamaSettings(url=url), "nomic").embed(["a", "b"])
        assert said in str(raised.value)


def test_a_dead_server_is_asked_again_only_after_a_while() -> None:
    now = [0.0]
    with serving(lambda texts: (500, {"error": "gone"})) as (url, asked):
        embedder = OllamaEmbedder(OllamaSettings(url=url), "nomic", elapsed_ms=lambda: now[0])
        for moment in (0.0, 10_000.0, 29_000.0, 31_000.0):
            now[0] = moment
            with pytest.raises(ToolUnavailable):
                embedder.embed(["a"])
        assert len(asked) == 2


def test_a_model_that_changes_its_dimension_is_refused() -> None:
    sizes = iter([3, 4])
    with serving(lambda texts: (200, {"embeddings": [[1.0] * next(sizes)]})) as (url, _):
        embedder = OllamaEmbedder(OllamaSettings(url=url), "nomic")
        embedder.embed(["a"])
        with pytest.raises(ToolRejected, match="another model"):
            embedder.embed(["a"])


def test_no_server_or_no_model_is_no_embedder() -> None:
    assert embedders(OllamaSettings(), "nomic") == ()
    assert embedders(OllamaSettings(url="http://127.0.0.1:9"), "") == ()
