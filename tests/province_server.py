"""The province's side of the port, for tests: a reference server that checks all it gets, and misbehaves on command.

with province(key) as there:
    there.next("put", "timeout_after")      # the next PUT is taken in and never answered
    there.taken                              # dossier → how often it was taken in as new
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import uvicorn
from fastapi import FastAPI, Request, Response

from queue_server.doors.child import free_port
from queue_server.doors.province.port import signature

KEY = b"0123456789abcdef0123456789abcdef-test"
KEY_ID = "test-centre"
SCHEMA = Path(__file__).parent.parent / "docs" / "province-port.schema.json"


@dataclass
class Province:
    """What it holds and what it was asked. `misdeeds`: one for each next request of that method."""

    port: int
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    manifests: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    papers: dict[str, list[bytes]] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    """`GET <dossier>`, `PUT <dossier>` in the order in which they came."""
    misdeeds: dict[str, deque[str]] = field(
        default_factory=lambda: {"get": deque(), "put": deque()}
    )
    codes: bool = False
    """It gives codes and due dates of its own."""
    nonces: set[str] = field(default_factory=set)
    came: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mot-cua/v1"

    def next(self, method: str, *misdeeds: str) -> None:
        self.misdeeds[method].extend(misdeeds)

    # --- the port ---

    def fault(self, method: str, path: str, body: bytes, headers: Any) -> str:
        """Why this request is not to be believed, or an empty text."""
        digest = hashlib.sha256(body).hexdigest()
        at, nonce = headers.get("motcua-time", ""), headers.get("motcua-nonce", "")
        wanted = signature(KEY, method, path, digest, int(at or 0), nonce)
        if headers.get("motcua-key") != KEY_ID or headers.get("motcua-signature") != wanted:
            return "signature"
        if headers.get("motcua-digest") != f"sha-256={digest}":
            return "digest"
        if abs(time.time() - int(at)) > 300:
            return "time"
        if nonce in self.nonces:
            return "nonce"
        self.nonces.add(nonce)
        return ""

    def take(self, dossier: str, manifest: dict[str, Any], papers: list[bytes]) -> dict[str, Any]:
        """Take it in; one that is held in this round (or accepted at all) is not taken twice."""
        known = self.held.get(dossier)
        if known and (known["state"] == "accepted" or known["round"] >= manifest["round"]):
            return known
        jsonschema.validate(manifest, json.loads(SCHEMA.read_text("utf-8")))
        self.taken[dossier] += 1
        self.manifests.setdefault(dossier, []).append(manifest)
        self.papers[dossier] = papers
        said = {"state": "accepted", "id": dossier, "round": manifest["round"]}
        if self.codes:
            said |= {
                "code": f"H19.15-261127-{900 + len(self.held):04d}",
                "due_at": "2026-12-04T17:00:00+07:00",
            }
        self.held[dossier] = said
        return said

    def reject(self, dossier: str, manifest: dict[str, Any], words: str) -> dict[str, Any]:
        said = {
            "state": "rejected",
            "id": dossier,
            "round": manifest["round"],
            "reason": "incomplete",
            "words": words,
        }
        self.held[dossier] = said
        self.manifests.setdefault(dossier, []).append(manifest)
        return said


def application(there: Province) -> FastAPI:
    app = FastAPI()

    def answer(said: dict[str, Any], status: int) -> Response:
        return Response(json.dumps(said), status, media_type="application/json")

    async def misbehave(which: str) -> Response | None:
        there.came.set()
        if which == "500":
            return Response("<h1>oops</h1>", 500)
        if which == "garbage":
            return Response(b"\xff\xfe{not json", 200)
        if which == "page":
            return Response("<html>404 of a proxy</html>", 404)
        if which == "huge":
            return Response(b" " * 1_000_000, 200)
        if which == "moved":
            return Response(status_code=307, headers={"location": f"{there.url}/elsewhere"})
        if which == "denied":
            return answer({"state": "denied"}, 401)
        if which == "busy":
            return answer({"state": "busy"}, 429)
        if which == "hang":
            await asyncio.to_thread(there.let_go.wait, 20)
        if which == "slow":
            await asyncio.sleep(0.05)
        return None

    @app.get("/mot-cua/v1/dossiers/{dossier}")
    async def ask(dossier: str, request: Request) -> Response:
        there.asked.append(f"GET {dossier}")
        if there.fault("GET", request.url.path, b"", request.headers):
            return answer({"state": "denied"}, 401)
        which = there.misdeeds["get"].popleft() if there.misdeeds["get"] else ""
        if which == "checking":
            return answer({"state": "checking", "id": dossier}, 200)
        if which == "other":
            return answer({"state": "accepted", "id": "f" * 24, "round": 1}, 200)
        early = await misbehave(which) if which else None
        if early is not None:
            return early
        known = there.held.get(dossier)
        if known is None:
            return answer({"state": "unknown", "id": dossier}, 404)
        return answer(known, 200)

    @app.put("/mot-cua/v1/dossiers/{dossier}")
    async def put(dossier: str, request: Request) -> Response:
        body = await request.body()
        there.asked.append(f"PUT {dossier}")
        if there.fault("PUT", request.url.path, body, request.headers):
            return answer({"state": "denied"}, 401)
        form = await request.form()
        manifest = json.loads(await _bytes(form["manifest"]))
        papers = [await _bytes(form[p["part"]]) for p in manifest["papers"]]
        which = there.misdeeds["put"].popleft() if there.misdeeds["put"] else ""
        if which.startswith("reject"):
            return answer(there.reject(dossier, manifest, which.partition(" ")[2]), 422)
        if which.endswith("_lost"):  # broken off before it was taken in
            return (await misbehave(which.removesuffix("_lost"))) or Response(status_code=500)
        said = there.take(dossier, manifest, papers)
        early = await misbehave(which.removesuffix("_after")) if which else None
        return early if early is not None else answer(said, 201)

    return app


async def _bytes(part: Any) -> bytes:
    return part.encode() if isinstance(part, str) else await part.read()


@contextmanager
def province() -> Iterator[Province]:
    """It runs in a thread, on a free port."""
    there = Province(free_port())
    config = uvicorn.Config(
        application(there), host="127.0.0.1", port=there.port, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    try:
        yield there
    finally:
        there.let_go.set()
        server.should_exit = True
        thread.join(10)
