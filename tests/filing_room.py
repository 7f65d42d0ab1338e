"""A centre's desk and its filing door in one folder, without sockets: packages in, answers and files out."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from msgspec.structs import replace

from queue_server import settings
from queue_server.desk.clock import Clock
from queue_server.desk.desk import Request
from queue_server.desk.terms import DossierTerms
from queue_server.doors.web.context import Web
from queue_server.doors.web.dossiers import dossier_routes
from queue_server.doors.web.filings import filing_routes
from queue_server.doors.web.main import compose
from queue_server.doors.web.public.lookup import lookup_routes
from queue_server.dossiers.life import CodeRule, CodeWay
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.store.catalogue_file import import_sample
from queue_server.store.devices import Devices
from queue_server.store.log import load
from queue_server.wire import messages as m
from queue_server.wire.enrol import split_code
from queue_server.wire.filing import FiledPaper, Filing, HeldAsk, Package, encode_held_ask
from queue_server.wire.filing import encode_package as encode
from queue_server.wire.sealed import seal
from queue_server.wire.words import DAY, DeviceKind, Role
from tests.desk_room import DeskRoom, opened

PDF = b"%PDF-1.7\n% a page that was filed, number "
BIRTH = "1.001193"
HERS = {"owner_name": "Nguyễn Thị Mai", "owner_number": "001185000123"}
_ids = itertools.count(1)


def pdf(n: int = 1) -> bytes:
    return PDF + str(n).encode() + b"\n%%EOF\n"


def paper(file: bytes, **more: Any) -> FiledPaper:
    sha = hashlib.sha256(file).hexdigest()
    given = {"name": "Giấy chứng sinh", "kind": "scan", "component": 1, "sha256": sha, **more}
    return FiledPaper(**given)


class FilingRoom(DeskRoom):
    """`now` may be set (ms); the web process's replica is the desk's own state."""

    def __init__(self, root: Path, codes: CodeRule | None = None, sample: bool = True) -> None:
        self.folder = Folder(root / "var")
        self.folder.open()
        file = settings.read(settings.example())
        self.settings = replace(
            file,
            forms=replace(file.forms, sample=sample),
            web=replace(file.web, public_url="https://mc.example"),
        )
        self.codes = codes or CodeRule(way=CodeWay.OWN, agency="H19.15")
        self.away = False
        self.now = 0
        super().__init__(self.folder.root)
        self.give(o.ChangeSetup(setup=self.settings.setup()), role=None)
        import_sample(self.folder.root, None)
        self.web = self._web()
        self.kiosk = self.enrol("kiosk-1")

    def open(self) -> None:
        self.path, self.key = self.folder.database, self.folder.master_key()
        super().open()
        self.desk.terms = DossierTerms(self.codes, keep_days=10)
        room = self

        class Told(Clock):
            def now(self) -> int:
                return room.now or super().now()

        self.desk.clock = Told()

    def _web(self) -> Web:
        web = compose(self.folder, self.settings, Clock(), 0)
        opened.append(web)
        web.devices.close()
        web.devices = Devices(self.folder.devices, "0" * 64)
        web.replica.fresh = True
        web.replica.state, _ = load(self.desk.log.conn)
        web.replica.line = _Line(self)  # type: ignore[assignment]
        app = FastAPI()
        for routes in (filing_routes, dossier_routes, lookup_routes):
            app.include_router(routes(web))
        self.app = app
        return web

    def enrol(self, name: str, kind: DeviceKind = DeviceKind.KIOSK) -> tuple[str, str]:
        now = 1_800_000_000_000
        secret, _ = split_code(self.web.devices.add(kind, name, None, now))
        return name, self.web.devices.redeem(secret, now).password

    # --- what a kiosk does ---

    def filing(self, *papers: FiledPaper, **more: Any) -> Filing:
        given = {
            "id": f"filing-{next(_ids):06d}",
            "procedure": BIRTH,
            "service": "ho_tich",
            "submitted_at": self.desk.clock.now(),
            "answers": {"child.name": "Trần An"},
            "papers": papers,
            "consents": ("keep",),
            **HERS,
            **more,
        }
        return Filing(**given)

    def package(self, filing: Filing | None = None, *files: bytes) -> tuple[str, bytes]:
        files = files or (pdf(),)
        filing = filing or self.filing(*(paper(x) for x in files))
        sealed = seal(encode(Package(filing=filing, files=files)), self.web.filing_key, filing.id)
        return filing.id, sealed

    def post(self, filing_id: str, body: bytes, auth: tuple[str, str] | None = None) -> Any:
        path = f"/api/filings/{filing_id}"
        return self.call("POST", path, content=body, auth=auth or self.kiosk)

    def bearer(self, role: Role) -> dict[str, str]:
        """The headers of somebody who is logged in."""
        token = self.web.sessions.start(f"{role}1", "Ai đó", role, False, time.time())
        return {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request, carried out in this very thread."""

        async def ask() -> httpx.Response:
            way = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=way, base_url="http://centre") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def file(self, filing: Filing | None = None, *files: bytes) -> dict[str, Any]:
        answer = self.post(*self.package(filing, *files))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def held(self, **more: Any) -> list[dict[str, Any]]:
        ask = HeldAsk(**{"procedure": BIRTH, "consents": ("reuse",), **HERS, **more})
        body = seal(encode_held_ask(ask), self.web.filing_key, "held/kiosk-1")
        answer = self.call("POST", "/api/filings/held", content=body, auth=self.kiosk)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json().get("papers", [])
        return found

    # --- what there is ---

    def folders(self) -> list[str]:
        root = self.folder.root / "papers"
        return sorted(p.name for p in root.iterdir() if not p.name.startswith(".coming"))

    def filed(self) -> list[e.DossierFiled]:
        return [x for x in self.events() if isinstance(x, e.DossierFiled)]

    def later(self, days: float) -> None:
        self.now = self.desk.clock.now() + int(days * DAY)


class _Line:
    """Stands for the socket between the web process and the server."""

    def __init__(self, room: FilingRoom) -> None:
        self.room = room

    async def give(
        self, order_id: str, verb: str, body: Any, actor: e.Actor, role: Role | None
    ) -> m.Answer:
        if self.room.away:
            raise ConnectionError("server away")
        answers: list[m.Answer] = []
        body = m.decode(type(body), m.encode(body))
        self.room.desk.carry_out([Request(order_id, verb, actor, body, answers.append, role)])
        self.room.web.replica.state = self.room.desk.state
        return answers[0]
