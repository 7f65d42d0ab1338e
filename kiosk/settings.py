"""What can be set of the kiosk: the table `[kiosk]` of the centre's settings file."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import field

from kiosk.touch.keys import table
from kiosk.touch.reader import CORNERS, ReadingSettings
from queue_server.wire import settings
from queue_server.wire.words import Frozen, Language

from .printer import PrinterSettings
from .scan.settings import CameraSettings
from .visit import Rules


class FilingSettings(Frozen, forbid_unknown_fields=True):
    """`[kiosk.filing]`: what visitors fill in and hand in at this kiosk, in a process of its own."""

    camera: str = ""
    """The document camera: `/dev/video0`, `film:FOLDER`, or empty: none."""
    camera_preview: str = "1280x720"
    camera_still: str = "3840x2160"
    """Sizes of the live picture and of the still, of one shape; the law wants 200 dpi of an A4 sheet."""
    camera_rotate: int = 0
    """Degrees to the right by which its pictures are turned: 0, 90, 180 or 270."""
    camera_focus: int = -1
    """A fixed focus in the camera's own units; -1 leaves it to the camera."""
    camera_field_mm: float = 0.0
    """Width of the desk that a still shows, measured on site; 0: as much as an A4 sheet with a margin."""
    card_reader: str = ""
    """A code reader on a serial line, `/dev/ttyACM0`; one that types like a keyboard needs no setting."""
    scan_folder: str = ""
    """Where a flat-bed scanner puts its files; they are taken and deleted."""
    idle_seconds: float = 120.0
    """How long a visitor may think before she is asked whether she is still there."""
    warn_seconds: float = 60.0
    """How long that question stands before all that she said is thrown away."""
    answer_seconds: float = 12.0
    """How long she waits for the centre's answer before she goes with a provisional number."""

    def camera_settings(self) -> CameraSettings:
        """What the camera is opened with."""
        return CameraSettings(
            address=self.camera,
            preview=self.camera_preview,
            still=self.camera_still,
            rotate=self.camera_rotate,
            focus=self.camera_focus,
            field_mm=self.camera_field_mm,
        )


class KioskSettings(Frozen, forbid_unknown_fields=True):
    """Times in seconds unless the name says otherwise; each touch starts the idle time again."""

    languages: tuple[Language, ...] = (Language.VI, Language.EN)
    """The languages on the first screen, the usual one first."""
    size: str = "1080x1920"
    """Window size in pixels, `WIDTHxHEIGHT`; without effect in full screen."""
    fullscreen: bool = True
    width_mm: float = 344.0
    """True width of the glass, by which targets are measured; 344 is an upright 27-inch screen."""
    idle_seconds: float = 60.0
    """How long a screen stands untouched before the visitor is asked whether she is still there; 60 or more."""
    warn_seconds: float = 20.0
    """How long that question stands before the next visitor finds the first screen; 20 or more."""
    ticket_seconds: float = 25.0
    """How long the number stays on the screen when it is on paper as well."""
    ticket_seconds_without_paper: float = 60.0
    answer_seconds: float = 30.0
    """How long the server may take for a number before the visitor is sent to the desk."""
    cut_off_seconds: float = 3.0
    """How long it may take once the line is down, before the kiosk gives a number of its own lease."""
    reprint_seconds: float = 60.0
    """How long the last ticket can be printed again."""
    printer_wait_ms: int = 300
    """How long the printer waits for the rolled-out estimate; the screen does not wait."""
    double_strike_ms: int = 500
    """How long the same button does not act again, for hands that shake; 0 to 2000."""
    key_strike_ms: int = 0
    """The same for keys to type with."""
    emblem: str = ""
    """A picture of the centre's emblem for the head of each screen; none if empty."""
    keys: dict[str, int] = {}
    """Keypad keys by scan code (`up`, `down`, `select`, `back`, `help`, `volume`, `jack_in`, `jack_out`), for
    a kiosk on which none were learnt (`motcua kiosk --learn-keys`)."""
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    printer: PrinterSettings = field(default_factory=PrinterSettings)
    filing: FilingSettings = field(default_factory=FilingSettings)

    def rules(self) -> Rules:
        """The times in ms, as the journey counts."""
        return Rules(
            idle=_ms(self.idle_seconds),
            warn=_ms(self.warn_seconds),
            ticket=_ms(self.ticket_seconds),
            ticket_without_paper=_ms(self.ticket_seconds_without_paper),
            ttl=_ms(self.answer_seconds),
            printer_wait=self.printer_wait_ms,
            reprint=_ms(self.reprint_seconds),
            cut_off=_ms(self.cut_off_seconds),
        )


TIMES = ("ticket_seconds", "ticket_seconds_without_paper", "answer_seconds")
LEAST_TIMES = {"idle_seconds": 60, "warn_seconds": 20}
"""Whoever reads slowly or shakes must not be hurried (WCAG 2.2, 2.2.1 asks for 20 s to answer)."""

LONGEST_STRIKE_MS = 2000
TURNS = (0, 90, 180, 270)
CAMERA_SIZE = re.compile(r"[1-9][0-9]*x[1-9][0-9]*")


def read(path: Path | None) -> KioskSettings:
    """The settings of this kiosk; raises `SettingsError`, one line for the technician."""
    own = settings.read(KioskSettings, path, only="kiosk")
    check(own, path)
    return own


def check(own: KioskSettings, path: Path | None = None) -> None:
    """Raises SettingsError for what cannot work, or hurries those who need time."""
    for name in TIMES:
        if getattr(own, name) <= 0:
            raise _refused(path, name, "must be above 0")
    for name, least in LEAST_TIMES.items():
        if getattr(own, name) < least:
            raise _refused(path, name, f"must be {least} or more, for those who need time")
    for name, least in LEAST_TIMES.items():
        if getattr(own.filing, name) < least:
            raise _refused(path, f"filing.{name}", f"must be {least} or more")
    if own.filing.camera_rotate not in TURNS:
        raise _refused(path, "filing.camera_rotate", "must be 0, 90, 180 or 270")
    for name in ("camera_preview", "camera_still"):
        if CAMERA_SIZE.fullmatch(getattr(own.filing, name)) is None:
            raise _refused(path, f"filing.{name}", "must be a size such as 1280x720")
    for name in ("double_strike_ms", "key_strike_ms"):
        if not 0 <= getattr(own, name) <= LONGEST_STRIKE_MS:
            raise _refused(path, name, f"must be 0 to {LONGEST_STRIKE_MS}")
    if own.reading.corner not in CORNERS:
        raise _refused(path, "reading.corner", f"must be one of {', '.join(CORNERS[1:])}, or empty")
    try:
        table(own.keys)
    except ValueError as error:
        raise _refused(path, "keys", str(error)) from error
    if not own.languages:
        raise _refused(path, "languages", "must name one language at least")


def _refused(path: Path | None, name: str, why: str) -> settings.SettingsError:
    return settings.SettingsError(f"{path or 'environment'}: `kiosk.{name}`: {why}")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
