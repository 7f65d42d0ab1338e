"""What holds for each of our terminals, however it is reached: its role, its presses, and what it is to show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from . import clock
from .clock import Moment
from .frames import Display, Frame, KeyPress, Kind, OfUpdate, Press, Status
from .store import KeptPress, PressStore

SURE_WITHIN_MS = 30_000
"""How well the time of a press must be known to be tied to the visitor at the counter."""
AGE_UNKNOWN = "age_unknown"

Told = Press | KeyPress | Status | OfUpdate


class Role(StrEnum):
    """What a terminal is for."""

    RATING = "rating"
    DISPLAY = "display"
    KEYPAD = "keypad"


SEEN_AS = {Role.RATING: "buttons", Role.DISPLAY: "display", Role.KEYPAD: "keypad"}
"""Its kind in the words of TerminalSeen."""

MAY_TELL: dict[Role, Kind | None] = {
    Role.RATING: Kind.PRESS,
    Role.KEYPAD: Kind.KEY,
    Role.DISPLAY: None,
}
"""What a terminal may tell beside its status, and beside words about new firmware."""
ANY_MAY_TELL = frozenset({Kind.STATUS, Kind.WANT, Kind.REPORT})

_FORMS: dict[Kind, Callable[[bytes], Told]] = {
    Kind.PRESS: Press.read,
    Kind.KEY: KeyPress.read,
    Kind.STATUS: Status.read,
    Kind.WANT: OfUpdate.read_want,
    Kind.REPORT: OfUpdate.read_report,
}


class NotItsKind(Exception):
    """A terminal of this role does not tell such a thing."""


@dataclass(frozen=True)
class Terminal:
    """A terminal as enrolled: its address, the counter that it stands at, and its key."""

    name: str
    address: int
    counter: int
    key: bytes = field(repr=False)
    role: Role = Role.RATING

    @property
    def key_id(self) -> str:
        """Names the key without telling it; counts belong to one key."""
        return hashlib.sha256(b"terminal key id" + self.key).hexdigest()[:16]


class Counts:
    """Counts of what the bridge says to one terminal, reserved in the store so many `at_once`."""

    def __init__(self, store: PressStore, terminal: Terminal, at_once: int) -> None:
        self._store, self._terminal, self._at_once = store, terminal, at_once
        self._ready: Iterator[int] = iter(())

    def next(self) -> int:
        """Raises StoreFailed, CountsUsedUp."""
        count = next(self._ready, None)
        if count is None:
            own = self._terminal
            self._ready = iter(self._store.reserve_counts(own.name, own.key_id, self._at_once))
            count = next(self._ready)
        return count


class Screen:
    """What a display is to show; due until its status names the frame that told it. Times: monotonic seconds."""

    def __init__(self) -> None:
        self._wanted: Display | None = None
        self._said: Display | None = None
        self._sequence = 0
        self._blinks_until = 0.0

    def want(self, text: str, blinks_until: float) -> None:
        self._wanted, self._sequence, self._blinks_until = Display(text), 0, blinks_until

    def due(self, shown: int, at: float) -> Display | None:
        """What is to be said to a display that last told this `shown`."""
        if self._wanted is None or self._sequence == shown != 0:
            return None
        self._said = self._wanted
        left = max(0.0, self._blinks_until - at)
        return replace(self._wanted, tenths=min(255, round(left * 10)))

    def sent(self, sequence: int) -> None:
        """What was due has gone out under this sequence; nothing, if something else has been wanted since."""
        if self._said is self._wanted:
            self._sequence = sequence


def read_told(role: Role, frame: Frame) -> Told:
    """What a terminal of this role told. Raises NotItsKind, PayloadWrong."""
    if frame.kind not in ANY_MAY_TELL and frame.kind is not MAY_TELL[role]:
        raise NotItsKind
    return _FORMS[frame.kind](frame.payload)


def kept_press(
    own: Terminal, count: int, press: Press | KeyPress, empty_at: Moment | None, now: Moment
) -> tuple[KeptPress, str]:
    """The press as it is to be stored, and why it is refused at once; "" if it is not."""
    age = press_age(press, empty_at, now)
    kept = KeptPress(
        terminal=own.name,
        key_id=own.key_id,
        count=count,
        counter=own.counter,
        score=press.button if isinstance(press, Press) else 0,
        key=press.key.name.lower() if isinstance(press, KeyPress) else "",
        pressed=now.before(press.age_ms if age is None else age),
    )
    return kept, AGE_UNKNOWN if age is None else ""


def press_age(press: Press | KeyPress, empty_at: Moment | None, now: Moment) -> int | None:
    """Milliseconds since the press, or None when nobody can tell well enough.

    A terminal that lost power knows only that the press is older than its start. It is younger than the
    moment when the terminal last said that its log was empty; when the two lie close, the elder is taken.
    """
    if press.exact:
        return press.age_ms
    if empty_at is None:
        return None
    most = clock.age_ms(empty_at, now)
    return most if most - press.age_ms <= SURE_WITHIN_MS else None
