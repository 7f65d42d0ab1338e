"""How the touch screens look: colours, letters and measures, all from the size of the window."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

Colour = tuple[float, float, float, float]


def rgb(code: str) -> Colour:
    """`#RRGGBB` as the four numbers 0…1 that Kivy draws with."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return (red, green, blue, 1.0)


@dataclass(frozen=True)
class Palette:
    """Colours by what they mean. Text on its ground has a contrast of 4.5:1 or more (WCAG 2.2)."""

    background: Colour
    card: Colour
    ink: Colour
    quiet: Colour
    primary: Colour
    primary_pressed: Colour
    on_primary: Colour
    tint: Colour
    pressed: Colour
    accent: Colour
    accent_pressed: Colour
    accent_tint: Colour
    success: Colour
    success_tint: Colour
    line: Colour
    """Parts what is only looked at."""
    control: Colour
    """The border of what can be touched: 3:1 or more on its ground."""
    edge: float = 1.0
    """How many times the usual width borders have."""
    faint: Colour | None = None
    """Words and border of what is not to be had now, where `quiet` and `control` are not quiet enough."""


CALM = Palette(
    background=rgb("#F5F7F8"),
    card=rgb("#FFFFFF"),
    ink=rgb("#14242E"),
    quiet=rgb("#4A5B66"),
    primary=rgb("#0B5C7A"),
    primary_pressed=rgb("#083F54"),
    on_primary=rgb("#FFFFFF"),
    tint=rgb("#E3EFF4"),
    pressed=rgb("#D3E3EA"),
    accent=rgb("#A94419"),
    accent_pressed=rgb("#963A14"),
    accent_tint=rgb("#FBEDE6"),
    success=rgb("#1E7B4F"),
    success_tint=rgb("#E4F2EA"),
    line=rgb("#C9D3D9"),
    control=rgb("#748791"),
)
HIGH_CONTRAST = Palette(
    background=rgb("#000000"),
    card=rgb("#0A0A0A"),
    ink=rgb("#FFFFFF"),
    quiet=rgb("#F0F0F0"),
    primary=rgb("#FFD400"),
    primary_pressed=rgb("#FFF3A6"),
    on_primary=rgb("#000000"),
    tint=rgb("#1E1E1E"),
    pressed=rgb("#4A4A4A"),
    accent=rgb("#FFA366"),
    accent_pressed=rgb("#FFD0B0"),
    accent_tint=rgb("#2A1608"),
    success=rgb("#7CFFB2"),
    success_tint=rgb("#06240F"),
    line=rgb("#FFFFFF"),
    control=rgb("#FFFFFF"),
    edge=2.0,
    faint=rgb("#A8A8A8"),
)

SIZES = {
    "small": 2.5,
    "body": 3.2,
    "button": 3.7,
    "lead": 4.2,
    "title": 5.6,
    "greeting": 8.5,
    "count": 16.0,
    "number": 27.0,
}
"""Text sizes in units; the unit is a hundredth of the window's shorter side (see `Look.unit`)."""

LETTERS = (1.0, 1.25, 1.6)
"""The three text sizes that a visitor may choose."""
GROWTH = {"title": 0.5, "greeting": 0.0, "count": 0.0, "number": 0.0}
"""How much of the chosen size a role takes on: what is large already needs less of it, or none."""

LEAST_TARGET_MM = 18.0
"""The least side of anything that is to be touched, for shaking or swollen fingers."""

SHORTEST_SIDE_IN_UNITS = 100.0


@dataclass(frozen=True)
class Look:
    """All that a widget needs to draw itself; made again when the window or the wish changes.

    `width`, `height`: the window in pixels. `width_mm`: the screen's true width, for `mm`.
    `letters`: the visitor's text size, one of `LETTERS`. `low`: nothing to touch in the upper half.
    """

    width: int
    height: int
    width_mm: float
    palette: Palette = CALM
    letters: float = 1.0
    density: float = 1.0
    """Below 1.0 a program fits more on the screen: the unit is so much smaller."""
    low: bool = False

    @property
    def portrait(self) -> bool:
        return self.height > self.width

    @property
    def lowered(self) -> bool:
        """Whether all that is touched stands in the lower half; a lying screen is low as a whole."""
        return self.low and self.portrait

    def unit(self, count: float = 1.0) -> float:
        """Pixels of `count` units: hundredths of the shorter side, less on a square screen."""
        shorter, longer = sorted((self.width, self.height))
        side = min(shorter, longer / 1.45) * self.density
        return count * side / SHORTEST_SIDE_IN_UNITS

    def mm(self, millimetres: float) -> float:
        """Pixels of a length on the glass."""
        return millimetres * self.width / self.width_mm

    def text(self, role: str) -> float:
        """Font size in pixels of a role in `SIZES`."""
        grown = 1.0 + (self.letters - 1.0) * GROWTH.get(role, 1.0)
        return self.unit(SIZES[role]) * grown

    def least_text(self, role: str) -> float:
        """Pixels that letters never go below once a visitor has made them larger: the usual size."""
        grows = self.letters > 1.0 and GROWTH.get(role, 1.0) > 0
        return self.unit(SIZES[role]) if grows else 0.0

    def target(self, units: float = 9.0) -> float:
        """The side of a touch target: `units`, never under 18 mm nor over a quarter screen."""
        wished = max(self.unit(units), self.mm(LEAST_TARGET_MM))
        return min(wished, min(self.width, self.height) / 4)


def font_file(bold: bool = False) -> Path:
    """Roboto as Kivy's wheel carries it; it has every Vietnamese letter. Does not import Kivy."""
    spec = find_spec("kivy")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package kivy, which carries the font, is not installed")
    name = "Roboto-Bold.ttf" if bold else "Roboto-Regular.ttf"
    return Path(spec.submodule_search_locations[0]) / "data" / "fonts" / name


def register_font() -> None:
    """Make `Roboto` known to Kivy's text; wanted once, before the first label."""
    from kivy.core.text import LabelBase

    LabelBase.register("Roboto", str(font_file()), fn_bold=str(font_file(bold=True)))
