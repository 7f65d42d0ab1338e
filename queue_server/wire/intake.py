"""What somebody hands in as a picture or a PDF, looked at before it is believed, and drawn anew as pages.

Nothing of the file goes on but its picture: no metadata, no script, no second layer. Used for the files of
a flat-bed scanner, for what a phone uploads, and for a centre's own guides at the kiosk. Pillow and pdfium are
loaded only here, when they are needed.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST = 25_000_000
"""Bytes of one file."""
MOST_PIXELS = 60_000_000
MOST_PAGES = 20
PAGE_DPI = 200
LEAST_SIDE = 200
"""Pixels: less is no page of a paper."""

MAGIC = {
    "jpeg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "tiff": (b"II*\x00", b"MM\x00*"),
    "pdf": (b"%PDF-",),
}
ALIASES = {"jpg": "jpeg", "tif": "tiff"}


class NotAccepted(Exception):
    """`reason`: empty, too_large, unknown (no picture and no PDF), not_what_it_says, torn, too_small,
    too_many_pixels, too_many_pages, locked, moving."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def accept(data: bytes, claimed: str = "") -> tuple[Image, ...]:
    """All pages at once, for files that are known to be small. Raises NotAccepted."""
    return tuple(pages(data, claimed))


def pages(data: bytes, claimed: str = "") -> Iterator[Image]:
    """The pages as upright RGB pictures, one after the other: a small file may hold gigabytes of them.

    `claimed`: file ending or media type, checked if it is given. Raises NotAccepted, at any page.
    """
    if not data:
        raise NotAccepted("empty")
    if len(data) > LARGEST:
        raise NotAccepted("too_large")
    kind = kind_of(data)
    said = claimed.lower().lstrip(".").removeprefix("image/").removeprefix("application/")
    said = ALIASES.get(said, said)
    if kind is None or (said and said not in ("", "octet-stream", kind)):
        raise NotAccepted("unknown" if kind is None else "not_what_it_says")
    count = 0
    drawn = _pdf(data) if kind == "pdf" else _picture(data, kind)
    while page := _next(drawn):
        count += 1
        yield page
        del page
    if not count:
        raise NotAccepted("torn")


def _next(drawn: Iterator[Image]) -> Image | None:
    try:
        return next(drawn, None)
    except NotAccepted:
        raise
    except Exception as error:  # whatever a broken file does to a decoder, it is a broken file
        raise NotAccepted("torn") from error


def kind_of(data: bytes) -> str | None:
    """jpeg, png, tiff or pdf, by its first bytes; a PDF may have some rubbish before."""
    for kind, starts in MAGIC.items():
        if data.startswith(starts):
            return kind
    return "pdf" if b"%PDF-" in data[:1024] else None


def _picture(data: bytes, kind: str) -> Iterator[Image]:
    from PIL import Image, ImageOps, ImageSequence

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of sizes that we refuse ourselves
        try:
            picture = Image.open(io.BytesIO(data), formats=[kind.upper()])
        except Image.DecompressionBombError as error:
            raise NotAccepted("too_many_pixels") from error
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and kind != "tiff":
        raise NotAccepted("moving")
    if frames > MOST_PAGES:
        raise NotAccepted("too_many_pages")
    for frame in ImageSequence.Iterator(picture):
        _check_size(*frame.size)
        upright = ImageOps.exif_transpose(frame)
        yield upright.convert("RGB")


def _pdf(data: bytes) -> Iterator[Image]:
    import pypdfium2

    document = _opened(pypdfium2, data)
    try:
        if len(document) > MOST_PAGES:
            raise NotAccepted("too_many_pages")
        for page in document:
            width, height = page.get_size()
            scale = PAGE_DPI / 72
            _check_size(int(width * scale), int(height * scale))
            bitmap = page.render(scale=scale, may_draw_forms=False)
            yield bitmap.to_pil().convert("RGB")
            page.close()
    finally:
        document.close()


def _opened(pypdfium2: Any, data: bytes) -> Any:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise NotAccepted("locked" if locked else "torn") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise NotAccepted("too_many_pixels")
    if min(width, height) < LEAST_SIDE:
        raise NotAccepted("too_small")
