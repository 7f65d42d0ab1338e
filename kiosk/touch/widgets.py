"""The parts of both touch screens: buttons, cards, rows, faces, a QR code, a header."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import zxingcpp
from kivy.clock import Clock
from kivy.graphics import Color, Rectangle, SmoothLine, SmoothRoundedRectangle
from kivy.graphics.texture import Texture
from kivy.properties import BooleanProperty
from kivy.uix.anchorlayout import AnchorLayout
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.image import Image
from kivy.uix.widget import Widget

from .icons import draw_face, draw_icon
from .style import Colour, Look
from .text import Text, fit_alike, height_of

KINDS = ("primary", "plain", "chosen", "muted", "accent", "quiet")
"""What a button means: the way on, one of many, the one chosen before, one that only explains why
not, attention, a way aside."""


def Title(look: Look, text: str, **kwargs: Any) -> Text:
    """The one question of a screen."""
    return Text(look, text, "title", bold=True, **kwargs)


def Paragraph(look: Look, text: str, **kwargs: Any) -> Text:
    return Text(look, text, "body", **kwargs)


def Row(look: Look, *children: Widget, gap: float = 2.0, **kwargs: Any) -> BoxLayout:
    """Children side by side."""
    return _box("horizontal", look, children, gap, kwargs)


def Column(look: Look, *children: Widget, gap: float = 2.0, **kwargs: Any) -> BoxLayout:
    """Children one below the other."""
    return _box("vertical", look, children, gap, kwargs)


def _box(
    orientation: str,
    look: Look,
    children: tuple[Widget, ...],
    gap: float,
    kwargs: dict[str, Any],
) -> BoxLayout:
    box = BoxLayout(orientation=orientation, spacing=look.unit(gap), **kwargs)
    for child in children:
        box.add_widget(child)
    return box


def Space(height: float | None = None) -> Widget:
    """Empty room: `height` pixels, or a share of what is left."""
    return Widget() if height is None else Widget(size_hint_y=None, height=height)


class Ground(Widget):
    """Paints a rounded ground with a border behind what it is mixed into; `repaint` recolours."""

    def lay_ground(
        self, look: Look, fill: Colour, border: Colour | None, radius: float, edge: float = 1.0
    ) -> None:
        """`edge`: how many times the usual width the border has."""
        self._border_width = look.unit(0.16) * look.palette.edge * edge
        with self.canvas.before:
            self._fill_colour = Color(rgba=fill)
            self._fill = SmoothRoundedRectangle(radius=[radius])
            self._line_colour = Color(rgba=border or fill)
            self._line = SmoothLine(width=self._border_width)
        self._radius = radius
        self.bind(pos=self._place_ground, size=self._place_ground)

    def _place_ground(self, *_: object) -> None:
        self._fill.pos, self._fill.size = self.pos, self.size
        inset = self._border_width / 2
        x, y, w, h = (
            self.x + inset,
            self.y + inset,
            self.width - 2 * inset,
            self.height - 2 * inset,
        )
        if w > 0 and h > 0:
            self._line.rounded_rectangle = (x, y, w, h, min(self._radius, w / 2, h / 2))

    def repaint(self, fill: Colour, border: Colour) -> None:
        self._fill_colour.rgba, self._line_colour.rgba = fill, border


class Card(BoxLayout, Ground):
    """A white sheet with rounded corners, its children below one another."""

    def __init__(
        self,
        look: Look,
        *children: Widget,
        fill: Colour | None = None,
        border: Colour | None = None,
        gap: float = 1.5,
        pad: float = 3.5,
        orientation: str = "vertical",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            orientation=orientation,
            padding=look.unit(pad),
            spacing=look.unit(gap),
            **kwargs,
        )
        palette = look.palette
        self.lay_ground(look, fill or palette.card, border or palette.line, look.unit(2.2))
        for child in children:
            self.add_widget(child)


def middle(widget: Widget) -> tuple[float, float]:
    """The middle of a widget's box; Kivy's `center` is a step behind while `size` is told."""
    return widget.x + widget.width / 2, widget.y + widget.height / 2


class Icon(Widget):
    """A drawing of `draw_icon` or a face, in the middle of its box."""

    def __init__(self, look: Look, name: str, colour: Colour | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._name, self._colour = name, colour or look.palette.primary
        self.bind(pos=self._draw, size=self._draw)

    def recolour(self, colour: Colour) -> None:
        self._colour = colour
        self._draw()

    def _draw(self, *_: object) -> None:
        side = min(self.width, self.height)
        x, y = middle(self)
        self.canvas.clear()
        with self.canvas:
            Color(rgba=self._colour)
            draw_icon(self._name, x - side / 2, y - side / 2, side)


class Touchable(Widget):
    """Acts when a finger that came down on it is lifted on it; sliding off takes the touch back."""

    pressed = BooleanProperty(False)
    name = ""
    spoken: str | None = None
    """What is read aloud instead of what stands on it."""
    private = False
    """Read to headphones only."""
    repeats = False
    """Pressed again at once, as a key is, it acts again at once."""

    def __init__(self, on_act: Callable[[], None], **kwargs: Any) -> None:
        self._act = on_act
        super().__init__(**kwargs)

    def act(self) -> None:
        """Act without a finger on it: by a keypad, or by exploring."""
        if not self.disabled and self.get_parent_window() is not None:
            self._act()

    def let_go(self, touch: Any) -> None:
        """This finger does not press it any more."""
        touch.ungrab(self)
        self.pressed = False

    def on_touch_down(self, touch: Any) -> bool:
        if self.disabled or touch.is_mouse_scrolling or not self.collide_point(*touch.pos):
            return False
        touch.grab(self)
        self.pressed = True
        return True

    def on_touch_move(self, touch: Any) -> bool:
        if touch.grab_current is not self:
            return False
        self.pressed = self.collide_point(*touch.pos)
        return True

    def on_touch_up(self, touch: Any) -> bool:
        if touch.grab_current is not self:
            return False
        touch.ungrab(self)
        inside = self.collide_point(*touch.pos)
        self.pressed = False
        if inside and self.get_parent_window() is not None:
            self._act()
        return True


ASIDE, ASIDE_OF_LABEL = 4.5, 1.25
DETAIL_GAP = 0.6
LABEL_SHARE = 0.58
"""Of a button's height, what its text has before its detail, unless either needs more."""
PAD = 1.6


def button_height(
    look: Look,
    text: str,
    detail: str,
    width: float,
    *,
    role: str = "button",
    detail_role: str = "small",
    beside: bool = False,
    upright: bool = False,
    pad: float = PAD,
) -> float:
    """Pixels of height in which a button of `width` shows its words at their wished size.

    `beside`: an icon or a badge stands at its side; `upright`: above.
    """
    aside = max(look.unit(ASIDE), look.text(role) * ASIDE_OF_LABEL)
    inner = width - 2.8 * look.unit(pad)
    high = 2 * look.unit(pad)
    if beside and not upright:
        inner -= aside + 2 * look.unit(1.6)
    elif beside:
        high += aside + look.unit(0.6)
    high += height_of(look, text, role, inner, bold=True) + 1
    if detail:
        high += look.unit(DETAIL_GAP) + height_of(look, detail, detail_role, inner) + 1
    return high


class BigButton(Touchable, BoxLayout, Ground):
    """A button with a text, a quieter second line and an icon; a remote finger knows its `name`."""

    def __init__(
        self,
        look: Look,
        text: str,
        on_act: Callable[[], None],
        *,
        name: str = "",
        kind: str = "plain",
        detail: str = "",
        icon: str = "",
        badge: str = "",
        role: str = "button",
        halign: str = "center",
        disabled: bool = False,
        upright: bool = False,
        detail_role: str = "small",
        pad: float = PAD,
        spoken: str | None = None,
        private: bool = False,
        named: bool = False,
        **kwargs: Any,
    ) -> None:
        """`named`: the detail is the text's name, and stands above it."""
        pad = look.unit(pad)
        super().__init__(
            on_act,
            orientation="vertical" if upright else "horizontal",
            padding=[pad * 1.4, pad, pad * 1.4, pad],
            spacing=look.unit(0.6 if upright else 1.6),
            **kwargs,
        )
        self.disabled = disabled
        said = (detail, text) if named else (text, detail)
        self.name, self.said, self.kind = name, "\n".join(said).strip(), kind
        self.spoken, self.private = spoken, private
        self._look, self._upright, self._named = look, upright, named
        fill, border, ink = self._colours(False)
        self.lay_ground(look, fill, border, look.unit(1.8), 2.5 if kind == "chosen" else 1.0)
        self.icon = Icon(look, icon, ink) if icon else None
        self.label = Text(look, text, role, bold=True, colour=ink, halign=halign)
        self.detail: Text | None = None
        if detail:
            self.detail = Text(look, detail, detail_role, colour=self._quiet(), halign=halign)
        self.badge: Text | None = None
        if badge:
            self.badge = Text(look, badge, "lead", bold=True, colour=ink, halign="center")
        self._assemble()
        self.bind(pressed=self._show_pressed)

    def _assemble(self) -> None:
        """Beside a centred text the icon stands close to it; else at the button's edge."""
        aside = max(self._look.unit(ASIDE), self.label.wished * ASIDE_OF_LABEL)
        beside = not self._upright and self.badge is None and self.label.halign == "center"
        for part in (self.icon, self.badge):
            if part is not None:
                self._set_aside(part, aside)
                self.add_widget(part)
        words: Widget = self.label
        if self.detail is not None:
            self.label.size_hint_y, self.detail.size_hint_y = LABEL_SHARE, 1 - LABEL_SHARE
            lines = [self.detail, self.label] if self._named else [self.label, self.detail]
            lines[0].valign, lines[1].valign = "bottom", "top"
            words = Column(self._look, *lines, gap=DETAIL_GAP)
            words.bind(size=self._share)
        self.add_widget(words)
        if self.icon is not None and beside:
            self._keep_together(words, aside)

    def _share(self, words: Widget, size: tuple[float, float]) -> None:
        """Text and detail share the height as they need it."""
        assert self.detail is not None
        room = max(1.0, size[1] - self._look.unit(DETAIL_GAP))
        label, detail = self.label, self.detail
        first = (height_of(self._look, label.text, label.role, size[0], bold=True) + 1) / room
        second = (height_of(self._look, detail.text, detail.role, size[0]) + 1) / room
        share = LABEL_SHARE
        if first > share:
            share = min(first, max(share, 1 - second))
        elif second > 1 - share:
            share = max(first, 1 - second)
        label.size_hint_y, detail.size_hint_y = share, 1 - share

    def _set_aside(self, part: Widget, aside: float) -> None:
        if self._upright:
            part.size_hint_y, part.height = None, aside
        else:
            part.size_hint_x, part.width = None, aside

    def _keep_together(self, words: Widget, aside: float) -> None:
        self.add_widget(Widget(), index=len(self.children))
        self.add_widget(Widget())
        words.size_hint_x = None

        def measure(*_: object) -> None:
            room = self.width - aside - self.padding[0] - self.padding[2] - 3 * self.spacing
            wanted = max(t.natural_width() for t in (self.label, self.detail) if t is not None)
            words.width = max(1.0, min(room, wanted))

        self.bind(size=measure)

    def _colours(self, pressed: bool) -> tuple[Colour, Colour, Colour]:
        """Fill, border and ink."""
        p = self._look.palette
        if self.disabled:
            return p.background, p.faint or p.line, p.faint or p.quiet
        if self.kind == "primary":
            fill = p.primary_pressed if pressed else p.primary
            return fill, fill, p.on_primary
        if self.kind == "accent":
            return (p.accent_tint if not pressed else p.pressed), p.accent, p.accent
        if self.kind == "chosen":
            return (p.pressed if pressed else p.tint), p.primary, p.ink
        if self.kind == "muted":
            fill = p.pressed if pressed else p.background
            return fill, p.faint or p.control, p.faint or p.quiet
        if self.kind == "quiet":
            return (p.pressed if pressed else p.background), p.control, p.primary
        return (
            (p.pressed if pressed else p.card),
            (p.primary if pressed else p.control),
            p.ink,
        )

    def _quiet(self) -> Colour:
        p = self._look.palette
        return p.on_primary if self.kind == "primary" and not self.disabled else p.quiet

    def _show_pressed(self, *_: object) -> None:
        fill, border, ink = self._colours(self.pressed)
        self.repaint(fill, border)
        self.label.color = ink


def HelpButton(look: Look, text: str, on_act: Callable[[], None], **kwargs: Any) -> BigButton:
    """“Call somebody”: on every screen at the same place."""
    return BigButton(look, text, on_act, name="help", kind="accent", icon="help", **kwargs)


class FaceButton(Touchable, BoxLayout, Ground):
    """One of five faces, 1 (very dissatisfied) … 5 (very satisfied), by shape, word and colour."""

    def __init__(
        self,
        look: Look,
        score: int,
        text: str,
        on_act: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(
            on_act,
            orientation="vertical",
            padding=look.unit(1.5),
            spacing=look.unit(1.0),
            **kwargs,
        )
        if not 1 <= score <= 5:
            raise ValueError(f"score {score} is not 1 to 5")
        self.name, self.said, self.score, self._look = (
            f"face-{score}",
            text,
            score,
            look,
        )
        palette = look.palette
        self.lay_ground(look, palette.card, palette.control, look.unit(1.8))
        self.face = Widget(size_hint_y=0.68)
        self.face.bind(pos=self._draw, size=self._draw)
        self.label = Text(look, text, "small", bold=True, halign="center", valign="top")
        self.label.size_hint_y = 0.32
        self.add_widget(self.face)
        self.add_widget(self.label)
        self.bind(pressed=self._show_pressed)

    def _tint(self) -> Colour:
        p = self._look.palette
        return {1: p.accent, 2: p.accent, 3: p.quiet, 4: p.success, 5: p.success}[self.score]

    def _draw(self, *_: object) -> None:
        side = min(self.face.width, self.face.height)
        x, y = middle(self.face)
        self.face.canvas.clear()
        with self.face.canvas:
            Color(rgba=self._tint())
            draw_face(self.score, x - side / 2, y - side / 2, side)

    def _show_pressed(self, *_: object) -> None:
        p = self._look.palette
        fill = p.pressed if self.pressed else p.card
        self.repaint(fill, self._tint() if self.pressed else p.control)


class QrImage(Widget):
    """A QR code of `text`, black on white in any palette, with quiet zone, sharp at any size."""

    def __init__(self, text: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
        self.modules = np.ascontiguousarray(np.flipud(np.array(barcode.to_image())))
        side = self.modules.shape[0]
        texture = Texture.create(size=(side, side), colorfmt="luminance")
        texture.blit_buffer(self.modules.tobytes(), colorfmt="luminance", bufferfmt="ubyte")
        texture.mag_filter = texture.min_filter = "nearest"
        with self.canvas:
            Color(rgba=(1, 1, 1, 1))
            self._square = Rectangle(texture=texture)
        self.bind(pos=self._place, size=self._place)

    def _place(self, *_: object) -> None:
        """Whole pixels a module, or a phone's camera sees uneven bars."""
        count = self.modules.shape[0]
        side = max(1, int(min(self.width, self.height) // count)) * count
        self._square.size = (side, side)
        x, y = middle(self)
        self._square.pos = (int(x - side / 2), int(y - side / 2))


class Header(BoxLayout):
    """The centre's name under its authority's, a clock, and what is put beside it.

    `emblem`: a picture file; it stands on a ground of `primary`, or black in high contrast. `stressed`: what stands
    above the centre's name matters more than it for now, and is as large as there is room.
    """

    def __init__(
        self,
        look: Look,
        authority: str,
        centre: str,
        clock: str,
        *beside: Widget,
        emblem: str = "",
        stressed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            orientation="horizontal",
            spacing=look.unit(2),
            size_hint_y=None,
            height=look.unit(11),
            padding=[look.unit(4), look.unit(1), look.unit(4), look.unit(1)],
            **kwargs,
        )
        p = look.palette
        with self.canvas.before:
            Color(rgba=p.primary if p.edge == 1.0 else p.card)
            self._band = Rectangle()
        self.bind(pos=self._place, size=self._place)
        ink = p.on_primary if p.edge == 1.0 else p.ink
        above = Text(look, authority, "small", colour=ink, valign="bottom")
        below = Text(look, centre, "button", bold=True, colour=ink, valign="top")
        above.size_hint_y, below.size_hint_y = (0.4, 0.6) if authority else (0.01, 1)
        if stressed:
            above.bold, above.wished = True, below.wished
        if emblem:
            self.add_widget(
                Image(source=emblem, fit_mode="contain", size_hint_x=None, width=look.unit(8))
            )
        self.add_widget(Column(look, above, below, gap=0.2) if authority else below)
        for widget in beside:
            self.add_widget(widget)
        self.clock = Text(look, clock, "lead", bold=True, colour=ink, halign="right")
        self.clock.size_hint_x, self.clock.width = None, look.unit(13)
        self.add_widget(self.clock)

    def _place(self, *_: object) -> None:
        self._band.pos, self._band.size = self.pos, self.size


class Centred(AnchorLayout):
    """One child in the middle of the room that is left."""

    def __init__(self, child: Widget, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_widget(child)


class Spinner(Widget):
    """A turning arc: something is being done."""

    def __init__(self, look: Look, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._began = time.monotonic()
        with self.canvas:
            Color(rgba=look.palette.line)
            self._track = SmoothLine(width=look.unit(0.5))
            Color(rgba=look.palette.primary)
            self._arc = SmoothLine(width=look.unit(0.7), cap="round")
        self._turning: Any = None
        self._seen = False
        self.bind(parent=self._start_or_stop, pos=self._draw, size=self._draw)

    def _start_or_stop(self, *_: object) -> None:
        if self._turning is not None:
            self._turning.cancel()
        self._turning = Clock.schedule_interval(self._turn, 1 / 20) if self.parent else None

    def _turn(self, *_: object) -> bool | None:
        """Ends itself when its picture is no longer shown; before it is, it waits."""
        if self.get_parent_window() is None:
            return None if not self._seen else False
        self._seen = True
        self._draw()
        return None

    def _draw(self, *_: object) -> None:
        x, y = middle(self)
        radius = min(self.width, self.height) * 0.42
        start = (time.monotonic() - self._began) * 300 % 360
        self._track.circle = (x, y, radius)
        self._arc.circle = (x, y, radius, start, start + 80)


def alike(buttons: Sequence[BigButton | FaceButton]) -> None:
    """Letters of one size on all buttons of a list, once they have their places."""

    def level(*_: object) -> None:
        fit_alike([b.label for b in buttons])
        fit_alike([b.detail for b in buttons if isinstance(b, BigButton) and b.detail is not None])

    Clock.schedule_once(level, 0)
