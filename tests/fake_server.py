"""A real local server that speaks the OpenAI protocol, does what a test tells it, and remembers what it got.

    with FakeServer(answer=lambda body: "B", faults=[Fault("status", status=429), None]) as server:
        ...                       # point a client at server.url, in this process or in another
        server.received[0].body   # what arrived

By hand: ``python tests/fake_server.py --port 0`` prints its address; ``GET /received`` counts what arrived.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import math
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

FaultKind = Literal["status", "hang", "trickle", "cut", "cut-before", "garbage", "raw"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request."""

    kind: FaultKind
    """``status``: an HTTP error. ``hang``: no byte until the client leaves. ``trickle``: a space now
    and then, for ever. ``cut``: the connection ends in the middle of the body; ``cut-before``: before the
    first byte. ``garbage``: status 200 and no JSON. ``raw``: status 200 and ``body`` as JSON."""
    status: int = 500
    body: Any = None
    """For ``status`` and ``raw``; by default an error as OpenAI words it."""
    retry_after: float | None = None
    """Seconds, sent as the header Retry-After."""


@dataclass(frozen=True)
class Reply:
    """One answer of the model behind the server."""

    text: str | None
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: str = "stop"
    tokens: Sequence[tuple[str, Mapping[str, float]]] | None = None
    """For log-probabilities: each token written, and the probability of it and of its alternatives."""


@dataclass
class Received:
    """One chat request as it arrived."""

    body: dict[str, Any]
    headers: dict[str, str]
    fault: Fault | None
    answered: bool = False
    """Whether a whole answer, no fault, was written to the connection."""

    @property
    def parts(self) -> list[str | bytes]:
        """The last message's texts and images (as bytes), in the order of the wire."""
        content = self.body["messages"][-1]["content"]
        if isinstance(content, str):
            return [content]
        return [
            part["text"]
            if part["type"] == "text"
            else base64.b64decode(part["image_url"]["url"].partition(",")[2], validate=True)
            for part in content
        ]

    @property
    def text(self) -> str:
        """All texts of all messages, joined by line breaks."""
        texts = []
        for message in self.body["messages"]:
            content = message["content"]
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            texts += [part["text"] for part in parts if part["type"] == "text"]
        return "\n".join(texts)

    @property
    def fingerprint(self) -> str:
        """Hash of the whole body: equal requests have equal fingerprints."""
        return hashlib.sha256(json.dumps(self.body, sort_keys=True).encode()).hexdigest()


Answer = Callable[[Received], "str | Reply"]


@dataclass
class FakeServer:
    """The server; a context manager. Attributes may be changed while it runs."""

    answer: Answer = lambda received: "A"
    faults: Sequence[Fault | None] | Callable[[int, Received], Fault | None] = ()
    """For each request in order of arrival (from 0), what goes wrong; nothing, after the end of the list."""
    delay: float = 0.0
    """Seconds before each answer."""
    models: Sequence[str] = ("test-model",)
    vocabulary: Mapping[int, str] | None = None
    """Texts of token ids, for a server that knows vLLM's field ``logprob_token_ids``; others ignore it."""
    port: int = 0
    received: list[Received] = field(default_factory=list)
    """All chat requests, in order of arrival."""
    most_at_once: int = 0
    """The largest number of chat requests that were open at one time."""

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self._open = 0
        self._http = _Server(("127.0.0.1", self.port), _Handler)
        self._http.owner = self
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Address to give as base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def count(self) -> int:
        """How many chat requests arrived."""
        with self.lock:
            return len(self.received)

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def arrive(self, body: dict[str, Any], headers: dict[str, str]) -> Received:
        """Record a chat request and decide what goes wrong with it."""
        with self.lock:
            received, number = Received(body, headers, None), len(self.received)
            if callable(self.faults):
                received.fault = self.faults(number, received)
            elif number < len(self.faults):
                received.fault = self.faults[number]
            self.received.append(received)
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        return received

    def leave(self) -> None:
        """Count a chat request as finished."""
        with self.lock:
            self._open -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: FakeServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that left (or was killed) is no news


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        owner = self.server.owner
        if self.path == "/v1/models":
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "test"} for name in owner.models]
            self._send(200, {"object": "list", "data": data})
        elif self.path == "/received":
            with owner.lock:
                prints = [received.fingerprint for received in owner.received]
                answered = sum(received.answered for received in owner.received)
            counts = {"received": len(prints), "answered": answered, "distinct": len(set(prints))}
            self._send(200, counts)
        else:
            self._send(404, error(f"no such address: {self.path}", "not_found"))

    def do_POST(self) -> None:
        owner = self.server.owner
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._send(404, error(f"no such address: {self.path}", "not_found"))
            return
        received = owner.arrive(body, {name.lower(): value for name, value in self.headers.items()})
        try:
            if owner.delay:
                owner.closing.wait(owner.delay)
            if received.fault is not None:
                self._fail(received.fault)
                return
            said = owner.answer(received)
            reply = Reply(said) if isinstance(said, str) else said
            self._send(200, completion(reply, body, owner.vocabulary))
            received.answered = True
        finally:
            owner.leave()

    def _fail(self, fault: Fault) -> None:
        if fault.kind == "status":
            body = error("the server has a problem", "server_error") if fault.body is None else fault.body
            self._send(fault.status, body, fault.retry_after)
        elif fault.kind == "raw":
            self._send(200, fault.body)
        elif fault.kind == "garbage":
            self._start(200, "text/html", 20)
            self.wfile.write(b"<html>Hello </html>\n")
        elif fault.kind == "cut":
            self._start(200, "application/json", 1000)
            self.wfile.write(b'{"choices": [{"message": {"content": "A')
            self._drop()
        elif fault.kind == "cut-before":
            self._drop()
        elif fault.kind == "trickle":
            self._start(200, "application/json", 10**9)
            while not self.server.owner.closing.wait(0.05):
                self.wfile.write(b" ")
        else:
            self.server.owner.closing.wait()
            self.close_connection = True

    def _drop(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _start(self, status: int, media_type: str, length: int, retry_after: float | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(length))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()

    def _send(self, status: int, body: Any, retry_after: float | None = None) -> None:
        data = json.dumps(body).encode()
        self._start(status, "application/json", len(data), retry_after)
        self.wfile.write(data)


def error(message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """An error body as OpenAI words it."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def completion(
    reply: Reply, body: Mapping[str, Any], vocabulary: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """A chat completion as OpenAI words it."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    choice["logprobs"] = None
    if body.get("logprobs") and reply.tokens is not None:
        tokens, count = reply.tokens, body["top_logprobs"]
        if vocabulary and (ids := body.get("logprob_token_ids")):  # as vLLM: these and the one written alone
            tokens = [
                (name, {text: p.get(text, 0.0) for text in (*map(vocabulary.__getitem__, ids), name)})
                for name, p in reply.tokens
            ]
            count = len(ids) + 1
        choice["logprobs"] = {"content": [_token(*token, count) for token in tokens]}
    words = len((reply.text or "").split())
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": f"{body['model']}-served",
        "choices": [choice],
        "usage": {"prompt_tokens": 100, "completion_tokens": words, "total_tokens": 100 + words},
    }


def _token(token: str, probabilities: Mapping[str, float], count: int) -> dict[str, Any]:
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])[:count]
    entries = [
        {"token": name, "logprob": math.log(p) if p else -9999.0, "bytes": list(name.encode())}
        for name, p in ranked
    ]
    chosen = probabilities[token]
    return {
        "token": token,
        "logprob": math.log(chosen) if chosen else -9999.0,
        "bytes": list(token.encode()),
        "top_logprobs": entries,
    }


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A server for try-outs that speaks the OpenAI protocol.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--text", default="A", help="what it answers")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    with FakeServer(answer=lambda received: options.text, delay=options.delay, port=options.port) as server:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
