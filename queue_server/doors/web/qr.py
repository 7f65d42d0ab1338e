"""QR codes of the pages, drawn here."""

from __future__ import annotations

import zxingcpp


def qr_svg(text: str, scale: int = 1) -> str:
    """An SVG file with its quiet zone, `scale` pixels to a module."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return str(code.to_svg(scale=scale, add_quiet_zones=True))


def qr_element(text: str, scale: int = 1) -> str:
    """The same as an element within a page."""
    svg = qr_svg(text, scale)
    return svg[svg.index("<svg") :]
