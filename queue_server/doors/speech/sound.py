"""Sound as numbers: WAV in and out, silence cut off, one loudness, other rates, the chime.

Samples are float32 between -1 and 1, mono; lengths are in milliseconds, rates in samples a second.
"""

from __future__ import annotations

import io
import wave

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

SPEECH_DB = -19.0
"""RMS of every unit, so that a recorded word and a synthesised one are equally loud."""

PEAK_DB = -1.0
CHIME_DB = -22.0
CHIME_HZ = (659.26, 523.25)
"""Falling major third E5–C5; with its one overtone below 1,500 Hz, which older ears still hear well."""

_CHIME_SECONDS = 0.9
_SECOND_TONE_AT = 0.35
_FLOOR_DB = -45.0
_EDGE_MS = 8
_FADE_MS = 3


class BadSound(Exception):
    """A file that is no sound we can read; the text says why."""


def decode(data: bytes, rate: int) -> Samples:
    """The sound of a PCM WAV file (8 to 32 bit, any rate and channels) at `rate`, mono.

    Raises `BadSound` for anything else. The length in the header is not believed: a program that
    writes to a pipe cannot know it.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, own_rate, *_ = file.getparams()
            raw = file.readframes(len(data))
    except (wave.Error, EOFError, ValueError) as error:
        raise BadSound(f"not a PCM WAV file: {error}") from error
    if width not in (1, 2, 3, 4) or own_rate < 1_000:
        raise BadSound(f"{8 * width} bit at {own_rate} Hz is no sound we can read")
    frame = width * channels
    values = _values(raw[: len(raw) // frame * frame], width)
    return resample(values.reshape(-1, channels).mean(axis=1, dtype=np.float32), own_rate, rate)


def encode(samples: Samples, rate: int) -> bytes:
    """A 16-bit mono WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def resample(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound at `wanted`, band-limited through its spectrum (for sounds of some seconds)."""
    if rate == wanted or not samples.size:
        return samples
    pad = rate // 20
    length = samples.size + 2 * pad
    wanted_length = round(length * wanted / rate)
    spectrum = np.fft.rfft(np.pad(samples, pad))
    out = np.fft.irfft(spectrum[: wanted_length // 2 + 1], wanted_length) * (wanted_length / length)
    edge = round(pad * wanted / rate)
    return out[edge : out.size - edge].astype(np.float32)


def trim(samples: Samples, rate: int) -> Samples:
    """Without the silence before and after; empty when all of it is silence."""
    peak = float(np.abs(samples).max(initial=0.0))
    loud = np.flatnonzero(np.abs(samples) > max(peak * _ratio(_FLOOR_DB), 1e-4))
    if not loud.size:
        return samples[:0]
    edge = rate * _EDGE_MS // 1000
    return _faded(samples[max(0, loud[0] - edge) : loud[-1] + edge + 1], rate)


def levelled(samples: Samples, db: float = SPEECH_DB) -> Samples:
    """At an RMS of `db` (dB of full scale), or as near to it as peaks of -1 dB allow."""
    now = loudness(samples)
    if now == -np.inf:
        return samples
    peak = float(np.abs(samples).max())
    return samples * np.float32(min(_ratio(db - now), _ratio(PEAK_DB) / peak))


def loudness(samples: Samples) -> float:
    """RMS in dB of full scale; -inf for silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return 10 * float(np.log10(power)) if power > 0 else -float("inf")


def quieter(samples: Samples, db: float) -> Samples:
    """Turned by `db` (below zero: down)."""
    return samples * np.float32(_ratio(db))


def silence(ms: int, rate: int) -> Samples:
    return np.zeros(rate * ms // 1000, dtype=np.float32)


def chime(rate: int) -> Samples:
    """Two falling tones, 0.9 s, that say: listen now."""
    out = np.zeros(round(rate * _CHIME_SECONDS), dtype=np.float32)
    for start, hertz in zip((0.0, _SECOND_TONE_AT), CHIME_HZ, strict=True):
        begin = round(rate * start)
        out[begin:] += _bell(hertz, out.size - begin, rate)
    return levelled(_faded(out, rate), CHIME_DB)


def _bell(hertz: float, length: int, rate: int) -> Samples:
    time = np.arange(length) / rate
    tone = np.sin(2 * np.pi * hertz * time) + 0.2 * np.sin(4 * np.pi * hertz * time)
    attack = np.minimum(time / 0.01, 1)
    return np.asarray(tone * attack * np.exp(-time / 0.18), dtype=np.float32)


def _values(raw: bytes, width: int) -> Samples:
    if width == 1:
        return np.frombuffer(raw, "u1").astype(np.float32) / np.float32(128) - np.float32(1)
    if width == 3:
        wide = np.zeros((len(raw) // 3, 4), dtype="u1")
        wide[:, 1:] = np.frombuffer(raw, "u1").reshape(-1, 3)
        return _values(wide.tobytes(), 4)
    whole = np.frombuffer(raw, np.dtype(f"<i{width}"))
    return whole.astype(np.float32) / np.float32(2 ** (8 * width - 1))


def _faded(samples: Samples, rate: int) -> Samples:
    """With soft edges, so that a cut is not heard as a click."""
    length = min(rate * _FADE_MS // 1000, samples.size // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    out = samples.copy()
    out[:length] *= ramp
    out[out.size - length :] *= ramp[::-1]
    return out


def _ratio(db: float) -> float:
    return float(10 ** (db / 20))
