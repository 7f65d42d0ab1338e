"""Does what the journey wants: asks over the link, paper over the printer; reports come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import structlog
from msgspec import structs
from PIL import Image

import queue_server.dossiers
from queue_server.dossiers.advice import advise
from queue_server.dossiers.catalogue import Procedure
from queue_server.wire import messages as m
from queue_server.wire.link import Link, Refused, new_id
from queue_server.wire.texts import Texts

from . import booking_reports as b
from . import finding_reports as f
from . import reports as r
from .cut_off import CutOff
from .guides import Guides
from .open_asks import OpenAsks
from .paper.checklist import ChecklistPaper
from .paper.slip import SlipPaper
from .paper.ticket import TicketPaper
from .printer import PrinterSettings, PrinterStatus, PrintOutcome, PrintQueue
from .reports import PrinterCondition
from .shelf import Shelf

WITHDRAW_FOR_S = 24 * 3600.0
TELL_PRINT_FOR_S = 3600.0
HELP_FOR_S = 20.0

log = structlog.get_logger()

Hear = Callable[..., None]
"""`hear(kind, **values)`: give the journey a report, from any thread."""


class Clock:
    """Ms since 1970 that never jump: the journey's clock, whatever is done to the machine's."""

    def __init__(self) -> None:
        self._began = time.time() - time.monotonic()

    def skip(self, seconds: float) -> None:
        """Time goes by: for a technician or a test that cannot wait for it."""
        self._began += seconds

    def now(self) -> int:
        return int((self._began + time.monotonic()) * 1000)


TIMES_WITHIN_S = 10.0
DOSSIER_TEXTS = Texts(Path(queue_server.dossiers.__file__).parent / "texts")


class Paper:
    """The drawing of papers; typst's compiler is kept warm and not for two threads at once."""

    def __init__(self, settings: PrinterSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._paper: TicketPaper | None = None
        self._checklist: ChecklistPaper | None = None
        self._slip: SlipPaper | None = None

    def draw(self, want: r.Print, setup: m.CentreSetup) -> Image.Image:
        with self._lock:
            if self._paper is None:
                self._paper = TicketPaper(self._settings.width_dots, self._settings.dpi)
            names = want.procedure.name if want.procedure else None
            return self._paper.draw(want.taken, setup, want.language, names)

    def list(self, record: Procedure, setup: m.CentreSetup, at: int, language: str) -> Image.Image:
        """The checklist of a procedure. `at`: ms, when it is printed."""
        with self._lock:
            if self._checklist is None:
                self._checklist = ChecklistPaper(self._settings.width_dots, self._settings.dpi)
            told = advise(record, DOSSIER_TEXTS.say, language)
            return self._checklist.draw(told, setup, at, language)

    def slip(self, want: b.PrintSlip, setup: m.CentreSetup) -> Image.Image:
        """The slip of a booked time."""
        with self._lock:
            if self._slip is None:
                self._slip = SlipPaper(self._settings.width_dots, self._settings.dpi)
            return self._slip.draw(want.booked, setup, want.language)


class Doing:
    """A method for each effect, for the screen's thread; answers are heard from other threads."""

    def __init__(
        self,
        link: Link,
        printing: PrintQueue,
        paper: Paper,
        open_asks: OpenAsks,
        hear: Hear,
    ) -> None:
        self._link, self._printing, self._paper = link, printing, paper
        self._open_asks, self._hear = open_asks, hear
        self.setup: m.CentreSetup | None = None
        self.shelf: Shelf | None = None
        self.cut_off: CutOff | None = None
        self.guides: Guides | None = None

    def withdraw_left_over(self) -> None:
        """At the start: whoever asked before the power went has not seen her number."""
        for ask in self._open_asks.all():
            self.withdraw(r.Withdraw(ask))

    def ask_ticket(self, want: r.AskTicket) -> None:
        message = structs.replace(want.message, asked_at=self._link.now())
        self._remember(message.id)
        future = self._link.ask("take_ticket", message, message.ttl_ms / 1000)
        future.add_done_callback(lambda done: self._answered(message.id, done))

    def check_in(self, want: b.AskCheckIn) -> None:
        message = structs.replace(want.message, asked_at=self._link.now())
        self._remember(message.id)
        future = self._link.ask("check_in", message, message.ttl_ms / 1000)
        future.add_done_callback(lambda done: self._answered(message.id, done))

    def ask_times(self, want: b.AskTimes) -> None:
        ask = m.FreeTimes(id=new_id(), service=want.service)
        future = self._link.ask("free_times", ask, TIMES_WITHIN_S)
        future.add_done_callback(
            lambda done: self._hear(b.TimesCame, service=want.service, free=_ok(done, m.TimesFree))
        )

    def ask_time(self, want: b.AskTime) -> None:
        future = self._link.ask("book_time", want.message, TIMES_WITHIN_S)
        future.add_done_callback(lambda done: self._time_answered(want.message, done))

    def _time_answered(self, message: m.BookTime, done: Future[m.Answer]) -> None:
        """Without an answer it is asked on, under the same id: what was booked after all is given back."""
        booked = _ok(done, m.TimeBooked)
        if booked is not None:
            self._hear(b.TimeCame, ask=message.id, booked=booked)
            return
        error = None if done.cancelled() else done.exception()
        refusal = error.refusal if isinstance(error, Refused) else None
        self._hear(b.TimeRefused, ask=message.id, refusal=refusal)
        if refusal is None:
            late = self._link.ask("book_time", message, WITHDRAW_FOR_S)
            late.add_done_callback(self._booked_late)

    def _booked_late(self, done: Future[m.Answer]) -> None:
        booked = _ok(done, m.TimeBooked)
        if booked is not None:
            self.give_back(b.GiveBack(booked.token))

    def give_back(self, want: b.GiveBack) -> None:
        self._link.ask("cancel_time", m.CancelTime(id=new_id(), token=want.token), WITHDRAW_FOR_S)

    def print_slip(self, want: b.PrintSlip) -> None:
        setup = self.setup
        assert setup is not None, "a time was booked before the setup came"
        future = self._printing.submit(lambda: self._paper.slip(want, setup))
        token = want.booked.token
        future.add_done_callback(
            lambda done: self._hear(b.SlipCame, token=token, outcome=_outcome(done))
        )

    def seen(self, ask: str) -> None:
        """The visitor knows how this ask ended."""
        try:
            self._open_asks.remove(ask)
        except OSError as error:
            log.error("open_asks_not_written", error=str(error))

    def _remember(self, ask: str) -> None:
        try:
            self._open_asks.add(ask)
        except OSError as error:
            log.error("open_asks_not_written", error=str(error))

    def _answered(self, ask: str, done: Future[m.Answer]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if isinstance(error, Refused):
            self._hear(r.TicketRefused, ask=ask, refusal=error.refusal)
            return
        raw = None if error is not None else done.result().ok
        if raw is None:
            self._hear(r.NoAnswerCame, ask=ask)
            return
        self._hear(r.TicketCame, ask=ask, taken=m.decode(m.TicketTaken, bytes(raw)))

    def withdraw(self, want: r.Withdraw) -> None:
        self._link.forget(want.ask)
        message = m.WithdrawTicket(id=f"withdraw-{want.ask}", ask=want.ask)
        future = self._link.ask("withdraw_ticket", message, WITHDRAW_FOR_S)
        future.add_done_callback(lambda done: self._withdrawn(want.ask, done))

    def _withdrawn(self, ask: str, done: Future[m.Answer]) -> None:
        error = None if done.cancelled() else done.exception()
        log.info("withdrawn", ask=ask, error=str(error) if error else None)
        if not isinstance(error, TimeoutError):
            self._hear(None, then=lambda: self.seen(ask))

    def take_leased(self, want: r.TakeLeased) -> None:
        taken = self.cut_off.take(want) if self.cut_off is not None else None
        if taken is None:
            self._hear(r.NoneLeft, ask=want.message.id)
        else:
            self._hear(r.LeasedCame, ask=want.message.id, taken=taken)

    def tell(self, want: r.Tell) -> bool:
        """False: it could not be kept, and must not be shown."""
        return self.cut_off is not None and self.cut_off.tell(want.ask)

    def print(self, want: r.Print) -> None:
        setup = self.setup
        assert setup is not None, "a ticket came before the setup"
        future = self._printing.submit(lambda: self._paper.draw(want, setup))
        future.add_done_callback(lambda done: self._printed(want, done))

    def _printed(self, want: r.Print, done: Future[PrintOutcome]) -> None:
        outcome, detail = "failed", "error"
        if not done.cancelled() and done.exception() is None:
            result = done.result()
            outcome, detail = result.state.value, result.cause.value if result.cause else ""
        self._hear(
            r.PaperCame,
            ticket=want.taken.ticket,
            outcome=outcome,
            detail=detail,
            reprint=want.reprint,
        )

    def print_checklist(self, want: f.PrintChecklist) -> None:
        setup, record = self.setup, self.shelf.record(want.code) if self.shelf else None
        if setup is None or record is None:
            self._hear(f.ChecklistCame, code=want.code, outcome="failed")
            return
        at = self._link.now()
        future = self._printing.submit(lambda: self._paper.list(record, setup, at, want.language))
        future.add_done_callback(
            lambda done: self._hear(f.ChecklistCame, code=want.code, outcome=_outcome(done))
        )

    def fetch_guides(self, want: f.FetchGuides) -> None:
        if self.guides is not None:
            self.guides.want(want.code)

    def draw_sheet(self, want: f.DrawSheet) -> None:
        if self.guides is not None:
            self.guides.draw(want.code, want.file)

    def tell_print(self, want: r.TellPrint) -> None:
        if self.cut_off is not None and self.cut_off.note_print(want.ticket, want.outcome):
            return
        message = m.ReportPrint(
            id=new_id(),
            ticket=want.ticket,
            outcome=want.outcome,
            detail=want.detail,
            reprint=want.reprint,
        )
        self._link.ask("report_print", message, TELL_PRINT_FOR_S)

    def ask_help(self, want: r.AskHelp) -> None:
        message = m.CallHelp(id=new_id(), screen=want.screen)
        future = self._link.ask("call_help", message, HELP_FOR_S)
        future.add_done_callback(
            lambda done: self._hear(
                r.HelpAnswered, heard=not done.cancelled() and done.exception() is None
            )
        )

    def do(self, effect: Any) -> None:
        """Do any effect but those that are the screen's own."""
        act = _DO.get(type(effect))
        if act is not None:
            act(self, effect)


_DO: dict[type, Callable[[Doing, Any], None]] = {
    r.AskTicket: Doing.ask_ticket,
    r.Withdraw: Doing.withdraw,
    r.TakeLeased: Doing.take_leased,
    r.Print: Doing.print,
    r.TellPrint: Doing.tell_print,
    r.AskHelp: Doing.ask_help,
    f.PrintChecklist: Doing.print_checklist,
    f.FetchGuides: Doing.fetch_guides,
    f.DrawSheet: Doing.draw_sheet,
    b.AskTimes: Doing.ask_times,
    b.AskTime: Doing.ask_time,
    b.AskCheckIn: Doing.check_in,
    b.PrintSlip: Doing.print_slip,
    b.GiveBack: Doing.give_back,
}


def _outcome(done: Future[PrintOutcome]) -> str:
    failed = done.cancelled() or done.exception() is not None
    return "failed" if failed else done.result().state.value


def _ok(done: Future[m.Answer], kind: type[Any]) -> Any:
    """The reply; None for a refusal or no answer."""
    if done.cancelled() or done.exception() is not None:
        return None
    return m.decode(kind, bytes(done.result().ok))


def condition(status: PrinterStatus, address: str) -> PrinterCondition:
    """What the visitor is told of the printer's status."""
    if address == "none":
        return PrinterCondition.ABSENT
    known = {"ok": "ready", "silent": "ready"}.get(status.word, status.word)
    return PrinterCondition(known) if known in _TOLD else PrinterCondition.FAULT


_TOLD = {"ready", "paper_low", "paper_out", "cover_open"}
