"""The ticket printer: prints a drawn ticket and says honestly whether it came out; a worker thread beside the screen.

A print is `confirmed` only by the printer's answer to a question that waits its turn behind the
cut. A printer that says nothing gives `unknown`; one that says why, or holds back too long, `failed`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog
from escpos.exceptions import Error as PrintError
from PIL import Image

from queue_server.wire.words import Frozen

from . import printer_bytes as esc
from .printer_bytes import Cause, Condition, Heard
from .printer_line import BadAddress, Line, NoPrinter, line_baud, line_opener

MM_PER_INCH = 25.4
SLOWEST_MM_S = 40.0
USUAL_MM_S = 100.0
CHUNK = 4096
GLANCE_S = 0.25
ASK_AGAIN_S = 1.0
REPRINT_WITHIN_S = 60.0
POLL_S = 10.0
LEAVE_S = 2.0

log = structlog.get_logger()

_Draw = Callable[[], Image.Image]


class PrinterSettings(Frozen):
    """`[kiosk.printer]`. Address as in `printer_line.open_line`; 80 mm paper has 576 dots at 203 dpi
    (512 at 180 on an Epson TM-T88), 58 mm 384. `roll_tickets`: tickets a roll is good for before
    `paper_low` is said, for printers without a near-end sensor (0: do not count)."""

    address: str = "none"
    width_dots: int = 576
    dpi: int = 203
    cut: str = "part"
    roll_tickets: int = 0
    patience_s: float = 8.0
    answer_s: float = 0.5


class PrintState(StrEnum):
    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"
    FAILED = "failed"


class PrintOutcome(Frozen):
    """How a ticket came out; `state` and `cause` are what `ReportPrint` says as outcome and detail."""

    state: PrintState
    cause: Cause | None = None
    paper_low: bool = False
    seconds: float = 0.0


class PrinterStatus(Frozen):
    """What the printer says now. `silent`: there, but it answers nothing."""

    cause: Cause | None = None
    silent: bool = False
    paper_low: bool = False

    @property
    def ready(self) -> bool:
        return self.cause is None

    @property
    def word(self) -> str:
        """One machine word for the presence message."""
        if self.cause is not None:
            return self.cause.value
        if self.paper_low:
            return "paper_low"
        return "silent" if self.silent else "ok"


class _Fault(Exception):
    """The printer cannot go on."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause = cause


class _Talk:
    """One conversation over an open line; keeps what is heard while it waits for something else."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._torn = b""
        self._aside: list[Heard] = []

    def ask(self, n: int, seconds: float) -> int | None:
        """The answer byte to DLE EOT n, or none."""
        self._take("now")
        until = time.monotonic() + seconds
        self.send(esc.ask_now(n), until)
        while not (answers := self._take("now")):
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._aside += self._listen(left)
        return answers[-1].body[0]

    def inspect(self, seconds: float) -> Condition | None:
        """All that the printer can tell of itself now; none when it does not answer the first question."""
        answers: dict[int, int] = {}
        for n in (esc.ONLINE, esc.OFFLINE_CAUSE, esc.ERROR_CAUSE, esc.PAPER):
            answer = self.ask(n, seconds)
            if answer is None:  # asking on, a late answer would be taken for the next one's
                break
            answers[n] = answer
        return esc.condition_of_answers(answers) if answers else None

    def send(self, data: bytes, until: float) -> None:
        """All of `data`; raises _Fault when the printer reports one meanwhile or is not done by `until`."""
        while data:
            data = data[self._line.send(data[:CHUNK], GLANCE_S) :]
            self._aside += self._listen(0)
            self._raise_reported()
            if data and time.monotonic() > until:
                raise _Fault(Cause.TIMEOUT)

    def forget(self) -> None:
        """Drops what was said before now: a USB or serial line keeps a report until somebody reads it."""
        while self._listen(0):
            pass
        self._aside, self._torn = [], b""

    def ask_in_turn(self, until: float) -> None:
        """Sends GS r. A byte that looks like its answer but came before the question counts for nothing."""
        self._aside += self._listen(0)
        self._take("in_turn")
        self.send(esc.ASK_PAPER_IN_TURN, until)

    def in_turn(self, seconds: float) -> Heard | None:
        """The answer to GS r within `seconds`; raises _Fault when the printer reports one first."""
        if not any(heard.kind == "in_turn" for heard in self._aside):
            self._aside += self._listen(seconds)
        self._raise_reported()
        answers = self._take("in_turn")
        return answers[-1] if answers else None

    def _take(self, kind: str) -> list[Heard]:
        taken = [heard for heard in self._aside if heard.kind == kind]
        self._aside = [heard for heard in self._aside if heard.kind != kind]
        return taken

    def _raise_reported(self) -> None:
        changes = [heard for heard in self._aside if heard.kind == "change"]
        if changes and (cause := esc.condition_of_change(changes[-1].body).cause):
            raise _Fault(cause)

    def _listen(self, seconds: float) -> list[Heard]:
        said = self._line.hear(seconds)
        heard, self._torn = esc.understand(self._torn + said)
        return heard


class Printer:
    """One printer, reached anew for each ticket and each look, so that a fault never outlives its cause.

    `roll_file` keeps the count of tickets since the roll was changed. For one thread only.
    Raises BadAddress for settings that cannot be understood.
    """

    def __init__(self, settings: PrinterSettings, roll_file: Path | None = None) -> None:
        self.settings = settings
        self._open = line_opener(settings.address)
        self._roll_file = roll_file
        self._tickets = _read_count(roll_file)
        self._was_out = False

    def print_ticket(self, image: Image.Image) -> PrintOutcome:
        """Prints and cuts. Takes as long as the printer does, `patience_s` more when it is stuck."""
        began = time.monotonic()
        state, cause, near_end = self._attempt(image)
        if state is not PrintState.FAILED:
            self._count(self._tickets + 1)
        return PrintOutcome(
            state=state,
            cause=cause,
            paper_low=near_end or self._low_by_count(),
            seconds=round(time.monotonic() - began, 3),
        )

    def status(self) -> PrinterStatus:
        """Asks the printer; takes at most `answer_s` for a silent one, CONNECT_S for one that is away."""
        try:
            line = self._open()
        except NoPrinter:
            return PrinterStatus(cause=Cause.NO_PRINTER)
        found: Condition | None = None
        try:
            talk = _Talk(line)
            talk.forget()
            found = talk.inspect(self.settings.answer_s)
        except _Fault as fault:
            return PrinterStatus(cause=fault.cause)
        except OSError:
            return PrinterStatus(cause=Cause.OFFLINE)
        finally:
            line.close(drop=found is None)
        return self._judge(found)

    def roll_changed(self) -> None:
        """A new roll was put in: the count of tickets begins again."""
        self._count(0)

    def _attempt(self, image: Image.Image) -> tuple[PrintState, Cause | None, bool]:
        try:
            line = self._open()
        except NoPrinter:
            return PrintState.FAILED, Cause.NO_PRINTER, False
        state, cause, near_end = PrintState.FAILED, None, False
        try:
            state, cause, near_end = self._print(_Talk(line), image)
        except _Fault as fault:
            cause = fault.cause
        except PrintError:
            cause = Cause.ERROR
        except OSError:
            cause = Cause.OFFLINE
        finally:
            line.close(drop=state is PrintState.FAILED)
        return state, cause, near_end

    def _print(self, talk: _Talk, image: Image.Image) -> tuple[PrintState, Cause | None, bool]:
        talk.forget()
        before = talk.inspect(self.settings.answer_s)
        if before is not None:
            status = self._judge(before)
            if status.cause is not None:
                return PrintState.FAILED, status.cause, status.paper_low
        job = esc.ticket_bytes(image, self.settings.cut)
        talk.forget()
        until = time.monotonic() + self.settings.patience_s + self._print_time(image, len(job))
        talk.send(job, until)
        talk.ask_in_turn(until)
        if before is None:
            until = (
                time.monotonic() + self.settings.answer_s + _mm(image, self.settings) / USUAL_MM_S
            )
        try:
            return self._confirm(talk, until, before)
        except OSError:  # the line broke, but the whole ticket had gone out
            return PrintState.UNKNOWN, Cause.OFFLINE, False

    def _confirm(
        self, talk: _Talk, until: float, before: Condition | None
    ) -> tuple[PrintState, Cause | None, bool]:
        """Waits for the answer behind the cut; asks a printer that can speak what keeps it."""
        ask_at = time.monotonic() + ASK_AGAIN_S
        near_end = before is not None and before.near_end
        while time.monotonic() < until:
            answer = talk.in_turn(min(GLANCE_S, max(0.0, until - time.monotonic())))
            if answer is not None:
                after = esc.condition_in_turn(answer.body)
                state = PrintState.FAILED if after.cause else PrintState.CONFIRMED
                return state, after.cause, near_end or after.near_end
            if before is not None and time.monotonic() > ask_at:
                self._raise_found(talk)
                ask_at = time.monotonic() + ASK_AGAIN_S
        if before is not None:
            self._raise_found(talk)
        return PrintState.UNKNOWN, None, near_end

    def _raise_found(self, talk: _Talk) -> None:
        found = talk.inspect(self.settings.answer_s)
        if found is not None and found.cause and found.cause is not Cause.OFFLINE:
            raise _Fault(found.cause)

    def _judge(self, found: Condition | None) -> PrinterStatus:
        """The status; notices that the roll was changed when paper is back after it had run out.

        An open cover reads as paper out on many printers, so it proves nothing about the roll.
        """
        if found is None:
            return PrinterStatus(silent=True, paper_low=self._low_by_count())
        if found.paper_out and not found.cover_open:
            self._was_out = True
        elif self._was_out and found.cause is None:
            self._was_out = False
            self.roll_changed()
        return PrinterStatus(cause=found.cause, paper_low=found.near_end or self._low_by_count())

    def _print_time(self, image: Image.Image, size: int) -> float:
        """Seconds that the slowest good printer needs: paper speed, or the serial line's."""
        baud = line_baud(self.settings.address)
        on_line = size * 10 / baud if baud else 0.0
        return max(_mm(image, self.settings) / SLOWEST_MM_S, on_line)

    def _low_by_count(self) -> bool:
        return 0 < self.settings.roll_tickets <= self._tickets

    def _count(self, tickets: int) -> None:
        self._tickets = tickets
        if self._roll_file is not None:
            _write_count(self._roll_file, tickets)


def doctor_line(address: str) -> tuple[bool, str]:
    """One line for the technician: whether a ticket can be printed at `address` now, and what is wrong."""
    if address == "none":
        return True, "printer: none (numbers are shown on the screen only)"
    try:
        line_opener(address)().close(drop=True)
    except (BadAddress, NoPrinter) as error:
        return False, f"printer: {error}"
    status = Printer(PrinterSettings(address=address)).status()
    if status.silent:
        return (
            True,
            f"printer: {address} is there but does not answer; prints cannot be confirmed",
        )
    return status.ready, f"printer: {address} says {status.word}"


class PrintQueue:
    """Draws and prints in a thread of its own, one ticket at a time, and looks at the printer when idle."""

    def __init__(
        self,
        printer: Printer,
        on_status: Callable[[PrinterStatus], None] = lambda _: None,
        poll_s: float = POLL_S,
    ) -> None:
        """`on_status` is called in the worker's thread whenever the status has changed."""
        self._printer, self._on_status, self._poll_s = printer, on_status, poll_s
        self._jobs: queue.Queue[tuple[_Draw, Future[PrintOutcome]] | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._last: tuple[float, Image.Image] | None = None
        self._status: PrinterStatus | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="printer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Lets the ticket in hand come out; the ones behind it are cancelled."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._cancel_waiting()
        self._jobs.put(None)
        thread.join(self._printer.settings.patience_s + LEAVE_S)

    def submit(self, draw: _Draw) -> Future[PrintOutcome]:
        """Prints what `draw` returns; it is called in the worker's thread, and its error is the future's."""
        future: Future[PrintOutcome] = Future()
        self._jobs.put((draw, future))
        return future

    def reprint(self) -> Future[PrintOutcome] | None:
        """The last ticket once more, or none when it is older than a minute."""
        last = self._last
        if last is None or time.monotonic() - last[0] > REPRINT_WITHIN_S:
            return None
        return self.submit(lambda: last[1])

    def status(self) -> PrinterStatus | None:
        """The last look at the printer (not older than the poll, unless it prints); none before the first."""
        return self._status

    def _work(self) -> None:
        self._look()
        while True:
            try:
                job = self._jobs.get(timeout=self._poll_s)
            except queue.Empty:
                self._look()
                continue
            if job is None:
                return
            self._do(*job)

    def _do(self, draw: _Draw, future: Future[PrintOutcome]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            image = draw()
            outcome = self._printer.print_ticket(image)
        except Exception as error:
            log.exception("print_error")
            future.set_exception(error)
            return
        self._last = (time.monotonic(), image)
        log.info("printed", **msgspec.to_builtins(outcome))
        silent = outcome.state is PrintState.UNKNOWN
        self._note(PrinterStatus(cause=outcome.cause, silent=silent, paper_low=outcome.paper_low))
        future.set_result(outcome)

    def _look(self) -> None:
        if self._last is not None and time.monotonic() - self._last[0] > REPRINT_WITHIN_S:
            self._last = None
        try:
            self._note(self._printer.status())
        except Exception:
            log.exception("printer_look_error")

    def _note(self, status: PrinterStatus) -> None:
        if status == self._status:
            return
        self._status = status
        log.info("printer_status", word=status.word)
        self._on_status(status)

    def _cancel_waiting(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job[1].cancel()


def _mm(image: Image.Image, settings: PrinterSettings) -> float:
    return image.height / settings.dpi * MM_PER_INCH


def _read_count(path: Path | None) -> int:
    try:
        return int(path.read_text()) if path is not None else 0
    except (OSError, ValueError):
        return 0


def _write_count(path: Path, tickets: int) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(str(tickets))
    draft.replace(path)
