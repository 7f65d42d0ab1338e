"""What can be set of the satisfaction tablet: the table `[tablet]` of the settings file."""

from __future__ import annotations

from pathlib import Path

from msgspec import field

from kiosk.touch.reader import CORNERS, ReadingSettings
from queue_server.wire import settings
from queue_server.wire.words import Frozen, Language

REASONS = (
    "waiting",
    "guidance",
    "attitude",
    "repeated",
    "paperwork",
    "late",
    "fees",
    "facilities",
)
"""The reasons that have a text in every language (after NĐ 61/2018, Đ.31, what citizens judge)."""


SPANS = (
    "answer_seconds",
    "change_seconds",
    "reasons_seconds",
    "words_seconds",
    "question_seconds",
    "thanks_seconds",
)


class TabletSettings(Frozen, frozen=True, forbid_unknown_fields=True):
    """Times in seconds, as a visitor feels them; each touch of the screen starts the time again."""

    language: Language = Language.VI
    """The language between two visitors; a rating is asked in the visitor's own."""
    size: str = "1280x800"
    """Window size in pixels, `WIDTHxHEIGHT`; without effect in full screen."""
    fullscreen: bool = True
    width_mm: float = 217.0
    """True width of the glass, by which targets are measured; 217 is a tablet of 10.1 inches."""
    answer_seconds: float = 45.0
    """How long the question stands untouched before it is taken back as unanswered."""
    change_seconds: float = 5.0
    """How long a good rating may still be changed before it is sent by itself."""
    reasons_seconds: float = 25.0
    """How long the reasons for a poor rating stand untouched before all is sent as it is."""
    words_seconds: float = 60.0
    """The same while the keyboard is open."""
    question_seconds: float = 40.0
    """How long a question of a survey stands untouched before all is sent as it is."""
    thanks_seconds: float = 4.0
    away_seconds: float = 5.0
    """How long the connection may be gone before the waiting screen says so."""
    reasons: tuple[str, ...] = REASONS
    """Which reasons are offered for a rating of 3 or less, in this order; none: no such screen."""
    words: bool = True
    """Whether a visitor may write a few words of her own."""
    words_length: int = 200
    """How many letters they may have."""
    headphones: bool = False
    """Whether headphones are fixed to the tablet: what a visitor types is then read aloud to her too."""
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    """Reading aloud: voices, player and sound device, as at the kiosk."""
    keep_days: float = 7.0
    """How long a confirmed answer is remembered, so that it is not asked for again."""
    keep_answers: int = 20_000
    """How many answers are kept in all while the server is away; beyond, the oldest go, and the
    device's health says how many."""


def read(path: Path | None) -> TabletSettings:
    """The settings of this tablet; raises `SettingsError`, one line for the technician."""
    own = settings.read(TabletSettings, path, only="tablet")
    check(own, path)
    return own


def check(own: TabletSettings, path: Path | None = None) -> None:
    """Raises SettingsError for what cannot work."""
    unknown = [reason for reason in own.reasons if reason not in REASONS]
    if unknown:
        raise settings.SettingsError(
            f"{path or 'environment'}: `tablet.reasons`: no such reason `{unknown[0]}`"
            f" (known: {', '.join(REASONS)})"
        )
    if own.reading.corner not in CORNERS:
        raise settings.SettingsError(
            f"{path or 'environment'}: `tablet.reading.corner`: must be one of"
            f" {', '.join(CORNERS[1:])}, or empty"
        )
    for name in SPANS:
        if getattr(own, name) <= 0:
            raise settings.SettingsError(
                f"{path or 'environment'}: `tablet.{name}`: must be above 0"
            )
