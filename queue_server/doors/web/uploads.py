"""`/api/visits`: papers from a visitor's own phone for her visit at a kiosk; this visit alone can open them.

Everything lies in memory: nothing is written, and all is gone at the end of the visit or when nobody has used it for a
quarter of an hour. Pictures and PDF are drawn anew (`wire/intake.py`); then only their pages are there, as JPEG,
sealed to the key that the visit's own process made and keeps.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response

from ...wire.intake import LARGEST as LARGEST_FILE
from ...wire.intake import NotAccepted, pages
from ...wire.phone import LARGEST_PAGE, PATH, Begin, Begun, PhonePage, about
from ...wire.sealed import seal
from ...wire.words import Language
from .api import json
from .context import Web
from .filings import LARGEST_ASK, FilingDoor, Stop, small

if TYPE_CHECKING:
    from PIL.Image import Image

LASTS_S = 900.0
LONGEST_S = 7_200.0
"""A visit may go on for so long while its phone is used."""
LARGEST_BODY = 2 * LARGEST_FILE + 500_000
MOST_PAGES = 40
MOST_BYTES = 60_000_000
"""Of one visit."""
MOST_VISITS = 40
LONGEST_SIDE = 2_600
QUALITIES = (85, 60, 40)
"""The first that keeps a page small enough for its kiosk."""
SEALED_MORE = 1_000
AT_ONCE = 1
"""Files drawn anew at one time: each may take some hundred megabytes for a moment."""
HIGHEST_PAPER = 999


class Refusal(Exception):
    """What the visitor is told; a word under `[up]` in the texts."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Visit:
    """One visit at a kiosk, as long as it lasts."""

    id: str
    device: str
    key: str
    language: Language
    token: str
    began: float
    used: float
    phone: str = ""
    """The one phone that hands in for it; empty until the first has."""
    pages: list[tuple[PhonePage, bytes]] = field(default_factory=list)
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One body of it is read at a time."""

    @property
    def size(self) -> int:
        return sum(page.bytes for page, _ in self.pages)


class PhoneVisits:
    """Of the event loop alone; only drawing happens in threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._visits: dict[str, Visit] = {}
        self._drawing = asyncio.Semaphore(AT_ONCE)

    def begin(self, device: str, begin: Begin) -> Visit:
        """Raises ValueError for a bad key. A kiosk has one visit at a time: what it had before is gone."""
        seal(b"", begin.public_key, "")
        self.sweep()
        for other in [x for x in self._visits.values() if x.device == device]:
            self.end(other)
        if len(self._visits) >= MOST_VISITS:
            raise ValueError("too many visits")
        now = self._now()
        made = Visit(
            id=secrets.token_hex(12),
            device=device,
            key=begin.public_key,
            language=begin.language,
            token=secrets.token_urlsafe(18),
            began=now,
            used=now,
        )
        self._visits[made.id] = made
        return made

    def of(self, device: str, visit: str) -> Visit | None:
        """A device's own, while it lasts."""
        self.sweep()
        found = self._visits.get(visit)
        return found if found is not None and found.device == device else None

    def by_token(self, token: str) -> Visit | None:
        self.sweep()
        given = token.encode()
        same = (x for x in self._visits.values() if secrets.compare_digest(x.token.encode(), given))
        return next(same, None)

    def end(self, visit: Visit) -> None:
        self._visits.pop(visit.id, None)
        visit.pages.clear()

    def sweep(self) -> None:
        """Let go of what has not been used for `LASTS_S`, or has lasted too long."""
        now = self._now()
        for visit in list(self._visits.values()):
            if now - visit.used >= LASTS_S or now - visit.began >= LONGEST_S:
                self.end(visit)

    def use(self, visit: Visit) -> None:
        visit.used = self._now()

    async def hand_in(self, visit: Visit, paper: int | None, data: bytes, claimed: str) -> int:
        """How many pages it had. Raises Refusal; then nothing of it is kept."""
        async with self._drawing:
            try:
                drawn = await asyncio.to_thread(_drawn, data, claimed)
            except NotAccepted as error:
                raise Refusal(error.reason) from error
        if visit.id not in self._visits:
            raise Refusal("over")
        if len(visit.pages) + len(drawn) > MOST_PAGES:
            raise Refusal("too_many_pages")
        if visit.size + sum(map(len, drawn)) > MOST_BYTES:
            raise Refusal("full")
        for jpeg in drawn:
            n = len(visit.pages) + 1
            sealed = seal(jpeg, visit.key, about(visit.id, n))
            visit.pages.append((PhonePage(n=n, paper=paper, bytes=len(sealed)), sealed))
        self.use(visit)
        return len(drawn)


def _drawn(data: bytes, claimed: str) -> list[bytes]:
    """Each page as a JPEG. Raises NotAccepted."""
    return [_jpeg(page) for page in pages(data, claimed)]


def _jpeg(page: Image) -> bytes:
    page.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    for quality in QUALITIES:
        out = io.BytesIO()
        page.save(out, "JPEG", quality=quality)
        if out.tell() < LARGEST_PAGE - SEALED_MORE:
            break
    return out.getvalue()


def visit_routes(web: Web, visits: PhoneVisits) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["visits"])
    door = FilingDoor(web)

    def mine(request: Request, visit: str) -> Visit:
        found = visits.of(door.device(request).name, visit)
        if found is None:
            raise Stop("visit_over")
        return found

    @router.post("")
    async def begin(request: Request) -> Response:
        """A visit may be handed papers by phone. Device log-in (HTTP Basic); body `Begin`, answer `Begun`."""
        try:
            device = door.device(request)
            base = web.file.web.public_url.rstrip("/")
            if not base:
                raise Stop("phone_upload_off")
            asked = msgspec.json.decode(await small(request, LARGEST_ASK), type=Begin)
            made = visits.begin(device.name, asked)
        except (msgspec.DecodeError, ValueError):
            return Stop("unreadable").response()
        except Stop as stop:
            return stop.response()
        asyncio.get_running_loop().call_later(LONGEST_S + 1, visits.sweep)
        asyncio.get_running_loop().call_later(LASTS_S + 1, visits.sweep)
        return json(Begun(visit=made.id, token=made.token, url=f"{base}/up/{made.token}"))

    @router.get("/{visit}/files")
    async def files(visit: str, request: Request) -> Response:
        """The pages that have come so far: a list of `PhonePage`. 404 once the visit is over."""
        try:
            return json([page for page, _ in mine(request, visit).pages])
        except Stop as stop:
            return stop.response()

    @router.get("/{visit}/files/{n}")
    async def file(visit: str, n: str, request: Request) -> Response:
        """One page (JPEG), sealed to the visit's key; `n` is read after the log-in."""
        try:
            sealed = {str(page.n): sealed for page, sealed in mine(request, visit).pages}
            if n not in sealed:
                raise Stop("visit_over")
        except Stop as stop:
            return stop.response()
        return Response(sealed[n], media_type="application/octet-stream")

    @router.delete("/{visit}")
    async def end(visit: str, request: Request) -> Response:
        """The visit is over: all is gone. Twice without harm."""
        try:
            device = door.device(request)
        except Stop as stop:
            return stop.response()
        found = visits.of(device.name, visit)
        if found is not None:
            visits.end(found)
        return json({"done": True})

    return router
