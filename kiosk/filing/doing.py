"""Does what the journey of a visit wants: package, camera, questions to the centre, paper. Off the screen's thread."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import structlog

from queue_server.wire.filing import Held, HeldAsk, encode_held_ask, feedback_key
from queue_server.wire.sealed import seal

from . import reports as r
from . import talk
from .eye import Eye
from .packing import CannotPack, packed, write_draft
from .phone import Phone
from .visit import Errand, State, Wanted, applicant, is_sample

HELD, LOOKUP = "held", "lookup"

log = structlog.get_logger()

Hear = Callable[..., None]
"""`hear(kind, **values)`: give the journey a report, from any thread."""


class Doing:
    """A method for each effect. One worker thread does what takes time, one thing after the other."""

    def __init__(self, send: Callable[[Any], None], hear: Hear, eye: Eye) -> None:
        self._send, self._hear, self._eye = send, hear, eye
        self._phone = Phone(send, hear, eye.take_sent)
        self._worker = ThreadPoolExecutor(1, "doing")
        self._key = feedback_key(os.urandom(10))
        self._form_paper: Any = None

    def warm_up(self) -> None:
        """Load what the first visitor would have to wait for."""
        self._worker.submit(self._load)

    def _load(self) -> None:
        from kiosk.paper.form import FormPaper

        self._form_paper = FormPaper()
        self._eye.warm_up()

    def do(self, effect: r.Effect, state: State) -> None:
        act = _DO.get(type(effect))
        if act is not None:
            act(self, effect, state)

    # --- effects ---

    def say(self, want: r.Say, _state: State) -> None:
        self._send(want.message)

    def pack(self, _want: r.Pack, state: State) -> None:
        self._worker.submit(self._pack, state, int(time.time() * 1000))

    def _pack(self, state: State, at: int) -> None:
        opened = state.opened
        assert opened is not None
        began = time.monotonic()
        try:
            sealed = packed(state, self._sheet(state), self._pdf, at, self._key)
            path = write_draft(Path(opened.outbox), opened.visit, sealed)
        except CannotPack as error:
            log.error("not_packed", why=error.why)
            self._hear(r.NotPacked, why=error.why)
            return
        except Exception as error:
            log.error("not_packed", why=type(error).__name__)  # its words may hold what was said
            self._hear(r.NotPacked, why="error")
            return
        log.info("packed", bytes=len(sealed), ms=round(1000 * (time.monotonic() - began)))
        key = self._key if state.errand is Errand.FEEDBACK else ""
        self._hear(r.Packed, id=opened.visit, path=str(path), key=key)

    def _sheet(self, state: State) -> bytes:
        """The filled form as a PDF."""
        if state.errand is Errand.FEEDBACK or state.form is None or state.opened is None:
            return b""
        if self._form_paper is None:
            self._load()
        content: bytes = self._form_paper.draw(
            state.form,
            state.answers,
            state.opened.setup,
            state.today,
            sample=is_sample(state),
        )
        return content

    def _pdf(self, pages: Sequence[r.Page], paper: Wanted) -> bytes:
        return self._eye.pdf(pages, paper.name, paper.code)

    def ask_held(self, want: r.AskHeld, state: State) -> None:
        opened = state.opened
        assert opened is not None
        ask = HeldAsk(
            procedure=want.procedure,
            owner_number=want.number,
            owner_name=str(applicant(state, "card.name") or ""),
            consents=tuple(sorted(c.value for c in state.consents)),
        )
        about = f"held/{opened.device}"
        body = seal(encode_held_ask(ask), opened.filing_key, about)
        self._send(talk.Ask(id=HELD, path="/api/filings/held", body=body))

    def look_up(self, want: r.LookUp, _state: State) -> None:
        self._send(talk.Ask(id=LOOKUP, path=f"/api/lookup?code={quote(want.code)}"))

    def watch(self, want: r.Watch, state: State) -> None:
        devices = state.opened.devices if state.opened else talk.Devices()
        if want.what is r.LookFor.PHONE:
            self._eye.watch(r.LookFor.NOTHING, devices)
            self._phone.look(state.language)
        else:
            self._phone.rest()
            self._eye.watch(want.what, devices)

    def leave(self) -> None:
        """The visit ends: what others hold for it may go."""
        self._phone.leave()

    def retake(self, _want: r.Retake, _state: State) -> None:
        self._eye.retake()

    def take_now(self, _want: r.TakeNow, _state: State) -> None:
        self._eye.take_now()

    def forget(self, want: r.Forget, _state: State) -> None:
        self._eye.forget(want.page)

    def draw_strip(self, _want: r.DrawStrip, state: State) -> None:
        self._worker.submit(self._draw_strip, state)

    def _draw_strip(self, state: State) -> None:
        from .strips import strip_of

        try:
            image = strip_of(state)
        except Exception as error:
            log.error("strip_not_drawn", why=type(error).__name__)
            self._hear(r.Heard, message=talk.Printed(outcome="failed"))
            return
        png = io.BytesIO()
        image.save(png, "PNG")
        self._send(talk.PrintStrip(png=png.getvalue()))

    # --- answers ---

    def heard(self, message: talk.FromKiosk) -> None:
        """Answers to what was asked of the centre; the rest is for the journey alone."""
        if isinstance(message, talk.Answered) and self._phone.heard(message):
            return
        if not isinstance(message, talk.Answered) or message.id != HELD:
            self._hear(r.Heard, message=message)
            return
        papers: tuple[r.HeldPaper, ...] = ()
        try:
            if message.status == 200:
                found = msgspec.json.decode(message.body, type=Held)
                papers = tuple(
                    r.HeldPaper(ref=p.ref, component=p.component, name=p.name, at=p.at)
                    for p in found.papers
                )
        except msgspec.DecodeError:
            log.error("held_unreadable")
        self._hear(r.HeldCame, papers=papers)


_DO: dict[type, Callable[[Doing, Any, State], None]] = {
    r.Say: Doing.say,
    r.Pack: Doing.pack,
    r.AskHeld: Doing.ask_held,
    r.LookUp: Doing.look_up,
    r.Watch: Doing.watch,
    r.Retake: Doing.retake,
    r.TakeNow: Doing.take_now,
    r.Forget: Doing.forget,
    r.DrawStrip: Doing.draw_strip,
}
