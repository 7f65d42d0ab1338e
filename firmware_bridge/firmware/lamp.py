"""A lamp of two colours and a buzzer that go out by themselves."""

OFF = 0
GREEN = 1
AMBER = 2
RED = 3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board


class Lamp:
    """A newer colour takes the place of the one before."""

    def __init__(self, board: "Board") -> None:
        self._board = board
        self._until = 0
        self._lit = False

    def light(self, colour: int, ms: int, now: int) -> None:
        self._board.lamp(colour)
        self._until, self._lit = now + ms, True

    def tick(self, now: int) -> None:
        if self._lit and now >= self._until:
            self._lit = False
            self._board.lamp(OFF)


class Buzzer:
    def __init__(self, board: "Board") -> None:
        self._board = board
        self._until = 0
        self._on = False

    def buzz(self, ms: int, now: int) -> None:
        self._board.buzz(True)
        self._until, self._on = now + ms, True

    def tick(self, now: int) -> None:
        if self._on and now >= self._until:
            self._on = False
            self._board.buzz(False)
