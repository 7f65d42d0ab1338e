"""A centre's own colours, made legible: contrast as WCAG 2.2 counts it, and palettes that keep it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache

from .style import CALM, Colour, Palette, rgb

TEXT = 4.5
"""WCAG 2.2, 1.4.3: text on its ground."""
CONTROL = 3.0
"""WCAG 2.2, 1.4.11: what shows where a control is, and drawings that carry a meaning."""
STEPS = 200

TEXT_PAIRS = (
    ("ink", "background"),
    ("ink", "card"),
    ("ink", "tint"),
    ("ink", "pressed"),
    ("ink", "accent_tint"),
    ("ink", "success_tint"),
    ("quiet", "background"),
    ("quiet", "card"),
    ("quiet", "tint"),
    ("quiet", "pressed"),
    ("primary", "background"),
    ("primary", "card"),
    ("primary", "tint"),
    ("primary", "pressed"),
    ("on_primary", "primary"),
    ("on_primary", "primary_pressed"),
    ("accent", "background"),
    ("accent", "card"),
    ("accent", "accent_tint"),
    ("accent", "pressed"),
    ("success", "card"),
    ("success", "success_tint"),
)
"""Which colours text has on which grounds."""
CONTROL_PAIRS = (
    ("control", "background"),
    ("control", "card"),
    ("primary", "background"),
    ("accent", "background"),
    ("accent", "accent_tint"),
    ("success", "success_tint"),
)
"""Borders of what can be touched, and drawings."""


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 (black) to 1 (white), of an sRGB colour."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black and white)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with `share` (0 … 1) of `other` in it."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one[:3], other[:3], strict=True))
    return (red, green, blue, 1.0)


def legible(colour: Colour, grounds: tuple[Colour, ...], least: float = TEXT) -> Colour:
    """`colour`, darkened or lightened no more than it needs to have `least` contrast on all `grounds`."""
    lightest = max(luminance(ground) for ground in grounds)
    towards = rgb("#000000") if lightest > 0.18 else rgb("#FFFFFF")
    for step in range(STEPS + 1):
        tried = mixed(colour, towards, step / STEPS)
        if all(contrast(tried, ground) >= least for ground in grounds):
            return tried
    return towards


def code_of(text: str) -> Colour | None:
    """`#RRGGBB` or `#RGB` as a colour; None for anything else."""
    short = re.fullmatch(r"#([0-9a-fA-F])([0-9a-fA-F])([0-9a-fA-F])", text.strip())
    if short is not None:
        text = "#" + "".join(2 * part for part in short.groups())
    return rgb(text.strip()) if re.fullmatch(r"#[0-9a-fA-F]{6}", text.strip()) else None


def palette_of(colours: Mapping[str, str]) -> Palette:
    """The calm palette in the centre's `primary` and `accent`; what is no colour is left as it was."""
    return _palette(colours.get("primary", ""), colours.get("accent", ""))


@lru_cache(8)
def _palette(own_primary: str, own_accent: str) -> Palette:
    palette = CALM
    primary, accent = code_of(own_primary), code_of(own_accent)
    if primary is not None:
        palette = _with_primary(palette, primary)
    if accent is not None:
        palette = _with_accent(palette, accent)
    return palette


def _with_primary(palette: Palette, wished: Colour) -> Palette:
    white = rgb("#FFFFFF")
    tint = mixed(wished, white, 0.88)
    pressed = mixed(wished, white, 0.8)
    grounds = (palette.background, palette.card, tint, pressed)
    primary = legible(wished, grounds)
    return replace(
        palette,
        primary=primary,
        primary_pressed=mixed(primary, rgb("#000000"), 0.3),
        on_primary=white,
        tint=tint,
        pressed=pressed,
        ink=legible(palette.ink, grounds),
        quiet=legible(palette.quiet, grounds),
        accent=legible(palette.accent, (palette.accent_tint, palette.background, pressed)),
    )


def _with_accent(palette: Palette, wished: Colour) -> Palette:
    tint = mixed(wished, rgb("#FFFFFF"), 0.9)
    grounds = (palette.background, palette.card, tint, palette.pressed)
    accent = legible(wished, grounds)
    return replace(
        palette,
        accent=accent,
        accent_pressed=mixed(accent, rgb("#000000"), 0.3),
        accent_tint=tint,
    )


def faint(palette: Palette) -> list[tuple[str, str, float]]:
    """The pairs of `palette` that have too little contrast; none is as it must be."""
    colours = {field.name: getattr(palette, field.name) for field in fields(palette)}
    found = []
    for pairs, least in ((TEXT_PAIRS, TEXT), (CONTROL_PAIRS, CONTROL)):
        for one, other in pairs:
            ratio = contrast(colours[one], colours[other])
            if ratio < least:
                found.append((one, other, round(ratio, 2)))
    return found
