"""A loopback HTTP server that speaks Ollama's wire format from a script: what the real client is tested against.

::

    with ScriptedOllama(models={"small:1b": {}}, replies=[Reply(["Hello ", "there."])]) as server:
        OllamaModel(OllamaSettings(url=server.url))

Routes: /api/tags, /api/show, /api/chat (newline-delimited JSON, chunked). A reply can be an HTTP error, an error in
the middle of the stream, a cut connection, a stream that stalls, or bytes that are not JSON.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

End = Literal["done", "cut", "stall", "error", "garbage", "silent"]
CREATED = "2026-01-01T00:00:00.000000Z"


@dataclass(frozen=True)
class Reply:
    """One answer of /api/chat.

    `end` says what comes after the pieces: `done` as it should be; `cut` the connection drops; `stall` nothing more
    until the server closes; `error` an error object in the stream; `garbage` a line that is not JSON; `silent` the
    stream ends politely but unfinished.
    """

    pieces: Sequence[str] = ()
    thinking: Sequence[str] = ()
    end: End = "done"
    status: int = 200
    error: str = "model runner has unexpectedly stopped"


@dataclass
class ScriptedOllama:
    """Serves in a thread between `with` and its end. `requests` keeps (path, body) of every POST."""

    models: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"small:1b": {}})
    replies: Sequence[Reply] = ()
    tags_status: int = 200
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

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

    def next_reply(self) -> Reply:
        return self._left.pop(0) if self._left else Reply(status=500, error="the script has no reply left")

    def wait_for_close(self) -> None:
        self._closing.wait(timeout=30.0)


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
            if self.path not in {"/api/show", "/api/chat"}:
                self._json(404, {"error": "page not found"})
            elif not known:
                self._json(404, {"error": f"model '{name}' not found"})
            elif self.path == "/api/show":
                card = script.models.get(name) or script.models.get(f"{name}:latest") or {}
                self._json(200, _show(card))
            else:
                try:
                    self._chat(name, script.next_reply())
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the client hung up, as it may

        def _chat(self, model: str, reply: Reply) -> None:
            if reply.status != 200:
                self._json(reply.status, {"error": reply.error})
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for text in reply.thinking:
                self._line({**_part(model, ""), "message": {"role": "assistant", "content": "", "thinking": text}})
            for text in reply.pieces:
                self._line(_part(model, text))
            if reply.end == "cut":
                self.close_connection = True
                return
            if reply.end == "stall":
                script.wait_for_close()
                self.close_connection = True
                return
            if reply.end == "error":
                self._line({"error": reply.error})
            elif reply.end == "garbage":
                self._chunk(b"<html>bad gateway</html>\n")
            elif reply.end == "done":
                self._line({**_part(model, ""), "done": True, "done_reason": "stop", "eval_count": len(reply.pieces)})
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
    return {"name": name, "model": name, "modified_at": CREATED, "size": 1, "digest": "0" * 64, "details": details}


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
