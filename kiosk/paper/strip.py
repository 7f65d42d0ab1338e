"""A strip of thermal paper: a typst layout and its words give one bit per printer dot; codes on whole dots."""

from __future__ import annotations

import importlib.util
import io
import math
from pathlib import Path
from typing import Any

import msgspec
import typst
import zxingcpp
from PIL import Image

HERE = Path(__file__).parent
POINTS_PER_INCH = 72
MM_PER_INCH = 25.4
QR_MM = 32.0
"""Wanted edge of the QR with its quiet zone: a module is then some 0.7 mm, enough for a cheap phone."""
LEAST_QR_MODULE_DOTS = 4
LEAST_BAR_DOTS = 2
INK_BELOW = 150
"""Grey (0 black … 255) below which a dot is burnt. Over the middle, so that the thin strokes and
tone marks of small letters, which cover a dot by half only, stay whole."""


class Strip:
    """One layout for one printer: `width_dots` printable dots across, at `dpi` dots an inch.

    Not for two threads at once: the compiler is kept warm between papers.
    """

    def __init__(self, layout: str, width_dots: int = 576, dpi: int = 203) -> None:
        self.width_dots, self.dpi = width_dots, dpi
        fonts = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[str(fonts_folder())],
        )
        self._compiler = typst.Compiler(HERE / layout, root=HERE, font_paths=fonts)

    def qr(self, text: str) -> dict[str, Any]:
        """`qr` (SVG) and `qr_dots` for the layout; both empty without a text."""
        if not text:
            return {"qr": "", "qr_dots": 0}
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        modules = code.to_image().shape[0]
        wished = math.floor(QR_MM / MM_PER_INCH * self.dpi / modules)
        return {"qr": code.to_svg(), "qr_dots": modules * max(LEAST_QR_MODULE_DOTS, wished)}

    def bars(self, text: str) -> dict[str, Any]:
        """`bars` (SVG, CODE128) and `bars_dots` for the layout; empty if the strip is too narrow for it."""
        if not text:
            return {"bars": "", "bars_dots": 0}
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
        modules = code.to_image().shape[1]
        bar = self.width_dots // modules
        if bar < LEAST_BAR_DOTS:
            return {"bars": "", "bars_dots": 0}
        return {"bars": code.to_svg(add_quiet_zones=True), "bars_dots": modules * min(bar, 3)}

    def draw(self, words: dict[str, Any]) -> Image.Image:
        """The paper as a 1-bit image, `width_dots` wide. Takes some 40 ms, the first one longer."""
        point_per_dot = POINTS_PER_INCH / self.dpi
        pages = self._compiler.compile(
            format="png",
            ppi=float(self.dpi),
            sys_inputs={
                "words": msgspec.json.encode(words).decode(),
                "width": str(self.width_dots * point_per_dot),
                "dot": str(point_per_dot),
            },
        )
        pictures = [pages] if isinstance(pages, bytes) else pages or []
        return _below_each_other([_burnt(picture) for picture in pictures], self.width_dots)


def fonts_folder() -> Path:
    """Roboto, which the kivy wheel carries and which has every Vietnamese letter; kivy is not imported."""
    kivy = importlib.util.find_spec("kivy")
    if kivy is None or not kivy.submodule_search_locations:
        raise FileNotFoundError("the fonts of the kivy package")
    return Path(kivy.submodule_search_locations[0]) / "data" / "fonts"


def _burnt(png: bytes) -> Image.Image:
    grey = Image.open(io.BytesIO(png)).convert("L")
    return grey.point(lambda level: 0 if level < INK_BELOW else 255).convert(
        "1", dither=Image.Dither.NONE
    )


def _below_each_other(pages: list[Image.Image], width: int) -> Image.Image:
    """The pages under each other, at exactly the printer's width."""
    strip = Image.new("1", (width, sum(page.height for page in pages)), 1)
    top = 0
    for page in pages:
        strip.paste(page, (0, top))
        top += page.height
    return strip
