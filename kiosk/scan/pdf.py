"""Pages of a paper as one PDF: in colour, at their true size, at most a megabyte a page."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence

from PIL import Image

from queue_server.wire.filing import LARGEST_PAGE

from .shapes import LEAST_DPI, Picture

BEST, WORST, STEP = 88, 40, 8
"""JPEG qualities, tried from the best down."""
OVERHEAD = 4_000
"""Bytes of a PDF's page beside its picture."""
SMALLER = 0.9


def pages_to_pdf(
    pages: Sequence[Picture | Image.Image],
    *,
    name: str,
    paper_code: str = "",
    number: str = "",
    created_ms: int = 0,
    dpi: float = LEAST_DPI,
) -> bytes:
    """A PDF 1.4. `name` is the paper's (never a person's), `paper_code` its type, `number` its own number.

    `dpi`: of the pages, so that they print in true size. Raises ValueError without pages.
    """
    if not pages:
        raise ValueError("no pages")
    pictures = [_fitted(_rgb(page), dpi) for page in pages]
    quality = min(quality for _, quality, _ in pictures)
    images = [image for image, _, _ in pictures]
    least = min(dpi for _, _, dpi in pictures)
    made = io.BytesIO()
    images[0].save(
        made,
        "PDF",
        save_all=True,
        append_images=images[1:],
        quality=quality,
        resolution=least,
        title=name,
        subject=paper_code,
        keywords=number,
        creator="Một Cửa",
        producer="Một Cửa",
        creationDate=time.gmtime(created_ms / 1000),
        modDate=time.gmtime(created_ms / 1000),
    )
    return made.getvalue()


def _rgb(page: Picture | Image.Image) -> Image.Image:
    """Blue-green-red, as OpenCV has it, turned round."""
    if isinstance(page, Image.Image):
        return page.convert("RGB")
    return Image.fromarray(page[:, :, ::-1].copy())


def _fitted(image: Image.Image, dpi: float) -> tuple[Image.Image, int, float]:
    """The picture, the best quality at which it is small enough, and its dots per inch.

    A page that is too large even at the worst quality gets fewer dots, down to the least the law takes;
    below that the worst quality has to do.
    """
    while True:
        for quality in range(BEST, WORST - 1, -STEP):
            if jpeg_size(image, quality) + OVERHEAD <= LARGEST_PAGE:
                return image, quality, dpi
        if dpi * SMALLER < LEAST_DPI:
            return image, WORST, dpi
        dpi *= SMALLER
        size = (round(image.width * SMALLER), round(image.height * SMALLER))
        image = image.resize(size, Image.Resampling.LANCZOS)


def jpeg_size(image: Image.Image, quality: int) -> int:
    """Bytes of the picture as JPEG."""
    made = io.BytesIO()
    image.save(made, "JPEG", quality=quality)
    return made.tell()
