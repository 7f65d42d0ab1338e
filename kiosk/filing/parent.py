"""The kiosk's side of self-filing: one warm child, shown when a visitor wants it, a new one after each visit.

The child is started, read and replaced by one thread that lives as long as the kiosk, since Linux ends a child
with the thread that started it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from kiosk.outbox import DRAFT, NoRoom, Outbox, Verdict
from kiosk.settings import KioskSettings
from kiosk.touch.window import WindowSettings
from queue_server.wire.filing import Filed
from queue_server.wire.phone import LARGEST_PAGE
from queue_server.wire.words import Frozen

from . import talk
from .main import REMOTE, Start

ASK_WITHIN_S = 8.0
CLOSE_WITHIN_S = 2.0
READY_WITHIN_S = 60.0
"""A child that has not loaded by then hangs, and goes."""
RESTART_AFTER_S = 1.0
MOST_RESTART_S = 30.0
KIOSK_REMOTE = "MOTCUA_KIOSK_REMOTE"
CRASHED = talk.Ended(reason="crashed")

log = structlog.get_logger()


@dataclass
class Events:
    """What the kiosk does about a visit; called in threads of ours, so each must hand over and return.

    `ended(…)`: its reason is `crashed` when the child died in the middle; the rest as the visitor had it.
    """

    shown: Callable[[], None] = lambda: None
    ended: Callable[[talk.Ended], None] = lambda _: None
    ticket: Callable[[talk.WantsTicket], None] = lambda _: None
    help: Callable[[str], None] = lambda _: None
    print: Callable[[bytes], None] = lambda _: None


class FilingProcess:
    """`warm()` has a child ready from now on; `open(…)` shows it; `tell(…)` answers what it wanted."""

    def __init__(
        self,
        window: WindowSettings,
        data: Path,
        outbox: Outbox,
        settings: KioskSettings | None = None,
        keys: dict[str, int] | None = None,
    ) -> None:
        """`keys`: of the keypad, by name, as they were learnt or set."""
        self._window, self._data, self._outbox = window, data, outbox
        self._settings = settings or KioskSettings()
        self._keys = keys if keys is not None else dict(self._settings.keys)
        self.events = Events()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._wanted: talk.Open | None = None
        self._visit: str | None = None
        self._awaited: dict[str, threading.Timer] = {}
        self._asking = ThreadPoolExecutor(2, "filing-ask")
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        outbox.on_verdict = self.on_verdict

    def start(self) -> None:
        """Nothing is done before the first `warm` or `open`."""

    def warm(self) -> None:
        """From any thread; again does nothing."""
        with self._lock:
            if self._thread is not None or self._stopped.is_set():
                return
            self._thread = threading.Thread(target=self._live, name="filing", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        child = self._child
        if child is not None:
            self.tell(talk.Close())
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(CLOSE_WITHIN_S)
            child.kill()
        self._asking.shutdown(wait=False, cancel_futures=True)
        if self._thread is not None:
            self._thread.join(CLOSE_WITHIN_S)

    # --- for the kiosk; from any thread ---

    @property
    def open_now(self) -> bool:
        """A visitor is in it, or about to be."""
        return self._visit is not None or self._wanted is not None

    @property
    def ready(self) -> bool:
        """A warm child waits for a visitor."""
        return self._ready

    @property
    def child(self) -> subprocess.Popen[bytes] | None:
        """Its process."""
        return self._child

    def open(self, visit: talk.Open) -> None:
        """Show it; a child that is still warming up shows it as soon as it is ready."""
        self.warm()
        with self._lock:
            if self._visit is not None:
                return
            opened = msgspec.structs.replace(visit, outbox=str(self._outbox.folder))
            if not self._ready:
                self._wanted = opened
                return
            self._visit, self._ready = opened.visit, False
        self.tell(opened)

    def tell(self, message: Frozen) -> None:
        child = self._child
        if child is None or child.stdin is None:
            return
        with self._lock, contextlib.suppress(OSError, ValueError):
            child.stdin.write(talk.line_of(message))
            child.stdin.flush()

    # --- the child's life, in one thread ---

    def _live(self) -> None:
        wait = RESTART_AFTER_S
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                was_used = self._one_life()
            except OSError as error:
                log.error("filing_child_not_started", error=str(error))
                self._over(CRASHED)
                was_used = False
            lived = time.monotonic() - began
            wait = RESTART_AFTER_S if lived > MOST_RESTART_S else min(2 * wait, MOST_RESTART_S)
            if was_used:
                wait = RESTART_AFTER_S / 2
            else:
                self._stopped.wait(wait)

    def _one_life(self) -> bool:
        """Whether a visitor was in it. Raises OSError where it cannot be started."""
        own = self._settings
        start = Start(
            parent=os.getpid(),
            home=str(self._data / "kivy-filing"),
            width=self._window.width,
            height=self._window.height,
            fullscreen=self._window.fullscreen,
            width_mm=self._window.width_mm,
            reading=own.reading,
            keys=self._keys,
            double_strike_ms=own.double_strike_ms,
            key_strike_ms=own.key_strike_ms,
            emblem=own.emblem if Path(own.emblem).is_file() else "",
        )
        said = msgspec.json.encode(start).decode()
        environment = {k: v for k, v in os.environ.items() if k != KIOSK_REMOTE}
        child = subprocess.Popen(
            [sys.executable, "-m", "kiosk.filing.main", said],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self._child = child
        patience = threading.Timer(READY_WITHIN_S, child.kill)
        patience.daemon = True
        patience.start()
        over = CRASHED
        assert child.stdout is not None
        while line := child.stdout.readline(talk.LONGEST_LINE):
            try:
                message = talk.from_child(line)
            except msgspec.DecodeError:
                log.error("filing_child_unreadable")
                continue
            if isinstance(message, talk.Ended):
                over = message
            elif isinstance(message, talk.Ready):
                patience.cancel()
                self._warm()
            else:
                self._hear(message)
        patience.cancel()
        child.kill()
        child.wait()
        was_used = self._visit is not None
        self._over(over)
        return was_used

    def _over(self, over: talk.Ended) -> None:
        """The screen is the kiosk's again, also of who waited for a child that never got ready.

        What was handed over goes on its way without the visitor; what was not is nobody's.
        """
        with self._lock:
            visit = self._visit or (self._wanted.visit if self._wanted else None)
            self._visit, self._wanted, self._child, self._ready = None, None, None, False
            timers, self._awaited = self._awaited, {}
        for timer in timers.values():
            timer.cancel()
        if visit is not None:
            with contextlib.suppress(OSError):
                (self._outbox.folder / f"{visit}{DRAFT}").unlink(missing_ok=True)
            log.info("filing_visit_over", reason=over.reason)
            self.events.ended(over)

    def _hear(self, message: talk.FromChild) -> None:
        if isinstance(message, talk.Shown):
            self.events.shown()
        elif isinstance(message, talk.WantsNumber):
            self._number()
        elif isinstance(message, talk.Submit):
            self._submit(message)
        elif isinstance(message, talk.Ask):
            self._asking.submit(self._ask, message)
        elif isinstance(message, talk.WantsTicket):
            self.events.ticket(message)
        elif isinstance(message, talk.PrintStrip):
            self.events.print(message.png)
        elif isinstance(message, talk.CallHelp):
            self.events.help(message.screen)

    def _warm(self) -> None:
        with self._lock:
            wanted, self._wanted = self._wanted, None
            self._ready = wanted is None
            self._visit = wanted.visit if wanted is not None else None
        if wanted is not None:
            self.tell(wanted)

    # --- what it wants ---

    def _number(self) -> None:
        try:
            self.tell(talk.Numbered(provisional=self._outbox.number()))
        except NoRoom:
            log.error("outbox_no_room")
            self.tell(talk.Full())

    def _submit(self, message: talk.Submit) -> None:
        """On the disk it is the outbox's; the visitor waits a while for the centre's own answer."""
        timer = threading.Timer(
            self._settings.filing.answer_seconds, self._give_up, (message.id, message.provisional)
        )
        timer.daemon = True
        self._awaited[message.id] = timer
        try:
            self._outbox.adopt(Path(message.path), message.id, message.provisional, message.kind)
        except NoRoom:
            self._awaited.pop(message.id, None)
            self.tell(talk.Full())
            return
        timer.start()

    def _give_up(self, filing: str, provisional: str) -> None:
        if self._awaited.pop(filing, None) is not None:
            self.tell(talk.Kept(id=filing, provisional=provisional))

    def on_verdict(self, filing: str, verdict: Verdict) -> None:
        """The centre has answered; the visitor hears it if she is still there, and late rather than never."""
        timer = self._awaited.pop(filing, None)
        if timer is not None:
            timer.cancel()
        if filing != self._visit:
            return
        if verdict.refusal is not None:
            refusal = verdict.refusal
            self.tell(talk.Refused(id=filing, code=refusal.code, vi=refusal.vi, en=refusal.en))
        elif isinstance(verdict.filed, Filed):
            self.tell(talk.Submitted(id=filing, filed=verdict.filed))
        elif verdict.filed is not None:
            self.tell(talk.FeedbackKept(id=filing, filed=verdict.filed))

    def _ask(self, message: talk.Ask) -> None:
        method = "DELETE" if message.gone else None
        try:
            status, body = self._outbox.ask(
                message.path,
                message.body or None,
                ASK_WITHIN_S,
                largest=LARGEST_PAGE,
                method=method,
            )
        except OSError:
            status, body = 0, b""
        if not message.gone:
            self.tell(talk.Answered(id=message.id, status=status, body=body))


__all__ = ["REMOTE", "Events", "FilingProcess"]
