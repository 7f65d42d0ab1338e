"""What visitors have filed and the centre has not answered yet: sealed packages on this kiosk's disk, sent in order.

A package is on the disk before its visitor is told that it is done, and stays until the centre has answered. It
bears an id, by which the centre takes it once, however often it is sent; the kiosk itself cannot open it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from queue_server.wire import messages as m
from queue_server.wire.files import sync_folder, write_whole
from queue_server.wire.filing import FeedbackFiled, Filed
from queue_server.wire.link import Credentials

from .fetch import Centre

WITHIN_S = 60.0
"""48 MB over a thin line take a while."""
FIRST_RETRY_S = 2.0
LAST_RETRY_S = 60.0
LEAST_FREE = 200_000_000
"""Bytes that stay free on the disk: a visit is refused at its end rather than broken off in the middle."""
LARGEST_ANSWER = 1_000_000
FINAL = frozenset({400, 404, 409, 410, 413, 415, 422})
"""Answers that will not change by asking again; 404 only of a centre that takes nothing of this kind."""
NAME = re.compile(
    r"(?P<seq>\d{10})\.(?P<kind>filings|feedback)\.(?P<id>[A-Za-z0-9_-]{8,80})\.sealed"
)
DRAFT = ".draft"
COUNTER = "counter"
REFUSED = "refused"

log = structlog.get_logger()


class NoRoom(Exception):
    """Nothing more can be kept safely on this disk."""


@dataclass(frozen=True)
class Waiting:
    """One package on the disk."""

    seq: int
    kind: str
    id: str
    path: Path


@dataclass(frozen=True)
class Verdict:
    """The centre's answer: what it filed, or its refusal; neither: it has not answered."""

    filed: Filed | FeedbackFiled | None = None
    refusal: m.Refusal | None = None


class _Answer(msgspec.Struct):
    refusal: m.Refusal


class Outbox:
    """`number` and `adopt` from any thread; `on_verdict(id, verdict)` comes from the sender's own."""

    def __init__(
        self,
        folder: Path,
        credentials: Credentials,
        on_verdict: Callable[[str, Verdict], None] = lambda *_: None,
        least_free: int = LEAST_FREE,
    ) -> None:
        self.folder = folder
        self._own = credentials
        self._centre = Centre(credentials)
        self.on_verdict = on_verdict
        self._least_free = least_free
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Drafts of a visit that the power cut off are thrown away: nobody was told that they were done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder, 0o700)
        for draft in self.folder.glob(f"*{DRAFT}"):
            draft.unlink(missing_ok=True)
        self._thread = threading.Thread(target=self._send_all, name="outbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._work.set()

    # --- keeping ---

    def number(self) -> str:
        """The next number, on the disk before anybody hears it. Raises NoRoom."""
        with self._lock:
            try:
                if shutil.disk_usage(self.folder).free < self._least_free:
                    raise NoRoom
                last = self._counted() + 1
                write_whole(self.folder / COUNTER, str(last).encode())
            except OSError as error:
                raise NoRoom from error
        return f"T-{_plain(self._own.device)}-{last:06}"

    def adopt(self, draft: Path, filing_id: str, provisional: str, kind: str = "filings") -> None:
        """Take over a package that lies complete on the disk; after this it will reach the centre. Raises NoRoom."""
        seq = int(provisional.rpartition("-")[2])
        path = self.folder / f"{seq:010}.{kind}.{filing_id}.sealed"
        try:
            os.replace(draft, path)
            sync_folder(self.folder)
        except OSError as error:
            raise NoRoom from error
        log.info("filing_kept", kind=kind, number=seq)
        self._work.set()

    def waiting(self) -> list[Waiting]:
        """What has no answer yet, the oldest first."""
        found = []
        for path in sorted(self.folder.glob("*.sealed")):
            name = NAME.fullmatch(path.name)
            if name is not None:
                found.append(Waiting(int(name["seq"]), name["kind"], name["id"], path))
        return found

    def hurry(self) -> None:
        """The line is back: try at once."""
        self._work.set()

    def _counted(self) -> int:
        """The highest number ever given; the files themselves know it as well, should the counter be torn."""
        kept = 0
        with contextlib.suppress(FileNotFoundError, ValueError):
            kept = int((self.folder / COUNTER).read_bytes())
        found = [w.seq for w in self.waiting()]
        for path in (self.folder / REFUSED).glob("*.sealed"):
            name = NAME.fullmatch(path.name)
            found += [int(name["seq"])] if name else []
        return max([kept, *found])

    # --- sending, in its own thread ---

    def _send_all(self) -> None:
        retry = FIRST_RETRY_S
        while not self._stopped.is_set():
            self._work.clear()
            if self.send():
                retry = FIRST_RETRY_S
                self._work.wait()
            else:
                self._work.wait(retry)
                retry = min(retry * 2, LAST_RETRY_S)

    def send(self) -> bool:
        """One round over all that waits; True when nothing is left over.

        A package that the centre stumbles over holds up no other; a centre that is away ends the round.
        """
        left = False
        for each in self.waiting():
            if self._stopped.is_set():
                return True
            try:
                verdict = self._post(each)
                if verdict is not None:
                    self._settle(each, verdict)
            except OSError as error:
                log.info("filing_not_sent", number=each.seq, cause=type(error).__name__)
                return False
            left = left or verdict is None
        return not left

    def _settle(self, each: Waiting, verdict: Verdict) -> None:
        """Told first, then gone: whoever dies in between sends it again, and the centre knows it."""
        self.on_verdict(each.id, verdict)
        if verdict.refusal is not None:
            log.warning("filing_refused", number=each.seq, code=verdict.refusal.code)
            (self.folder / REFUSED).mkdir(exist_ok=True)
            with contextlib.suppress(OSError):
                os.replace(each.path, self.folder / REFUSED / each.path.name)
        else:
            log.info("filing_sent", number=each.seq)
            each.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            sync_folder(self.folder)

    def _post(self, each: Waiting) -> Verdict | None:
        """None: the centre is there but cannot take it now. Raises OSError."""
        try:
            body = each.path.read_bytes()
        except FileNotFoundError:
            return None
        status, answer = self.ask(f"/api/{each.kind}/{each.id}", body)
        if status == 200:
            try:
                return Verdict(filed=_filed(each.kind, answer))
            except msgspec.DecodeError:
                log.error("filing_answer_unreadable", number=each.seq)
                return None
        if status in FINAL:
            return Verdict(refusal=_refusal(answer))
        log.warning("filing_put_off", number=each.seq, status=status)
        return None

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        within: float = WITHIN_S,
        *,
        largest: int = LARGEST_ANSWER,
        method: str | None = None,
    ) -> tuple[int, bytes]:
        """What the centre answers to this device: status and body. Raises OSError when it does not."""
        answer = self._centre.ask(
            path, body, within=within, largest=largest, as_device=True, method=method
        )
        return answer.status, answer.body


def _filed(kind: str, answer: bytes) -> Filed | FeedbackFiled:
    if kind == "filings":
        return msgspec.json.decode(answer, type=Filed)
    return msgspec.json.decode(answer, type=FeedbackFiled)


def _refusal(answer: bytes) -> m.Refusal:
    try:
        return msgspec.json.decode(answer, type=_Answer).refusal
    except msgspec.DecodeError:
        return m.Refusal(code="not_taken", vi="", en="")


def _plain(device: str) -> str:
    """A device's name as it may stand in a number: capitals and figures."""
    return re.sub(r"[^A-Z0-9]+", "-", device.upper()).strip("-")[:20] or "K"
