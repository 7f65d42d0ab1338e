"""`[kiosk.camera]`: which camera looks at papers and cards, and how."""

from __future__ import annotations

from queue_server.wire.words import Frozen

from .shapes import A4_MM, LEAST_DPI, MM_PER_INCH

MARGIN = 0.9
"""How much of the picture a sheet fills that a visitor lays down by eye."""


class CameraSettings(Frozen, forbid_unknown_fields=True):
    """`address`: `/dev/v4l/by-id/…-index0` (a camera has a second node for its metadata), `film:<folder>` of
    pictures, `made:<seed>` for a pretend camera with made papers, or `none`."""

    address: str = "none"
    preview: str = "1280x720"
    """Best of the same shape as the still, as 1280x960 for 4:3; else the still shows more than the preview."""
    still: str = "3264x2448"
    rotate: int = 0
    """Degrees to the right by which pictures are turned: 0, 90, 180 or 270."""
    least_dpi: int = LEAST_DPI
    field_mm: float = 0.0
    """Width of the desk that a still shows, measured on site; 0: as much as an A4 sheet with a margin."""
    focus: int = -1
    """A fixed focus in the camera's own units; -1 leaves it to the camera."""
    settle_frames: int = 8
    """Pictures thrown away after a change of mode, while the exposure settles."""

    def preview_size(self) -> tuple[int, int]:
        return size_of(self.preview)

    def still_size(self) -> tuple[int, int]:
        return size_of(self.still)

    def still_scale(self) -> float:
        """How many times finer the still is than the preview."""
        return self.still_size()[0] / self.preview_size()[0]


def size_of(word: str) -> tuple[int, int]:
    """`1280x720` as width and height; raises ValueError."""
    wide, _, high = word.partition("x")
    if not (wide.isdecimal() and high.isdecimal() and int(wide) > 0 and int(high) > 0):
        raise ValueError(f"{word!r} is no size such as 1280x720")
    return int(wide), int(high)


def a4_dpi(wide: int, high: int, field_mm: float = 0.0) -> float:
    """What an A4 sheet gets of a still so large: over its measured field, or filling it but for a margin."""
    if field_mm > 0:
        return wide / field_mm * MM_PER_INCH
    long, short = max(wide, high), min(wide, high)
    return min(long / A4_MM[1], short / A4_MM[0]) * MM_PER_INCH * MARGIN
