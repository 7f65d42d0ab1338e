"""Sheets as PDF: a layout beside this module, and words that stay words. Takes some 100 ms: not for an event loop."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import typst
import zxingcpp

from ...wire.texts import Texts
from ..fonts import fonts

HERE = Path(__file__).parent
TEXTS = Texts(HERE / "texts")
_one_at_a_time = threading.Lock()


def pdf(layout: str, words: dict[str, Any]) -> bytes:
    """`words` laid out by `<layout>.typ`, which reads them as JSON."""
    with _one_at_a_time:
        made = _compiler(layout).compile(
            format="pdf", sys_inputs={"words": msgspec.json.encode(words).decode()}
        )
    assert isinstance(made, bytes)
    return made


def code(text: str, kind: str) -> str:
    """A code (`QRCode`, `Code128`) as SVG; empty without a text."""
    if not text:
        return ""
    made = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind))
    return str(made.to_svg(add_quiet_zones=kind == "QRCode"))


@cache
def _compiler(layout: str) -> Any:
    found = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts())]
    )
    return typst.Compiler(HERE / f"{layout}.typ", root=HERE, font_paths=found)
