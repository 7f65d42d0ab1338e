"""`/board`: the hall's display. It is told of each change at once and draws itself again after a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import lru_cache

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from ....desk import public
from ....line import events as e
from ....line.setup import Service
from ....wire.words import Estimate, Names
from ..context import Web
from ..qr import qr_svg
from .calls import Calls, Shown
from .render import VERSION, event, language_of, page, stream
from .signing import Signer
from .streams import Streams, woken

GAP_S = 0.2
"""Frames come at most five times a second; a call waits for no more than `CALL_GAP_S`."""
CALL_GAP_S = 0.05
BEAT_S = 4.0
MOST_BOARDS = 200


class ServiceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One service's line. `state`: open, suspended, closed. Minutes for who comes now; None: not known."""

    id: str
    letter: str
    name: Names
    state: str
    reason: str
    waiting: int
    estimate: Estimate | None


class TakePanel(msgspec.Struct, frozen=True, kw_only=True):
    """How a number is taken by phone: `code` stands in mode `centre` only, `qr` leads to /take."""

    mode: str
    code: str
    address: str
    qr: str


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """All that a board shows, numbers only. `fresh`: the server is in reach."""

    version: str
    fresh: bool
    day_over: bool
    calls: list[Shown]
    services: list[ServiceRow]
    take: TakePanel


class Board:
    """Makes one frame for all boards, so that each costs no more than its bytes."""

    def __init__(self, web: Web, signer: Signer) -> None:
        self._web, self._signer = web, signer
        self.calls = Calls()
        self.streams = Streams(MOST_BOARDS)
        self.frame = b""
        self._seq = -1
        self._pushed = 0.0
        self._planned: asyncio.TimerHandle | None = None
        self._planned_for = 0.0  # a handle of uvloop does not tell its time
        web.replica.listen(self._happened)

    def _happened(self, entries: list[e.Entry]) -> None:
        replica = self._web.replica
        epoch = replica.state.epoch
        called = self.calls.happened(entries, epoch)
        if not entries and replica.seq != self._seq:
            self.calls.read(self._web.database, epoch)
        self._seq = replica.seq
        self.plan(CALL_GAP_S if called else GAP_S)

    def plan(self, gap: float = GAP_S) -> None:
        """Make a new frame as soon as `gap` seconds have passed since the last one."""
        loop = asyncio.get_running_loop()
        due = self._pushed + gap
        if due <= loop.time():
            self._push()
        elif self._planned is None or self._planned_for > due:
            self._forget_plan()
            self._planned, self._planned_for = loop.call_at(due, self._push), due

    def _push(self) -> None:
        self._forget_plan()
        self._pushed = asyncio.get_running_loop().time()
        frame = msgspec.json.encode(self._made())
        if frame != self.frame:
            self.frame = frame
            self.streams.wake()

    def _forget_plan(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None

    def _made(self) -> Frame:
        web = self._web
        state, at = web.state, web.now()
        return Frame(
            version=VERSION,
            fresh=web.replica.fresh,
            day_over=public.line_state(state, web.replica.estimates, at).state == "closed",
            calls=self.calls.shown(state),
            services=[self._row(s, at) for s in state.setup.services],
            take=take_panel(web, self._signer),
        )

    def _row(self, service: Service, at: int) -> ServiceRow:
        state = self._web.state
        return ServiceRow(
            id=service.id,
            letter=service.letter,
            name=service.name,
            state=public.service_state(state, service.id, at),
            reason=state.suspended.get(service.id, ""),
            waiting=public.waiting_now(state, service.id, at),
            estimate=self._web.newcomer(service.id),
        )

    async def frames(self) -> AsyncIterator[bytes]:
        """For one board: the clock, the frame, and both again for as long as it looks."""
        with self.streams.open() as ear:
            self.plan()
            yield b"retry: 1000\n\n" + self._beat()
            sent = b""
            while True:
                if self.frame and self.frame != sent:
                    sent = self.frame
                    yield event("board", sent)
                if not await woken(ear, BEAT_S):
                    self.plan()
                    yield self._beat()

    def _beat(self) -> bytes:
        web = self._web
        told = {
            "at": web.now(),
            "speed": web.clock.speed,
            "offset": web.state.setup.rules.utc_offset_minutes,
        }
        return event("beat", msgspec.json.encode(told))


def take_panel(web: Web, signer: Signer) -> TakePanel:
    mode, base = web.file.web.take, web.file.web.public_url.rstrip("/")
    code = signer.code(time.time()) if mode == "centre" else ""
    shown = base.split("://")[-1] + "/take" if base else "/take"
    qr = f"/board/qr.svg?code={code}" if base and mode != "off" else ""
    return TakePanel(mode=mode, code=code, address=shown, qr=qr)


@lru_cache(maxsize=8)
def _qr(text: str) -> bytes:
    """Kept, for every board asks for the same one."""
    return qr_svg(text, scale=4).encode()


def board_routes(web: Web, signer: Signer, board: Board) -> APIRouter:
    router = APIRouter(tags=["public"])

    @router.get("/board", response_class=HTMLResponse)
    async def hall(request: Request) -> Response:
        """The hall's display; no log-in. `?voice=1` speaks without a click where the browser may."""
        setup = web.state.setup
        return page(
            request,
            "board.html",
            language_of(request),
            name=setup.name,
            authority=setup.authority,
            voice=web.clock.speed == 1.0,
        )

    @router.get("/board/events")
    async def events() -> Response:
        """Server-Sent Events: `board` (a frame) and `beat` (the centre's clock). Numbers only."""
        if board.streams.full():
            raise HTTPException(503, "too many boards")
        return stream(board.frames())

    @router.get("/board/qr.svg")
    async def qr() -> Response:
        """The QR code to /take, with the code of this moment."""
        panel = take_panel(web, signer)
        if not panel.qr:
            raise HTTPException(404, "no public address")
        query = f"?code={panel.code}" if panel.code else ""
        svg = _qr(f"{web.file.web.public_url.rstrip('/')}/take{query}")
        return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    return router
