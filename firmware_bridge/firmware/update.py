"""New firmware, pulled piece by piece into the set that does not run, as docs/terminals-ota.md describes it.

What is wanted is only told; whether and when a piece comes is the bridge's affair, and presses always go first.
"""

import hashlib
import json
import os
import struct
from binascii import hexlify

from . import frame, sets
from .frame import Signer
from .sets import Sets

TRIAL_MS = 600_000
"""A new set that nobody has confirmed for so long is given up."""
LARGEST_MANIFEST = 6000
"""Bytes; it lies in memory while it comes in."""
AT_ONCE = 1024
"""Bytes that are written together: each write costs a block of the flash."""

TRYING, GOOD, REFUSED, WENT_BACK = 1, 2, 3, 4
NONE, MAC, HASH, SPACE, MANIFEST, OLD = 0, 1, 2, 3, 4, 5
LABEL = b"motcua firmware "
_PIECE_HEAD = 9

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class _Offer:
    def __init__(self, number: int, size: int, mac: bytes) -> None:
        self.number = number
        self.size = size
        self.mac = mac


class _Refused(Exception):
    def __init__(self, reason: int) -> None:
        super().__init__(reason)
        self.reason = reason


class Update:
    """`kind`: of this terminal's board. `restart` starts the terminal anew, and may come back only in tests."""

    def __init__(
        self,
        signer: Signer,
        kept: Sets,
        kind: str,
        version: tuple[int, int],
        restart: "Callable[[], None]",
    ) -> None:
        self._signer = signer
        self._sets = kept
        self._kind = kind
        self._version = f"{version[0]}.{version[1]}"
        self._restart = restart
        self._offer: _Offer | None = None
        self._report = (kept.gone, WENT_BACK, NONE) if kept.gone else None
        self._forget()

    def _forget(self) -> None:
        self._offer = None
        self._manifest = b""
        self._digest = ""
        self._files: list[tuple[str, int, str]] = []
        self._file = 0
        self._written = 0
        self._from_start = False
        """The file that comes in now was pulled from its first byte on since the start."""
        self._buffer = b""

    # --- what is told ---

    def word(self) -> "tuple[int, bytes] | None":
        """Kind and body of what is to be told of it now."""
        report, self._report = self._report, None
        if report is None and self._sets.trial:
            report = (self._sets.trial["number"], TRYING, NONE)
        if report is not None:
            return frame.REPORT, struct.pack(">IBB", *report)
        offer = self._offer
        if offer is None:
            return None
        return frame.WANT, struct.pack(">IBI", offer.number, self._file, self._have())

    def tick(self, since_start: int) -> None:
        if self._sets.trial and since_start > TRIAL_MS:
            self._sets.go_back()
            self._restart()

    # --- what is heard; a payload of another size raises ValueError ---

    def hear(self, kind: int, payload: bytes) -> None:
        """A frame of the bridge that is about new firmware; others are nothing."""
        if kind == frame.OFFER:
            self.offered(payload)
        elif kind == frame.PIECE:
            self.piece(payload)
        elif kind == frame.CONFIRM:
            self.confirmed(payload)

    def offered(self, payload: bytes) -> None:
        if len(payload) != 38:
            raise ValueError
        number, size = struct.unpack(">IH", payload[:6])
        if self._offer is not None and self._offer.number == number:
            return  # it is coming in
        self._forget()
        self._report = self._answer(number, size)
        if self._report is None:
            self._offer = _Offer(number, size, payload[6:])

    def _answer(self, number: int, size: int) -> "tuple[int, int, int] | None":
        """A report, or None when it is worth pulling."""
        if number < self._sets.highest:
            return number, REFUSED, OLD
        if self._sets.trial:
            return self._sets.trial["number"], TRYING, NONE
        if not 0 < size <= LARGEST_MANIFEST:
            return number, REFUSED, SPACE
        try:
            self._sets.offered(number)
        except OSError:
            return number, REFUSED, SPACE
        return None

    def piece(self, payload: bytes) -> None:
        if len(payload) < _PIECE_HEAD:
            raise ValueError
        number, file, offset = struct.unpack(">IBI", payload[:_PIECE_HEAD])
        offer, data = self._offer, payload[_PIECE_HEAD:]
        if offer is None or (number, file, offset) != (offer.number, self._file, self._have()):
            return
        try:
            self._take(offer, data)
        except _Refused as refused:
            self._end(offer.number, REFUSED, refused.reason)
        except OSError:
            self._end(offer.number, REFUSED, SPACE)

    def confirmed(self, payload: bytes) -> None:
        if len(payload) != 4:
            raise ValueError
        (number,) = struct.unpack(">I", payload)
        if self._sets.trial and self._sets.trial["number"] == number:
            try:
                self._sets.confirm()
            except OSError:
                return  # asked again at the next status
        if self._sets.good == number:
            self._report = (number, GOOD, NONE)

    # --- taking it in ---

    def _have(self) -> int:
        return len(self._manifest) if self._file == 0 else self._written + len(self._buffer)

    def _end(self, number: int, state: int, reason: int) -> None:
        self._forget()
        self._report = (number, state, reason)

    def _take(self, offer: _Offer, data: bytes) -> None:
        if self._file == 0:
            self._manifest += data
            if len(self._manifest) >= offer.size:
                self._judge(offer)
            return
        path, size, _ = self._files[self._file - 1]
        self._buffer += data
        whole = self._have() >= size
        if whole or len(self._buffer) >= AT_ONCE:
            self._write(path)
        if whole:
            self._next(offer)

    def _judge(self, offer: _Offer) -> None:
        """The whole manifest is here: nothing of it is read before its mac is right."""
        signed = LABEL + struct.pack(">I", offer.number) + self._manifest
        if not frame.same(self._signer.mac(signed), offer.mac):
            raise _Refused(MAC)
        self._digest = hexlify(hashlib.sha256(self._manifest).digest()).decode()
        kind, version, self._files = _read(self._manifest)
        self._manifest = b""
        if kind != self._kind:
            raise _Refused(MANIFEST)
        if self._digest in self._sets.failed:
            self._end(offer.number, WENT_BACK, NONE)
        elif version == self._version:
            self._end(offer.number, GOOD, NONE)
        else:
            self._begin(offer)

    def _begin(self, offer: _Offer) -> None:
        self._sets.begin(self._digest)
        there = sum(_size(self._place(path)) for path, _, _ in self._files)
        if sum(size for _, size, _ in self._files) - there > self._sets.room():
            raise _Refused(SPACE)
        self._next(offer)

    def _next(self, offer: _Offer) -> None:
        """On to the first file that is not here whole; when there is none, into the new set."""
        pulled = self._from_start
        for number in range(max(1, self._file), len(self._files) + 1):
            path, size, digest = self._files[number - 1]
            pulled = pulled and number == self._file
            self._look(number, path)
            if self._written < size:
                return
            if self._written > size or _digest(self._place(path)) != digest:
                sets.remove(self._place(path))
                if pulled:
                    raise _Refused(HASH)
                self._look(
                    number, path
                )  # spoiled by a power cut, perhaps: once more, from its start
                return
        self._sets.switch(offer.number, self._digest)
        self._forget()
        self._restart()

    def _look(self, number: int, path: str) -> None:
        """How much of a file is here; an empty one is made."""
        place = self._place(path)
        sets.make_folders(place)
        with open(place, "ab"):
            pass
        self._file, self._written, self._buffer = number, _size(place), b""
        self._from_start = self._written == 0

    def _write(self, path: str) -> None:
        with open(self._place(path), "ab") as file:
            file.write(self._buffer)
        self._written += len(self._buffer)
        self._buffer = b""

    def _place(self, path: str) -> str:
        return self._sets.other + "/" + path


def _read(manifest: bytes) -> tuple[str, str, list[tuple[str, int, str]]]:
    """Kind, version and files. Raises _Refused."""
    try:
        told = json.loads(manifest)
        files = [(one["path"], int(one["size"]), one["sha256"]) for one in told["files"]]
        if any(path.startswith("/") or ".." in path for path, _, _ in files):
            raise ValueError
        return told["name"], told["version"], files
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _Refused(MANIFEST)  # noqa: B904 (MicroPython knows no cause)


def _size(path: str) -> int:
    try:
        return int(os.stat(path)[6])
    except OSError:
        return 0


def _digest(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            data = file.read(512)
            if not data:
                return hexlify(found.digest()).decode()
            found.update(data)
