"""Calls take turns at the loudspeaker: never two voices at once, and none lost in silence."""

from __future__ import annotations

from collections import deque

import msgspec

from queue_server.wire.messages import Call
from queue_server.wire.words import SECOND, Frozen

GAP_MS = 1 * SECOND
STALE_MS = 60 * SECOND
LONGEST_MS = 45 * SECOND
_REMEMBERED = 500


class Turn(Frozen, frozen=True):
    """A call whose turn has come. `brief`: others wait behind it, so it is said once only."""

    call: Call
    brief: bool = False


class CallQueue:
    """The waiting calls of one loudspeaker, first come first said.

    It holds no clock: `now` and `at` are ms since 1970 UTC. The one who speaks takes `next`, tells by
    `ends` when that call ends, and takes `next` again from `ready_at` on. A call whose end nobody
    tells holds the loudspeaker for `longest_ms`.
    """

    def __init__(
        self, gap_ms: int = GAP_MS, stale_ms: int = STALE_MS, longest_ms: int = LONGEST_MS
    ) -> None:
        self._gap = gap_ms
        self._stale = stale_ms
        self._longest = longest_ms
        self._waiting: dict[str, Call] = {}
        self._known: deque[str] = deque(maxlen=_REMEMBERED)
        self._spoken = ""
        self._missed: list[Call] = []
        self._ready_at = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def ready_at(self) -> int:
        """The earliest moment at which `next` may give a call."""
        return self._ready_at

    def enqueue(self, call: Call) -> None:
        """Let `call` wait; a call received twice waits once.

        A recall of a number that still waits takes over its place: the newest counter holds, and it is
        said as the earlier call, which nobody has heard yet.
        """
        if call.id in self._known:
            return
        self._known.append(call.id)
        earlier = self._waiting.get(call.number)
        if earlier is not None:
            call = msgspec.structs.replace(call, times=min(call.times, earlier.times))
        self._waiting[call.number] = call

    def withdraw(self, number: str) -> None:
        """The visitor has come, or gone: `number` need not be called any more."""
        self._waiting.pop(number, None)

    def next(self, now: int) -> Turn | None:
        """The call to say now, or none: nobody waits, or another is being said or has just ended."""
        if now < self._ready_at:
            return None
        self._drop_stale(now)
        if not self._waiting:
            return None
        call = self._waiting.pop(next(iter(self._waiting)))
        self._spoken = call.id
        self._ready_at = now + self._longest + self._gap
        return Turn(call=call, brief=bool(self._waiting))

    def ends(self, call_id: str, at: int) -> None:
        """The call that is being said ends, or ended, `at`. Word of any other call is ignored."""
        if call_id == self._spoken:
            self._ready_at = at + self._gap

    def take_missed(self) -> tuple[Call, ...]:
        """The calls that grew too old unsaid since this was last asked, to be logged and shown."""
        missed, self._missed = tuple(self._missed), []
        return missed

    def _drop_stale(self, now: int) -> None:
        stale = [call for call in self._waiting.values() if now - call.at > self._stale]
        for call in stale:
            del self._waiting[call.number]
        self._missed += stale
