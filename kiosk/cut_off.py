"""What a kiosk does alone: numbers from its lease while the server is away, handed over when it is back."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import structs

from queue_server.wire import messages as m
from queue_server.wire.centre_time import CentreTime, Machine
from queue_server.wire.link import Refused, new_id
from queue_server.wire.words import Frozen, day_of, ticket_id

from . import reports as r
from .leases import Given, Leases

ASK_FOR_S = 30.0
LEASE_EVERY_MS = 600_000
"""A lease is filled up at each connect, each new day, and so often: services open and close."""
ANCHOR_EVERY_MS = 600_000
AGAIN_MS = 10_000
PASSING = frozenset({"not_saved", "internal"})
"""Refusals of a moment: the same is asked again."""

log = structlog.get_logger()


class Asking(Protocol):
    """What of the link is needed here."""

    def ask(self, verb: str, message: Frozen, for_seconds: float = ...) -> Future[m.Answer]: ...


class CutOff:
    """`hear` reports to the journey. `heard` and `lost` may be called from any thread, `beat` once a second."""

    def __init__(
        self,
        link: Asking,
        leases: Leases,
        hear: Callable[..., None],
        machine: Machine | None = None,
    ) -> None:
        self._link, self._leases, self._hear = link, leases, hear
        self._time = CentreTime(machine or Machine(), leases.anchor(), leases.last_told())
        self._setup: m.CentreSetup | None = leases.kept("setup", m.CentreSetup)
        self._epoch: int = leases.kept("epoch", int) or 0
        self._lock = threading.RLock()
        self._there = False
        self._leasing: str | None = None
        self._handing: str | None = None
        self._lease_at = 0
        self._hand_at = 0
        self._anchored = 0
        self._day = ""
        self._left: dict[str, int] | None = None

    # --- what the world says ---

    def begin(self) -> None:
        """At the start: what the centre was like when it was last heard of, and what can be given."""
        if self._setup is not None:
            self._hear(r.SetupCame, setup=self._setup)
        self.beat()

    def heard(self, welcome: m.Welcome) -> None:
        """The server lives and says what time it is."""
        with self._lock:
            back = not self._there or welcome.epoch != self._epoch
            if back:
                self._lease_at = self._hand_at = 0
            self._there, self._epoch = True, welcome.epoch
            anchor = self._time.heard(welcome.at, welcome.speed)
            if back or anchor.steady - self._anchored >= ANCHOR_EVERY_MS:
                self._anchored = anchor.steady
                self._kept("anchor", anchor)
            if back:
                self._kept("epoch", welcome.epoch)
        if back:
            self.beat()

    def lost(self) -> None:
        """Broker or server are gone."""
        with self._lock:
            self._there = False

    def setup_came(self, setup: m.CentreSetup) -> None:
        with self._lock:
            known, self._setup = self._setup, setup
            if known is None or structs.replace(known, at=setup.at) != setup:
                self._kept("setup", setup)

    def beat(self) -> None:
        """Look whether something is due."""
        with self._lock:
            try:
                now = self._time.now()
                today = day_of(now, self._setup.utc_offset_minutes if self._setup else 420)
                if today != self._day:
                    self._day, self._lease_at = today, 0
                self._tell_left()
                if self._there and self._leasing is None and now >= self._lease_at:
                    self._ask_lease(now)
                if self._there and self._handing is None and now >= self._hand_at:
                    self._hand_over_next(now)
            except (sqlite3.Error, msgspec.DecodeError) as error:
                log.error("leases_failed", error=str(error))

    # --- for the journey ---

    def take(self, want: r.TakeLeased) -> m.TicketTaken | None:
        """A number of the lease, burnt; None where there is none, or the disk takes nothing."""
        ask, token = want.message, secrets.token_urlsafe(16)
        wanted = m.HandOver(
            id=ask.id,
            number="",
            service=ask.service,
            day=self._day,
            issued_at=0,
            token=hashlib.sha256(token.encode()).hexdigest()[:32],
            language=ask.language,
            priority=ask.priority,
            procedure=ask.procedure,
            dossiers=ask.dossiers,
            then=ask.then,
            prepared=ask.prepared,
            copies=ask.copies,
            supplement=ask.supplement,
            dossier_code=ask.dossier_code,
        )
        try:
            given = self._leases.burn(self._day, wanted)
        except sqlite3.Error as error:
            log.error("leased_number_not_saved", error=str(error))
            return None
        if given is None:
            return None
        base = self._setup.public_url.rstrip("/") if self._setup else ""
        return m.TicketTaken(
            ticket=ticket_id(given.day, given.number),
            number=given.number,
            service=given.service,
            issued_at=self._time.now(),
            ahead=want.ahead,
            token=token,
            url=f"{base}/t/{token}" if base else "",
            priority=given.priority,
            counters=want.counters,
            offline=True,
            known_at=want.known_at,
        )

    def tell(self, ask: str) -> bool:
        """Just before the visitor sees it; False: it must not be shown, for it could not be kept."""
        try:
            self._leases.tell(ask, self._time.moment())
        except sqlite3.Error as error:
            log.error("leased_number_not_told", error=str(error))
            return False
        log.info("issued_offline", ask=ask)
        self._tell_left()
        return True

    def note_print(self, ticket: str, outcome: str) -> bool:
        """Whether this ticket's paper is told to the server with its hand-over."""
        try:
            return self._leases.note_print(ticket, outcome)
        except sqlite3.Error:
            return False

    # --- below ---

    def _tell_left(self) -> None:
        left = self._leases.left(self._day)
        if left != self._left:
            self._left = left
            self._hear(r.LeaseChanged, left=left)

    def _ask_lease(self, now: int) -> None:
        ask = m.LeaseNumbers(
            id=new_id(),
            have=self._leases.left(self._day),
            day=self._day,
            held=self._leases.held(self._day),
        )
        self._leasing, self._lease_at = ask.id, now + LEASE_EVERY_MS
        self._ask("lease_numbers", ask, self._leased)

    def _leased(self, answer: m.Answer | None, refusal: str) -> None:
        self._leasing = None
        if answer is None:
            wait = LEASE_EVERY_MS if refusal and refusal not in PASSING else AGAIN_MS
            self._lease_at = self._time.now() + wait
            return
        leased: m.Leased = m.decode(m.Leased, bytes(answer.ok))
        self._leases.add(leased)
        log.info("leased", numbers={s: len(n) for s, n in leased.numbers.items()})
        self._tell_left()

    def _hand_over_next(self, now: int) -> None:
        pending = self._leases.pending(self._epoch, self._day)
        if not pending:
            self._hand_at = now + AGAIN_MS
            return
        when = self._time.when([given.moment for given in pending])
        first: Given = pending[0]
        message = structs.replace(first.message, issued_at=when[0], printed=first.printed)
        self._handing = message.id
        self._ask("hand_over", message, lambda *a: self._handed(message, *a))

    def _handed(self, message: m.HandOver, answer: m.Answer | None, refusal: str) -> None:
        self._handing = None
        now = self._time.now()
        if answer is None and (not refusal or refusal in PASSING):
            self._hand_at = now + AGAIN_MS
            return
        state = "handed" if answer is not None else "refused"
        printed = self._leases.close(message.id, self._epoch, state)
        if state == "refused":
            log.error("hand_over_refused", number=message.number, code=refusal)
        elif printed != message.printed:
            ticket = m.decode(m.HandedOver, bytes(answer.ok)).ticket if answer else ""
            report = m.ReportPrint(id=new_id(), ticket=ticket, outcome=printed)
            self._link.ask("report_print", report, ASK_FOR_S)
        self._hand_over_next(now)

    def _ask(self, verb: str, message: Any, then: Callable[[m.Answer | None, str], None]) -> None:
        def answered(done: Future[m.Answer]) -> None:
            error = None if done.cancelled() else done.exception()
            with self._lock:
                try:
                    if isinstance(error, Refused):
                        then(None, error.refusal.code)
                    elif done.cancelled() or error is not None:
                        then(None, "")
                    else:
                        then(done.result(), "")
                except (sqlite3.Error, msgspec.DecodeError) as failed:
                    log.error("leases_failed", error=str(failed))

        self._link.ask(verb, message, ASK_FOR_S).add_done_callback(answered)

    def _kept(self, name: str, value: Any) -> None:
        try:
            self._leases.keep(name, value)
        except sqlite3.Error as error:
            log.error("leases_failed", error=str(error))
