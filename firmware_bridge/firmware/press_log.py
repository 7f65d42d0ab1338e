"""Presses until they are acknowledged, and the count that never goes back: a ring of records in one file.

A record says all that matters at its moment: the press, its count, and up to which count the bridge
has acknowledged. The newest whole record is the truth; one that a power cut has torn is no record, and
the press in it was never sent, so its count is free.

The bridge refuses a count below the highest that it knows, so a press is told only when the flash says
that all before it are acknowledged: whatever the power does then, the terminal begins again with that
press or a later one. The record of a press says so already, if nothing waited when it was pressed; such
a press costs one write in all. In a backlog each press but the last costs one more.
"""

import binascii
import struct

HOLDS = 64
"""Presses that may wait; further ones are refused with a red lamp."""
SLOTS = 128
"""Between the oldest waiting press and the newest record lie at most 63 presses and 63 notes of
acknowledgements, of those that were told while it waited behind them: the ring never bites its tail."""

_FORM = ">BBHIII"
"""Mark, button, 0, number of the record, count of the press, acknowledged up to; a CRC-32 follows."""
_BODY = struct.calcsize(_FORM)
_RECORD = _BODY + 4
SIZE = SLOTS * _RECORD
_MARK = 0xA5
_NOTE = 0
"""The button of a record that only tells an acknowledgement."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


class Waiting:
    """A press in the log. `at` is the time (ms) since this start; None when power was lost since."""

    def __init__(self, count: int, button: int, at: int | None) -> None:
        self.count = count
        self.button = button
        self.at = at


class PressLog:
    """`file` is open for reading and writing bytes, and flush() brings it to the flash.

    `full` also when the flash takes no more: a press that could be lost is refused.
    """

    def __init__(self, file: "BinaryIO") -> None:
        self._file = file
        self._serial = 0
        self._noted = 0
        self.count = 0
        self.acknowledged_to = 0
        self.waiting: list[Waiting] = []
        self._read()

    def add(self, button: int, at: int) -> bool:
        """Write a press down; False when it could not be: it is not taken then."""
        if len(self.waiting) >= HOLDS:
            return False
        if not self._write(button, self.count + 1):
            return False
        self.count += 1
        self._noted = self.acknowledged_to
        self.waiting.append(Waiting(self.count, button, at))
        return True

    def acknowledged(self, count: int) -> bool:
        """Forget the oldest press if it is the one named; an old or doubled acknowledgement does nothing."""
        if not self.waiting or self.waiting[0].count != count:
            return False
        self.waiting.pop(0)
        self.acknowledged_to = count
        self.oldest()
        return True

    def oldest(self) -> "Waiting | None":
        """The press to tell now; None also while the flash does not take that those before it are told."""
        if not self.waiting:
            return None
        if self._noted < self.acknowledged_to and not self._write(_NOTE, self.count):
            return None
        self._noted = self.acknowledged_to
        return self.waiting[0]

    # --- below ---

    def _write(self, button: int, count: int) -> bool:
        serial = self._serial + 1
        body = struct.pack(_FORM, _MARK, button, 0, serial, count, self.acknowledged_to)
        record = body + struct.pack(">I", binascii.crc32(body))
        try:
            self._file.seek(serial % SLOTS * _RECORD)
            self._file.write(record)
            self._file.flush()
        except OSError:
            return False
        self._serial = serial
        return True

    def _read(self) -> None:
        records = self._records()
        if not records:
            return
        newest = max(records)
        self._serial, self.count, self.acknowledged_to = newest[0], newest[1], newest[2]
        self._noted = self.acknowledged_to
        for _, count, _, button in sorted(records):
            if button != _NOTE and count > self.acknowledged_to:
                self.waiting.append(Waiting(count, button, None))

    def _records(self) -> list[tuple[int, int, int, int]]:
        """Of each whole record: its number, the press's count, acknowledged up to, button."""
        self._file.seek(0)
        data = self._file.read(SIZE)
        self._take_room(len(data))
        found = []
        for start in range(0, len(data) - _RECORD + 1, _RECORD):
            body = data[start : start + _BODY]
            (crc,) = struct.unpack(">I", data[start + _BODY : start + _RECORD])
            mark, button, _, serial, count, acknowledged = struct.unpack(_FORM, body)
            if mark == _MARK and crc == binascii.crc32(body):
                found.append((serial, count, acknowledged, button))
        return found

    def _take_room(self, size: int) -> None:
        """A new file takes all its room at once, while the flash has it."""
        if size < SIZE:
            try:
                self._file.seek(size)
                self._file.write(bytes(SIZE - size))
                self._file.flush()
            except OSError:
                pass  # presses are refused until there is room
