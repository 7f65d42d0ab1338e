"""Files from a phone or a flat-bed scanner as pages, once `queue_server.wire.intake` has drawn them anew."""

from __future__ import annotations

import math
from enum import StrEnum

import cv2
import numpy as np

from queue_server.wire import intake
from queue_server.wire.intake import NotAccepted

from .page import MOST_DPI, Page
from .shapes import A4_MM, MM_PER_INCH, Picture

KEPT_SIDE = round(A4_MM[1] / MM_PER_INCH * MOST_DPI)
"""Pixels of the longer side that are kept: A4 at 300 dpi."""


class Reason(StrEnum):
    """Why a file is not taken (`NotAccepted.reason`); each has its words in `texts` under `refused.<reason>`."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    UNKNOWN = "unknown"
    NOT_WHAT_IT_SAYS = "not_what_it_says"
    TORN = "torn"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    TOO_MANY_PAGES = "too_many_pages"
    LOCKED = "locked"
    MOVING = "moving"


def accept(data: bytes, claimed: str = "") -> list[Page]:
    """The pages of a file. `claimed`: the media type or file ending it came with. Raises NotAccepted."""
    return [page_of(np.asarray(image)[..., ::-1]) for image in intake.pages(data, claimed)]


def page_of(picture: Picture) -> Page:
    """A picture as a page of paper, its longer side taken as A4's, since pictures do not know their size."""
    scale = KEPT_SIDE / max(picture.shape[:2])
    if scale < 1:
        smaller = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture = np.asarray(smaller, np.uint8)
    high, wide = picture.shape[:2]
    long, short = max(high, wide), min(high, wide)
    is_a4 = abs(math.log(long / short / math.sqrt(2))) < 0.04
    mm = A4_MM if is_a4 else (A4_MM[1] * short / long, A4_MM[1])
    dpi = long / mm[1] * MM_PER_INCH
    return Page(np.ascontiguousarray(picture), dpi, mm if high >= wide else mm[::-1])


__all__ = ["NotAccepted", "Reason", "accept", "page_of"]
