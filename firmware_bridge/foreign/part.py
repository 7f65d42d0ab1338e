"""What all that speaks on the foreign broker has in common, and what the bridge asks of its sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from queue_server.wire import messages as m

from ..frames import Lamp


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the foreign broker; `retained`: it was kept there, so nobody knows how old it is."""

    topic: str
    payload: bytes
    retained: bool = False


Say = Callable[[str, bytes, bool], None]
"""Publish: topic, payload, retained. Lost while the broker is away."""


class Part(Protocol):
    """Lives in the line's own thread: every method but the constructor is called there."""

    def filters(self) -> tuple[str, ...]:
        """The topics that it wants to hear."""

    def connected(self, up: bool) -> None: ...

    def hear(self, said: Said) -> None:
        """One message of any of its topics, or of another part's."""

    def tick(self) -> None:
        """About each second."""

    def terminals(self) -> tuple[m.TerminalSeen, ...]:
        """Its devices as they are now."""

    def counter(self, state: m.CounterState) -> None:
        """What a counter does has changed."""

    def presence(self, presence: m.Presence) -> None:
        """A device of the centre has said how it is."""

    def show(self, terminal: str, lamp: Lamp) -> None:
        """Tell a visitor at this terminal what became of her press."""

    def display(self, counter: int, text: str, blink_s: float) -> None:
        """Show a text on the displays of a counter, blinking for so long from now."""


class Quiet:
    """A part that takes no interest; others say what they do take interest in."""

    def filters(self) -> tuple[str, ...]:
        return ()

    def connected(self, up: bool) -> None: ...

    def hear(self, said: Said) -> None: ...

    def tick(self) -> None: ...

    def terminals(self) -> tuple[m.TerminalSeen, ...]:
        return ()

    def counter(self, state: m.CounterState) -> None: ...

    def presence(self, presence: m.Presence) -> None: ...

    def show(self, terminal: str, lamp: Lamp) -> None: ...

    def display(self, counter: int, text: str, blink_s: float) -> None: ...
