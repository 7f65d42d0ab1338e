"""Reads aloud: espeak-ng speaks, a player plays, both off the screen's thread and never on disk.

What is new stops what is old. What is private is said to headphones only. Without a voice or a sound card
the reader says nothing, and the doctor says why.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import threading
import time
import wave
from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
import structlog
from msgspec import Meta

CORNERS = ("", "lower-left", "lower-right", "upper-left", "upper-right")
LONGEST_PIECE = 220
"""Letters: the first sound must not wait for the whole page to be spoken."""
KEPT_SOUNDS = 48
SHORTEST_PATIENCE_S = 10.0
ENDS_WITHIN_S = 2.0

log = structlog.get_logger()


class ReadingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables `[kiosk.reading]` and `[tablet.reading]` of the settings."""

    engine: Annotated[str, Meta(description="espeak-ng program; empty: this kiosk never reads")] = (
        "espeak-ng"
    )
    vietnamese: Annotated[
        str, Meta(description="voice: vi (north), vi-vn-x-central or vi-vn-x-south")
    ] = "vi"
    english: Annotated[str, Meta(description="voice for English")] = "en"
    player: Annotated[
        str, Meta(description="plays a WAV file from its standard input; {device} is put in")
    ] = "aplay -q -D {device}"
    loudspeaker: Annotated[
        str, Meta(description="sound device of the loudspeaker; empty: read to headphones only")
    ] = "default"
    headphones: Annotated[str, Meta(description="sound device of the headphone jack")] = "default"
    corner: Annotated[
        str,
        Meta(
            description="corner that starts the reading when it is pressed for 3 s, to be marked in relief: "
            "lower-left, lower-right, upper-left, upper-right; empty: none"
        ),
    ] = "lower-left"

    def voice(self, language: str) -> str:
        return self.english if language == "en" else self.vietnamese


@dataclass(frozen=True)
class _Said:
    text: str
    language: str
    private: bool


class Reader:
    """`start()` and `stop()` the thread; all else may be called from the screen's thread at any time.

    `plugged`: headphones are in. `speed`: words a minute. `volume_db`: 0 is the loudest.
    """

    def __init__(self, settings: ReadingSettings) -> None:
        self._settings = settings
        self.plugged = False
        self.speed = 140
        self.volume_db = -10.0
        self._wanted: _Said | None = None
        self._changed = threading.Condition()
        self._turn = 0
        self._running = False
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._kept: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()
        self._told = False
        self.speaking = False

    def start(self) -> None:
        if self._thread is None and self._settings.engine:
            self._running = True
            self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._running = False
        self.hush()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(ENDS_WITHIN_S)

    def say(self, text: str, language: str = "vi", *, private: bool = False) -> bool:
        """Say `text` instead of what is being said; False if nobody may or can hear it."""
        text = " ".join(text.split())
        if not text or not self._may(private):
            self.hush()
            return False
        said = _Said(text, language, private)
        with self._changed:
            self._wanted = said
            self._turn += 1
            self._end_child()
            self._changed.notify()
        return self._running

    def hush(self) -> None:
        """Be silent at once."""
        with self._changed:
            self._wanted = None
            self._turn += 1
            self._end_child()
            self._changed.notify()

    def _may(self, private: bool) -> bool:
        return self.plugged or (not private and bool(self._settings.loudspeaker))

    # --- the reader's own thread ---

    def _work(self) -> None:
        while True:
            with self._changed:
                self.speaking = False
                self._changed.wait_for(lambda: self._wanted is not None or not self._running)
                if not self._running:
                    return
                said, self._wanted, turn = self._wanted, None, self._turn
                self.speaking = True
            assert said is not None
            try:
                self._speak(said, turn)
            except (OSError, ValueError, wave.Error, EOFError) as error:
                self._complain(error)

    def _speak(self, said: _Said, turn: int) -> None:
        for piece in pieces(said.text):
            sound = self._sound(piece, said, turn)
            if sound and self._turn == turn and self._may(said.private):
                self._play(quieter(sound, self.volume_db), turn)

    def _sound(self, piece: str, said: _Said, turn: int) -> bytes:
        """The WAV file of `piece`; what is private is not kept."""
        voice, speed = self._settings.voice(said.language), self.speed
        known = self._kept.get((piece, voice, speed))
        if known is not None:
            self._kept.move_to_end((piece, voice, speed))
            return known
        # Through a pipe: an argument can be read by everybody on the machine.
        command = [self._settings.engine, "-v", voice, "-s", str(speed), "-b", "1"]
        sound = self._run([*command, "--stdin", "--stdout"], piece.encode(), turn)
        if sound and not said.private:
            self._kept[piece, voice, speed] = sound
            while len(self._kept) > KEPT_SOUNDS:
                self._kept.popitem(last=False)
        return sound

    def _play(self, sound: bytes, turn: int) -> None:
        s = self._settings
        device = s.headphones if self.plugged else s.loudspeaker
        command = [part.replace("{device}", device) for part in shlex.split(s.player)]
        self._run(command, sound, turn)

    def _run(self, command: list[str], given: bytes, turn: int) -> bytes:
        """Run to its end, or until something else is to be said; what it wrote."""
        with self._changed:
            if self._turn != turn:
                return b""
            self._child = child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        patience = SHORTEST_PATIENCE_S + len(given) / 20_000
        try:
            out, _ = child.communicate(given, timeout=patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return b""
        finally:
            with self._changed:
                self._child = None
        if child.returncode and self._turn == turn:
            raise OSError(f"{command[0]} ended with {child.returncode}")
        return out if self._turn == turn else b""

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.kill()

    def _complain(self, error: Exception) -> None:
        """Once: a kiosk without a sound card would say it at every touch."""
        if not self._told:
            self._told = True
            log.warning("cannot_read_aloud", reason=str(error))


def pieces(text: str) -> list[str]:
    """`text` in parts of some sentences, so that the first is heard soon."""
    parts: list[str] = []
    for sentence in re.split(r"(?<=[.!?:;])\s+", text):
        if parts and len(parts[-1]) + len(sentence) < LONGEST_PIECE:
            parts[-1] = f"{parts[-1]} {sentence}"
        else:
            parts.append(sentence)
    return parts


def quieter(sound: bytes, db: float) -> bytes:
    """A 16-bit WAV file turned by `db` (below zero: down), with a true length in its header.

    Raises wave.Error or EOFError for what is no WAV file.
    """
    with wave.open(io.BytesIO(sound)) as file:
        channels, width, rate, *_ = file.getparams()
        raw = file.readframes(len(sound))
    if width != 2:
        raise wave.Error(f"{8 * width} bit is not what espeak-ng speaks")
    samples = np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.float32)
    turned = np.clip(samples * 10 ** (db / 20), -32768, 32767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as written:
        written.setnchannels(channels)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(turned.tobytes())
    return out.getvalue()


def doctor_line(settings: ReadingSettings) -> tuple[bool, str]:
    """Whether this machine can read aloud, and one line on it. The sound itself only an ear can judge."""
    if not settings.engine:
        return True, "reading aloud: turned off (kiosk.reading.engine)"
    began = time.monotonic()
    for voice in (settings.vietnamese, settings.english):
        command = [settings.engine, "-v", voice, "-b", "1", "--stdin", "--stdout"]
        try:
            done = subprocess.run(command, input=b"1", capture_output=True, timeout=5, check=False)
        except OSError:
            return False, f"reading aloud: {settings.engine} is not here: install espeak-ng"
        except subprocess.TimeoutExpired:
            return False, f"reading aloud: {settings.engine} gives nothing"
        if done.returncode or not done.stdout:
            return False, f"reading aloud: {settings.engine} has no voice {voice}"
    took = (time.monotonic() - began) * 500
    program = shlex.split(settings.player)[0] if settings.player else ""
    try:
        subprocess.run([program, "--version"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False, f"reading aloud: the player {program} is not here: install alsa-utils"
    return True, f"reading aloud: {settings.vietnamese}, {took:.0f} ms to the first word"
