"""Text on a row of MAX7219 chips with 8 × 8 lamps each, a sign a chip; the font is MicroPython's own."""

import framebuf

_NO_TEST = 0x0F
_AWAKE = 0x0C
_ALL_ROWS = 0x0B
_BRIGHTNESS = 0x0A
_NO_DIGITS = 0x09
_FIRST_ROW = 1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board


class Matrix:
    """Each register is written anew at each draw: a disturbance on the supply can reset a chip."""

    def __init__(self, board: "Board") -> None:
        self._board = board
        self._signs = board.SIGNS
        self._rows = bytearray(8 * self._signs)
        self._frame = framebuf.FrameBuffer(self._rows, 8 * self._signs, 8, framebuf.MONO_HLSB)
        self.draw("")

    def draw(self, text: str) -> None:
        """The text at the right end; what is too long loses its first signs."""
        text = text[-self._signs :]
        self._frame.fill(0)
        self._frame.text(text, 8 * (self._signs - len(text)), 0, 1)
        for register, value in (
            (_NO_TEST, 0),
            (_ALL_ROWS, 7),
            (_NO_DIGITS, 0),
            (_BRIGHTNESS, self._board.BRIGHTNESS),
            (_AWAKE, 1),
        ):
            self._board.chips(bytes((register, value)) * self._signs)
        for row in range(8):
            chips = self._rows[row * self._signs : (row + 1) * self._signs]
            self._board.chips(b"".join(bytes((_FIRST_ROW + row, value)) for value in chips))
