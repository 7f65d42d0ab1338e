"""`/api/filings`: what kiosks file, sealed: opened, checked, its papers sealed away, and given to the line.

The papers are on disk before the dossier is in the log. What breaks in between leaves a folder of which nobody
tells; it is cleared away within the hour, and the kiosk asks again until it has its answer.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec
import structlog
from fastapi import APIRouter, Request, Response

from ... import said
from ...desk import filing as desk
from ...desk.commands import FileDossier
from ...dossiers import package as rules
from ...dossiers.catalogue import Procedure
from ...dossiers.package import BadPackage
from ...store import dossiers, papers
from ...store.devices import Device
from ...store.papers import Owner, Owners, Papers
from ...store.schema import connect
from ...store.vault import CannotUnseal, Vault, new_ref
from ...wire import messages as m
from ...wire.filing import (
    LARGEST_PACKAGE,
    Filed,
    Held,
    HeldAsk,
    HeldPaper,
    Package,
    decode_held_ask,
    decode_package,
)
from ...wire.sealed import NotSealed, private_key, unseal
from ...wire.words import DeviceKind
from .api import json
from .context import Web
from .device_login import DeviceLogin, DeviceUnknown
from .public.limits import Limit
from .sessions import TooManyTries

log = structlog.get_logger()
LARGEST_ASK = 8_192
AT_ONCE = 2
"""Packages opened at one time: each takes some hundred megabytes of memory for a moment."""
STATUS = {
    "device_unknown": 401,
    "not_allowed": 403,
    "unreadable": 400,
    "visit_over": 404,
    "filing_unreadable": 400,
    "bad_paper": 400,
    "filing_too_large": 413,
    "slow_down": 429,
    "server_away": 503,
    "not_saved": 503,
    "internal": 500,
    "disk_full": 507,
}


class Stop(Exception):
    """The answer is this refusal."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code, self.values = code, values

    def response(self) -> Response:
        vi, en = (said.refusal(self.code, x, self.values) for x in ("vi", "en"))
        headers = {"WWW-Authenticate": "Basic"} if self.code == "device_unknown" else {}
        if self.code == "slow_down":
            headers["Retry-After"] = str(self.values["seconds"])
        refusal = m.Refusal(code=self.code, vi=vi, en=en)
        response = json({"refusal": refusal}, STATUS.get(self.code, 409))
        response.headers.update(headers)
        return response


def filing_routes(web: Web) -> APIRouter:
    router = APIRouter(prefix="/api/filings", tags=["filings"])
    door = FilingDoor(web)

    @router.post("/held")
    async def held(request: Request) -> Response:
        """Which papers the centre holds of a person, with her consent. Device log-in (HTTP Basic); sealed body."""
        try:
            device = door.device(request)
            body = await small(request, LARGEST_ASK)
            return json(await asyncio.to_thread(door.held, device, body))
        except Stop as stop:
            return stop.response()

    @router.post("/{filing_id}")
    async def file(filing_id: str, request: Request) -> Response:
        """File a dossier: the body is a package sealed to the centre. Device log-in (HTTP Basic).

        The same id again gives the same answer. 400 cannot be opened, 409 refused, 413 too large, 503 the server
        is away (ask again), 507 no room.
        """
        try:
            return json(await door.file(door.device(request), filing_id, request))
        except Stop as stop:
            return stop.response()

    return router


class FilingDoor:
    """Nothing slow happens in the event loop: packages are opened and written in threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._papers = Papers(web.folder.root)
        self._login = DeviceLogin(web.devices)
        self._asks = Limit(30, 600)
        self._open = asyncio.Semaphore(AT_ONCE)
        self._key = private_key(web.master)
        self._owners = Owners(web.master)

    # --- who asks ---

    def device(self, request: Request) -> Device:
        """The kiosk, by its name and password. Raises Stop."""
        try:
            device = self._login.device(request)
        except TooManyTries as error:
            raise Stop("slow_down", seconds=int(error.seconds) + 1) from error
        except DeviceUnknown as error:
            raise Stop("device_unknown") from error
        if device.kind is not DeviceKind.KIOSK:
            raise Stop("not_allowed")
        return device

    # --- filing ---

    async def file(self, device: Device, filing_id: str, request: Request) -> Filed:
        if not rules.ID.fullmatch(filing_id):
            raise Stop("filing_unreadable")
        dossier = dossier_of(device.name, filing_id)
        known = await asyncio.to_thread(self._known, dossier)
        if known is not None:
            return known
        if not self._web.replica.fresh:
            raise Stop("server_away")
        path = await self._receive(request)
        try:
            async with self._open:
                order = await asyncio.to_thread(self._take_in, device, filing_id, dossier, path)
        finally:
            path.unlink(missing_ok=True)
        return await self._give(device, order)

    def _known(self, dossier: str) -> Filed | None:
        """What was answered before, if the dossier is in the log already."""
        with closing(self._connect()) as conn:
            found = dossiers.get(conn, dossier)
        return self._filed(found) if found else None

    def _filed(self, found: dossiers.Dossier) -> Filed:
        offset = self._web.state.setup.rules.utc_offset_minutes
        return desk.filed(found, self._web.file.web.public_url, offset)

    async def _receive(self, request: Request) -> Path:
        """The body on disk, still sealed. Raises Stop."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > LARGEST_PACKAGE:
            raise Stop("filing_too_large")
        path: Path | None = None
        try:
            path, size = self._papers.incoming(secrets.token_hex(12)), 0
            with path.open("xb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > LARGEST_PACKAGE:
                        raise Stop("filing_too_large")
                    await asyncio.to_thread(file.write, chunk)
        except BaseException as error:
            if path is not None:
                path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise _no_room(error) from error
            raise
        return path

    def _take_in(self, device: Device, filing_id: str, dossier: str, path: Path) -> FileDossier:
        """Open, check, seal the papers away; the order for the line. In a thread. Raises Stop."""
        package = self._opened(path.read_bytes(), filing_id)
        filing = package.filing
        procedure = self._web.catalogue.get(filing.procedure)
        if procedure is None:
            raise Stop("unknown_procedure")
        owner = self._owners.of(filing.owner_number, filing.owner_name)
        with closing(self._connect()) as conn:
            files = [
                self._again(conn, package, n, owner) if paper.held else package.files[n]
                for n, paper in enumerate(filing.papers)
            ]
        ref, key = new_ref(), secrets.token_bytes(32)
        try:
            self._papers.write(ref, key, files)
        except OSError as error:
            raise _no_room(error) from error
        offered = self._web.forms.offered(self._web.state.forms_checked)
        form = offered.find(filing.form, filing.form_version)
        return FileDossier(
            dossier=dossier,
            filing=filing,
            ref=ref,
            key=key,
            types=tuple(rules.type_of(p, procedure) for p in filing.papers),
            service=self._service(filing.service, procedure),
            owner=owner.number,
            owner_check=owner.both,
            time=procedure.time,
            form_sha=form.sha if form else "",
            presence=form.form.presence if form else False,
            sample=offered.sample,
        )

    def _opened(self, sealed: bytes, filing_id: str) -> Package:
        try:
            package = decode_package(unseal(sealed, self._key, filing_id))
            rules.check(package, filing_id)
        except (NotSealed, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Stop("filing_unreadable") from error
        except BadPackage as error:
            raise Stop(error.code, paper=error.paper) from error
        return package

    def _again(self, conn: sqlite3.Connection, package: Package, n: int, owner: Owner) -> bytes:
        """The bytes of a paper that the centre holds, if she agrees and it is her own. Raises Stop."""
        ref = package.filing.papers[n].held
        known = papers.is_hers(conn, ref, owner) if "reuse" in package.filing.consents else None
        if known is None:
            raise Stop("paper_not_held", paper=n + 1)
        try:
            return read_paper(conn, self._web.master, self._papers, known.dossier, known.n)
        except (FileNotFoundError, CannotUnseal) as error:
            log.error("paper_lost", dossier=known.dossier, paper=known.n)
            raise Stop("paper_not_held", paper=n + 1) from error

    def _service(self, named: str, procedure: Procedure) -> str:
        known = self._web.state.setup.service(named)
        return named if known is not None else procedure.service or named

    async def _give(self, device: Device, order: FileDossier) -> Filed:
        """Into the log. A refusal takes the papers away again; no answer leaves them for the next try to judge."""
        answer = await self._web.give(
            "FileDossier", order, None, f"filing:{order.dossier}", device.name
        )
        if answer.refusal is not None:
            if STATUS.get(answer.refusal.code, 409) == 409:
                await asyncio.to_thread(self._papers.drop, order.ref)
                raise Refused409(answer.refusal)
            raise Stop(answer.refusal.code)
        return msgspec.json.decode(bytes(answer.ok), type=Filed)

    # --- papers that are held ---

    def held(self, device: Device, sealed: bytes) -> Held:
        """Only with her consent; a wrong name with a number finds as little as a number nobody has."""
        now = time.time()
        wait = self._asks.wait(device.name, now)
        if wait > 0:
            raise Stop("slow_down", seconds=int(wait) + 1)
        self._asks.count(device.name, now)
        try:
            ask = decode_held_ask(unseal(sealed, self._key, f"held/{device.name}"))
        except (NotSealed, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Stop("filing_unreadable") from error
        procedure = self._web.catalogue.get(ask.procedure)
        if procedure is None or "reuse" not in ask.consents:
            return Held()
        return self._held(ask, procedure)

    def _held(self, ask: HeldAsk, procedure: Procedure) -> Held:
        wanted = tuple(rules.may_be_held(procedure))
        owner = self._owners.of(ask.owner_number, ask.owner_name)
        with closing(self._connect()) as conn:
            found = papers.held(conn, owner, (kind for _, _, kind in wanted))
        return Held(
            papers=tuple(
                HeldPaper(
                    ref=found[kind].paper,
                    component=place,
                    name=component.name,
                    at=found[kind].filed_at,
                    pages=found[kind].pages,
                )
                for place, component, kind in wanted
                if kind in found
            )
        )

    def _connect(self) -> sqlite3.Connection:
        return connect(self._web.folder.database, read_only=True)


class Refused409(Stop):
    """The line's own refusal, with its words."""

    def __init__(self, refusal: m.Refusal) -> None:
        super().__init__(refusal.code)
        self._refusal = refusal

    def response(self) -> Response:
        return json({"refusal": self._refusal}, 409)


async def small(request: Request, most: int) -> bytes:
    """A body of at most so many bytes. Raises Stop."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Stop("filing_too_large")
    return body


def dossier_of(device: str, filing_id: str) -> str:
    """A dossier's id: the same for the same filing of the same kiosk, and tells neither."""
    return hashlib.sha256(f"dossier {device}/{filing_id}".encode()).hexdigest()[:24]


def sealed_of(conn: sqlite3.Connection, master: bytes, dossier: str) -> desk.SealedDossier | None:
    """What lies in the vault of a dossier; None once it is forgotten. Raises CannotUnseal."""
    found = Vault(conn, master).find(dossier, "filing")
    return desk.decode_sealed(found[0]) if found else None


def read_paper(
    conn: sqlite3.Connection, master: bytes, files: Papers, dossier: str, n: int
) -> bytes:
    """The `n`-th paper (from 1) through the seal. Raises FileNotFoundError, CannotUnseal."""
    sealed, line = sealed_of(conn, master, dossier), dossiers.get(conn, dossier)
    if sealed is None or line is None:
        raise FileNotFoundError(dossier)
    return files.read(line.sealed, sealed.key, n)


def _no_room(error: OSError) -> Stop:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        log.error("papers_no_room")
        return Stop("disk_full")
    log.error("papers_not_written", cause=error.strerror or "")
    return Stop("not_saved")
