"""Codes on what is held before the camera: the QR of a citizen-ID card, of a receipt, of an appointment."""

from __future__ import annotations

import zxingcpp

from .shapes import Picture

AGAIN_AFTER_S = 2.0
"""The same code is not told again sooner: it lies there while she looks at the screen."""
LONGEST = 4_000


def find_codes(frame: Picture) -> tuple[str, ...]:
    """The texts of all QR codes that can be read; a torn or blurred one is none. Takes some 20 ms at 720p."""
    grey = frame if frame.ndim == 2 else frame[:, :, 1]  # the green of a camera is its sharpest
    found = zxingcpp.read_barcodes(
        grey,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        try_rotate=True,
        try_downscale=True,
        try_invert=False,
    )
    return tuple(code.text for code in found if code.valid and 0 < len(code.text) <= LONGEST)


class OnceEach:
    """Tells a code once, however many frames show it, until it was away for a moment."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def fresh(self, codes: tuple[str, ...], now: float) -> tuple[str, ...]:
        """Those that are new; `now` in seconds by a clock that does not jump."""
        new = tuple(c for c in codes if now - self._seen.get(c, -AGAIN_AFTER_S) >= AGAIN_AFTER_S)
        for code in codes:
            self._seen[code] = now
        self._seen = {c: t for c, t in self._seen.items() if now - t < AGAIN_AFTER_S}
        return new
