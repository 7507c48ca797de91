"""A loopback HTTP server that speaks Ollama's wire format from a script: what the real client is tested against.

::

    with ScriptedOllama(models={"small:1b": {}}, replies=[Reply(["Hello ", "there."])]) as server:
        OllamaModel(OllamaSettings(url=server.url))

Routes: /api/tags, /api/show, /api/chat (newline-delimited JSON, chunked, tools and `format` taken), /api/embed. A
reply can be words, thinking, tool calls, or the recorded parts of a real model; an HTTP error, an error in the middle
of the stream, a cut connection, a stream that stalls, or bytes that are not JSON. Like the real one, a prompt that is
longer than `num_ctx` is cut to half of it without a word.
"""

from __future__ import annotations

import hashlib
import json
import select
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self, TypeAlias

End = Literal["done", "cut", "stall", "error", "garbage", "silent"]
CREATED = "2026-01-01T00:00:00.000000Z"
CHARACTERS_A_TOKEN = 4  # of the tokenizer this server pretends to have


@dataclass(frozen=True)
class Reply:
    """One answer of /api/chat: thinking, then pieces, then calls, then the end.

    `calls` are `{"name": ..., "arguments": ...}`, sent in one part as they are, well-formed or not. `messages` are
    whole `message` objects, one for each part, sent first. `end` says what comes last: `done` as it should be; `cut`
    the connection drops; `stall` nothing more until the client hangs up or the server closes; `error` an error object
    in the stream; `garbage` a line that is not JSON; `silent` the stream ends politely but unfinished.
    """

    pieces: Sequence[str] = ()
    thinking: Sequence[str] = ()
    calls: Sequence[Mapping[str, Any]] = ()
    messages: Sequence[Mapping[str, Any]] = ()
    end: End = "done"
    reason: str = "stop"
    prompt_tokens: int | None = None  # None: counted as the real one does
    status: int = 200
    error: str = "model runner has unexpectedly stopped"


Answering: TypeAlias = Reply | Callable[[Mapping[str, Any]], Reply]
"""A reply, or a function of the request's body that gives one."""


@dataclass
class ScriptedOllama:
    """Serves in a thread between `with` and its end. `requests` keeps (path, body) of every POST.

    `hung_up` is set when a client leaves in the middle of an answer.
    """

    models: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"small:1b": {}})
    replies: Sequence[Answering] = ()
    tags_status: int = 200
    embedding_size: int = 16
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._left = list(self.replies)
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5.0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the requests to /api/chat."""
        return [body for path, body in self.requests if path == "/api/chat"]

    def next_reply(self, body: Mapping[str, Any]) -> Reply:
        answering = self._left.pop(0) if self._left else Reply(status=500, error="the script has no reply left")
        return answering if isinstance(answering, Reply) else answering(body)

    def wait(self, connection: socket.socket) -> None:
        """Until the client hangs up or this server closes."""
        while not self._closing.is_set():
            readable, _, _ = select.select([connection], [], [], 0.05)
            if readable and not connection.recv(1, socket.MSG_PEEK):
                self.hung_up.set()
                return


def _handler(script: ScriptedOllama) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            return None

        def do_GET(self) -> None:
            if self.path != "/api/tags":
                self._json(404, {"error": "page not found"})
            elif script.tags_status != 200:
                self._json(script.tags_status, {"error": "unauthorized"})
            else:
                self._json(200, {"models": [_tag(name) for name in script.models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
            script.requests.append((self.path, body))
            name = str(body.get("model", ""))
            known = name in script.models or f"{name}:latest" in script.models
            card = _show(script.models.get(name) or script.models.get(f"{name}:latest") or {})
            if self.path not in {"/api/show", "/api/chat", "/api/embed"}:
                self._json(404, {"error": "page not found"})
            elif not known:
                self._json(404, {"error": f"model '{name}' not found"})
            elif self.path == "/api/show":
                self._json(200, card)
            elif self.path == "/api/embed":
                self._embed(name, body)
            elif body.get("tools") and "tools" not in card["capabilities"]:
                self._json(400, {"error": f"registry.ollama.ai/library/{name} does not support tools"})
            else:
                try:
                    self._chat(name, script.next_reply(body), body)
                except (BrokenPipeError, ConnectionResetError):
                    script.hung_up.set()
                    self.close_connection = True

        def _embed(self, model: str, body: dict[str, Any]) -> None:
            texts = body.get("input")
            texts = [texts] if isinstance(texts, str) else list(texts or ())
            vectors = [_vector(text, script.embedding_size) for text in texts]
            count = sum(map(len, texts)) // CHARACTERS_A_TOKEN
            self._json(200, {"model": model, "embeddings": vectors, "total_duration": 1, "prompt_eval_count": count})

        def _chat(self, model: str, reply: Reply, body: dict[str, Any]) -> None:
            if reply.status != 200:
                self._json(reply.status, {"error": reply.error})
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for message in reply.messages:
                self._line({**_part(model, ""), "message": dict(message)})
            for text in reply.thinking:
                self._line({**_part(model, ""), "message": {"role": "assistant", "content": "", "thinking": text}})
            for text in reply.pieces:
                self._line(_part(model, text))
            if reply.calls:
                calls = [{"function": {"index": at, **call}} for at, call in enumerate(reply.calls)]
                self._line({**_part(model, ""), "message": {"role": "assistant", "content": "", "tool_calls": calls}})
            if reply.end == "cut":
                self.close_connection = True
                return
            if reply.end == "stall":
                script.wait(self.connection)
                self.close_connection = True
                return
            if reply.end == "error":
                self._line({"error": reply.error})
            elif reply.end == "garbage":
                self._chunk(b"<html>bad gateway</html>\n")
            elif reply.end == "done":
                self._line({**_part(model, ""), **_counts(reply, body)})
            self.wfile.write(b"0\r\n\r\n")

        def _line(self, value: dict[str, Any]) -> None:
            self._chunk(json.dumps(value).encode() + b"\n")

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def _json(self, status: int, value: dict[str, Any]) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _tag(name: str) -> dict[str, Any]:
    details = {"format": "gguf", "family": "llama", "parameter_size": "1B", "quantization_level": "Q4_K_M"}
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"name": name, "model": name, "modified_at": CREATED, "size": 1, "digest": digest, "details": details}


def _show(card: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "details": {"family": "llama"},
        "model_info": {"llama.context_length": 4096},
        "capabilities": ["completion"],
    }
    return {**shown, **card}


def _part(model: str, content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {"model": model, "created_at": CREATED, "message": message, "done": False}


def _counts(reply: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
    said = json.dumps([[each.get("content", "") for each in body.get("messages", ())], body.get("tools") or []])
    context = int((body.get("options") or {}).get("num_ctx", 4096))
    tokens = len(said) // CHARACTERS_A_TOKEN
    tokens = tokens if tokens <= context else context // 2 + 2
    return {
        "done": True,
        "done_reason": reply.reason,
        "total_duration": 1,
        "load_duration": 1,
        "prompt_eval_count": tokens if reply.prompt_tokens is None else reply.prompt_tokens,
        "prompt_eval_duration": 1,
        "eval_count": len(reply.pieces),
        "eval_duration": 1,
    }


def _vector(text: str, size: int) -> list[float]:
    """The same for the same text, near for texts that share words; of length one."""
    vector = [0.0] * size
    for word in text.lower().split() or [""]:
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % size] += 1.0
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector]
