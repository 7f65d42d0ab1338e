"""The voice of the centre: units rendered by espeak-ng or recorded, put together to one WAV per call.

Rendering starts child processes: call it from a worker, never in the process that decides. A `Voice`
holds only settings and paths, so it can be handed to one.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
import structlog
from msgspec import Meta

from queue_server.wire.texts import Texts
from queue_server.wire.words import Language

from . import sound
from .cache import SoundCache
from .sentence import Announcement, Unit, all_units, pause_before, sentence
from .sound import Samples

TEXTS = Path(__file__).parent / "texts"
AFTER_CHIME_MS = 400
BETWEEN_REPEATS_MS = 900
SIGN_SPEED = 0.85
"""Letters and digits are what must be understood; alone, at full speed, they come out too short."""

_MIX = "1"
"""Part of every cache key: raise it when the same settings shall sound different."""

log = structlog.get_logger(__name__)


class NoVoice(Exception):
    """The speech engine is missing, too slow or refuses; the text is one line for the technician."""


class SpeechSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[speech]` of the centre's settings."""

    voice: Annotated[
        Literal["vi", "vi-vn-x-central", "vi-vn-x-south"],
        Meta(description="Vietnamese voice: northern, central or southern"),
    ] = "vi"
    english: Annotated[str, Meta(description="espeak-ng voice for English visitors")] = "en"
    speed: Annotated[int, Meta(ge=80, le=260, description="words a minute")] = 140
    pitch: Annotated[int, Meta(ge=0, le=99, description="pitch of the voice")] = 50
    rate: Annotated[Literal[16000, 22050], Meta(description="samples a second")] = 22050
    said: Annotated[int, Meta(ge=1, le=3, description="how often a call is said")] = 2
    chime: Annotated[bool, Meta(description="two tones before each call")] = True
    level_db: Annotated[float, Meta(ge=-40, le=0, description="quieter by so many dB")] = 0.0
    recordings: Annotated[
        str, Meta(description="folder of own recordings, such as vi/digit/0.wav; empty: none")
    ] = ""
    engine: Annotated[str, Meta(description="espeak-ng program")] = "espeak-ng"
    deadline_s: Annotated[float, Meta(gt=0, le=30, description="patience with the engine")] = 3.0
    cache_mb: Annotated[int, Meta(ge=4, le=2000, description="disk for finished calls")] = 64


class Voice:
    """Says calls; what was said once is kept on disk in `folder`."""

    def __init__(self, settings: SpeechSettings, folder: Path) -> None:
        self._settings = settings
        self._texts = Texts(TEXTS)
        self._units = SoundCache(folder / "units", settings.cache_mb * 250_000)
        self._calls = SoundCache(folder / "calls", settings.cache_mb * 750_000)

    def wav_for(
        self,
        number: str,
        counter: int,
        times: int = 1,
        language: Language = Language.VI,
        said: int | None = None,
    ) -> bytes:
        """The WAV file of a call, from the cache if it was made before.

        `said` overrides how often it is said (1 when others wait). Raises `NoVoice`, and `Unspeakable`
        for a number that has no words.
        """
        announcement = Announcement(number=number, counter=counter, times=times, language=language)
        units = sentence(announcement, self._texts)
        said = said or self._settings.said
        key = "|".join([self._manner(), str(said), *map(self._source, units)])
        known = self._calls.get(key)
        if known is not None:
            return known
        data = self._assembled(units, said)
        _keep(self._calls, key, data)
        return data

    def assemble(self, announcement: Announcement, said: int | None = None) -> bytes:
        """The same, made anew from its units: chime, pause, sentence; again as often as it is said."""
        return self._assembled(sentence(announcement, self._texts), said or self._settings.said)

    def chime(self) -> bytes:
        """The chime alone: what a board still plays when there is no voice."""
        return self._finished([sound.chime(self._settings.rate)])

    def unit(self, unit: Unit) -> Samples:
        """One unit, recorded or synthesised, trimmed and levelled. Raises `NoVoice`."""
        recorded = self._recorded(unit)
        return recorded if recorded is not None else self._synthesised(unit)

    def prepare(self, letters: Iterable[str], counters: Iterable[int]) -> int:
        """Make every unit that these calls can need, so that no first call is late; returns how many.

        Raises `NoVoice` and `Unspeakable`.
        """
        units = all_units(letters, counters, self._texts)
        for unit in units:
            self.unit(unit)
        return len(units)

    def doctor_line(self) -> tuple[bool, str]:
        """Whether calls can be spoken, and one line on it."""
        recordings = self._recordings()
        own = f", {len(recordings)} own recordings" if self._settings.recordings else ""
        if self._settings.recordings and not Path(self._settings.recordings).is_dir():
            return False, f"speech: the folder {self._settings.recordings} is not there"
        trial = sentence(Announcement(number="A0", counter=1, language=Language.EN), self._texts)
        began = time.monotonic()
        try:
            for unit in trial:
                _engine(self._settings, unit)
        except NoVoice as error:
            return False, f"speech: {error}{own}"
        took = (time.monotonic() - began) * 1000 / len(trial)
        return True, f"speech: voice {self._settings.voice}, {took:.0f} ms a word{own}"

    # --- units --------------------------------------------------------------------------------------

    def _recording(self, unit: Unit) -> Path | None:
        if not self._settings.recordings:
            return None
        path = Path(self._settings.recordings) / f"{unit.key}.wav"
        return path if path.is_file() else None

    def _recordings(self) -> list[Path]:
        folder = self._settings.recordings
        return list(Path(folder).rglob("*.wav")) if folder else []

    def _recorded(self, unit: Unit) -> Samples | None:
        """The centre's own recording, or none: a broken one is reported, and the voice steps in."""
        path = self._recording(unit)
        if path is None:
            return None
        try:
            samples = sound.decode(path.read_bytes(), self._settings.rate)
        except (OSError, sound.BadSound) as error:
            log.warning("recording_unreadable", unit=unit.key, reason=str(error))
            return None
        samples = sound.trim(samples, self._settings.rate)
        if not samples.size:
            log.warning("recording_silent", unit=unit.key)
            return None
        return sound.levelled(samples)

    def _synthesised(self, unit: Unit) -> Samples:
        rate = self._settings.rate
        key = self._synthesis(unit)
        known = self._units.get(key)
        if known is not None:
            return sound.decode(known, rate)
        raw = _engine(self._settings, unit)
        samples = sound.levelled(sound.trim(sound.decode(raw, rate), rate))
        if not samples.size:
            raise NoVoice(f"{self._settings.engine} gave only silence for {unit.key}")
        _keep(self._units, key, sound.encode(samples, rate))
        return samples

    # --- what a cached sound was made from ----------------------------------------------------------

    def _source(self, unit: Unit) -> str:
        path = self._recording(unit)
        if path is None:
            return self._synthesis(unit)
        stat = path.stat()
        return f"{path}:{stat.st_mtime_ns}:{stat.st_size}"

    def _synthesis(self, unit: Unit) -> str:
        s = self._settings
        return f"{_MIX}:{s.rate}:{' '.join(_command(s, unit))}:{unit.text}"

    def _manner(self) -> str:
        s = self._settings
        return f"{_MIX}:{s.rate}:{s.chime}:{s.level_db}"

    # --- the whole call -----------------------------------------------------------------------------

    def _assembled(self, units: tuple[Unit, ...], said: int) -> bytes:
        rate = self._settings.rate
        spoken = self._joined(units)
        parts = [spoken]
        for _ in range(said - 1):
            parts += [sound.silence(BETWEEN_REPEATS_MS, rate), spoken]
        if self._settings.chime:
            parts = [sound.chime(rate), sound.silence(AFTER_CHIME_MS, rate), *parts]
        return self._finished(parts)

    def _joined(self, units: tuple[Unit, ...]) -> Samples:
        parts = []
        for place, unit in enumerate(units):
            if place:
                parts.append(sound.silence(pause_before(unit), self._settings.rate))
            parts.append(self.unit(unit))
        return np.concatenate(parts)

    def _finished(self, parts: list[Samples]) -> bytes:
        samples = sound.quieter(np.concatenate(parts), self._settings.level_db)
        return sound.encode(samples, self._settings.rate)


def duration_ms(wav: bytes) -> int:
    """How long one of our WAV files plays: what `CallQueue.ends` needs to know."""
    rate = int.from_bytes(wav[24:28], "little")
    return (len(wav) - 44) * 1000 // (2 * rate)


def _command(settings: SpeechSettings, unit: Unit) -> list[str]:
    language, kind = unit.key.split("/")[:2]
    voice = settings.english if language == Language.EN else settings.voice
    speed = settings.speed * (SIGN_SPEED if kind in ("letter", "digit") else 1)
    manner = ["-v", voice, "-s", f"{speed:.0f}", "-p", str(settings.pitch)]
    return [settings.engine, *manner, "-b", "1", "--stdin", "--stdout"]


def _engine(settings: SpeechSettings, unit: Unit) -> bytes:
    """The WAV that espeak-ng makes of `unit`. Raises `NoVoice`."""
    try:
        done = subprocess.run(
            _command(settings, unit),
            input=unit.text.encode(),
            capture_output=True,
            timeout=settings.deadline_s,
            check=False,
        )
    except OSError as error:
        raise NoVoice(
            f"{settings.engine} does not start ({error.strerror}): install the package espeak-ng"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise NoVoice(f"{settings.engine} gave nothing in {settings.deadline_s} s") from error
    if done.returncode or not done.stdout:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or ["no sound"]
        raise NoVoice(f"{settings.engine} cannot say {unit.key}: {reason[-1]}")
    return done.stdout


def _keep(cache: SoundCache, key: str, data: bytes) -> None:
    """A full disk makes the next call slower; it must not silence this one."""
    try:
        cache.put(key, data)
    except OSError as error:
        log.warning("speech_not_cached", reason=error.strerror)
