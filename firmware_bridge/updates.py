"""New firmware for terminals: which package each is to run, offered until it runs it, refuses it or goes back.

Knows nothing of lines: whatever carries the messages calls `hear` and sends what it returns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from queue_server.wire.firmware import BadPackage, Package

from . import ota
from .ota import Confirm, Message, Offer, Piece, Report, State, Want
from .packages import NotFetched
from .store import CountsUsedUp, PressStore, StoreFailed
from .terminals import Terminal

log = structlog.get_logger()

OFFER_AGAIN_S = 30.0
"""An offer that nobody took up is made again."""
FETCH_AGAIN_S = 60.0


@dataclass
class _Update:
    """One terminal's way to one package. `word` is what the technician sees."""

    terminal: Terminal
    name: str
    package: Package | None = None
    number: int = 0
    word: str = "waiting"
    over: bool = False
    quiet_until: float = 0.0
    trying: bool = False

    @property
    def version(self) -> str:
        return self.package.manifest.version if self.package is not None else ""

    def file(self, number: int) -> bytes:
        """0 is the manifest. Raises IndexError."""
        assert self.package is not None
        return (self.package.signed, *self.package.files)[number]


@dataclass
class Updates:
    """`get` fetches and checks a package (slow: called in a thread of its own). All methods from any thread."""

    terminals: tuple[Terminal, ...]
    store: PressStore
    get: Callable[[str], Package]
    on_change: Callable[[], None] = lambda: None
    monotonic: Callable[[], float] = time.monotonic
    in_background: Callable[[Callable[[], None]], None] = lambda job: threading.Thread(
        target=job, name="fetch", daemon=True
    ).start()
    _updates: dict[str, _Update] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def want(self, wanted: dict[str, str]) -> None:
        """Which package each terminal is to run; what is under way and still wanted goes on."""
        known = {one.name: one for one in self.terminals}
        with self._lock:
            kept = {n: u for n, u in self._updates.items() if wanted.get(n) == u.name}
            new = {
                name: _Update(known[name], package)
                for name, package in wanted.items()
                if name in known and name not in kept
            }
            self._updates = kept | new
        self.on_change()

    def word(self, terminal: str) -> str:
        with self._lock:
            update = self._updates.get(terminal)
            return update.word if update is not None else ""

    # --- what is to be said now ---

    def due(self, terminal: str, version: str) -> list[Message]:
        """What to say to a terminal that is awake and last told this version (from a fresh status)."""
        with self._lock:
            update = self._updates.get(terminal)
            if update is None or update.over:
                return []
            if update.package is None:
                self._fetch(update)
                return []
            if version == update.version:
                return self._runs_it(update)
            if self.monotonic() < update.quiet_until:
                return []
            return self._offer(update)

    def hear(self, terminal: str, message: Message) -> list[Message]:
        """What a terminal said, and what is to be answered."""
        with self._lock:
            update = self._updates.get(terminal)
            if update is None or update.package is None:
                return []
            if isinstance(message, Report) and message.state is State.TRYING:
                update.number = (
                    update.number or message.number
                )  # offered before this bridge's start
            if not isinstance(message, Want | Report) or message.number != update.number:
                return []
            if isinstance(message, Want):
                return self._piece(update, message)
            self._report(update, message)
            return []

    # --- below, under the lock ---

    def _fetch(self, update: _Update) -> None:
        if self.monotonic() < update.quiet_until:
            return
        update.quiet_until = self.monotonic() + FETCH_AGAIN_S
        self.in_background(lambda: self._fetch_now(update))

    def _fetch_now(self, update: _Update) -> None:
        try:
            package = self.get(update.name)
        except BadPackage as error:
            log.error("firmware_refused", package=update.name, reason=error.reason)
            self._say(update, f"bad {error.reason}", over=True)
        except NotFetched as error:
            log.warning("firmware_not_fetched", package=update.name, cause=str(error))
            self._say(update, "not_fetched")
        else:
            with self._lock:
                update.package, update.quiet_until = package, 0.0
            self._say(update, "fetched")

    def _offer(self, update: _Update) -> list[Message]:
        assert update.package is not None
        update.quiet_until = self.monotonic() + OFFER_AGAIN_S
        own, manifest = update.terminal, update.package.signed
        if not update.number:
            try:
                update.number = self.store.reserve_counts(own.name, own.key_id, 1)[0]
            except (StoreFailed, CountsUsedUp) as error:
                log.error("firmware_not_offered", terminal=own.name, cause=str(error))
                return []
            self._say(update, "offered")
        mac = ota.manifest_mac(update.number, manifest, own.key)
        return [Offer(update.number, len(manifest), mac)]

    def _piece(self, update: _Update, want: Want) -> list[Message]:
        update.quiet_until = self.monotonic() + OFFER_AGAIN_S
        try:
            content = update.file(want.file)
        except IndexError:
            return []
        assert update.package is not None
        sizes = [len(update.package.signed), *map(len, update.package.files)]
        done = sum(sizes[: want.file]) + min(want.offset, len(content))
        self._say(update, f"sending {10 * (10 * done // max(1, sum(sizes)))}")
        data = ota.piece_of(content, want.offset)
        return [Piece(want.number, want.file, want.offset, data)]

    def _report(self, update: _Update, report: Report) -> None:
        log.info(
            "firmware_report",
            terminal=update.terminal.name,
            package=update.name,
            state=report.state.name.lower(),
            reason=report.reason.name.lower(),
        )
        match report.state:
            case State.TRYING:
                update.trying = True
                update.quiet_until = self.monotonic() + OFFER_AGAIN_S
                self._say(update, "trying")
            case State.GOOD:
                update.trying = False
                self._say(update, "done")
            case State.REFUSED:
                self._say(update, f"refused {report.reason.name.lower()}", over=True)
            case State.WENT_BACK:
                self._say(update, "went_back", over=True)

    def _runs_it(self, update: _Update) -> list[Message]:
        """It told the new version, freshly and signed: that is what it has to prove."""
        if update.trying:
            return [Confirm(update.number)]
        self._say(update, "done")
        return []

    def _say(self, update: _Update, word: str, over: bool = False) -> None:
        with self._lock:
            changed = update.word != word
            update.word, update.over = word, update.over or over
        if changed:
            self.on_change()
