"""How long to wait before the next try: twice as long each time, up to a minute."""

LONGEST_MS = 60_000


class Pauses:
    def __init__(self, first_ms: int) -> None:
        self._first = first_ms
        self._next = first_ms

    def next(self) -> int:
        """Milliseconds."""
        pause = self._next
        self._next = min(LONGEST_MS, 2 * pause)
        return pause

    def again(self) -> None:
        """From the shortest on."""
        self._next = self._first
