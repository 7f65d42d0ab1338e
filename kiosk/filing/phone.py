"""Pages from the visitor's own phone: the centre takes them for this visit, sealed to a key of this process alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from queue_server.wire.phone import PATH, Begin, Begun, PhonePage, about
from queue_server.wire.sealed import NotSealed, public_text, unseal
from queue_server.wire.words import Language

from . import reports as r
from . import talk

ID = "phone"
"""Of what it asks, and of the answers that are for it."""
LOOK_EVERY_S = 2.0
AGAIN_AFTER_S = 20.0
"""An ask without an answer for so long is asked once more."""

log = structlog.get_logger()

Take = Callable[[bytes, int | None], bool]
"""`take(jpeg, paper)`: keep a page; False if it cannot be read."""


class Phone:
    """`look` asks for pages, from the first time on, and again and again until `rest`. It never waits itself."""

    def __init__(
        self,
        send: Callable[[Any], None],
        hear: Callable[..., None],
        take: Take,
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._send, self._hear, self._take, self._every_s = send, hear, take, every_s
        self._lock = threading.Lock()
        self._key = X25519PrivateKey.generate()
        self._language = Language.VI
        self._visit = ""
        self._known: list[PhonePage] = []
        self._have = 0
        self._asked_at: float | None = None
        self._refused = False
        self._looks = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self, language: str) -> None:
        self._language = Language(language)
        self._looks.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._look_on, name=ID, daemon=True)
            self._thread.start()

    def rest(self) -> None:
        self._looks.clear()

    def leave(self) -> None:
        """The visit is over: the centre may let go of what it has for it."""
        self.rest()
        with self._lock:
            visit, self._visit = self._visit, ""
        if visit:
            self._send(talk.Ask(id=f"{ID}-over", path=f"{PATH}/{visit}", gone=True))

    def heard(self, answer: talk.Answered) -> bool:
        """Whether the answer was for this."""
        if not answer.id.startswith(ID):
            return False
        with self._lock:
            self._asked_at = None
        try:
            self._heard(answer)
        except (msgspec.DecodeError, ValueError, NotSealed) as error:
            log.error("phone_unreadable", what=answer.id, kind=type(error).__name__)
        return True

    # --- its own thread ---

    def _look_on(self) -> None:
        while True:
            self._looks.wait()
            self._ask()
            time.sleep(self._every_s)

    def _ask(self) -> None:
        """What comes next, if no answer is awaited."""
        with self._lock:
            now = time.monotonic()
            if self._asked_at is not None and now - self._asked_at < AGAIN_AFTER_S:
                return
            self._asked_at = now
            ask = self._next()
        self._send(ask)

    def _next(self) -> talk.Ask:
        if not self._visit:
            begin = Begin(public_key=public_text(self._key), language=self._language)
            return talk.Ask(id=f"{ID}-begin", path=PATH, body=msgspec.json.encode(begin))
        if self._have < len(self._known):
            page = self._known[self._have]
            path = f"{PATH}/{self._visit}/files/{page.n}"
            return talk.Ask(id=f"{ID}-page", path=path)
        return talk.Ask(id=f"{ID}-files", path=f"{PATH}/{self._visit}/files")

    # --- answers ---

    def _heard(self, answer: talk.Answered) -> None:
        what, well = answer.id.removeprefix(f"{ID}-"), answer.status == 200
        if what == "begin":
            begun = msgspec.json.decode(answer.body, type=Begun) if well else None
            if begun is not None:
                with self._lock:
                    self._visit, self._known, self._have = begun.visit, [], 0
            elif not self._refused:
                log.warning("phone_not_offered", status=answer.status)
            self._refused = begun is None
            self._hear(r.PhoneChanged, url=begun.url if begun else "")
        elif what == "files" and well:
            with self._lock:
                self._known = msgspec.json.decode(answer.body, type=list[PhonePage])
            if self._have < len(self._known):
                self._ask()
        elif answer.status == GONE:
            with self._lock:
                self._visit = ""
        elif what == "page" and well:
            self._page(answer.body)

    def _page(self, sealed: bytes) -> None:
        """Whatever is the matter with it, it is not asked for again."""
        with self._lock:
            page, visit = self._known[self._have], self._visit
            self._have += 1
        jpeg = unseal(sealed, self._key, about(visit, page.n))
        if not self._take(jpeg, page.paper):
            log.error("phone_page_unreadable", n=page.n)
        self._ask()


GONE = 404
"""The centre knows nothing of this visit (any more), as after a restart: a new one is begun, with a new code."""
