"""Calls that are heard: the sentence, the voice, and turns at the loudspeaker."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import string
import wave
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.doors.speech import sound
from queue_server.doors.speech.cache import SoundCache
from queue_server.doors.speech.call_queue import GAP_MS, STALE_MS, CallQueue
from queue_server.doors.speech.sentence import (
    Announcement,
    Unspeakable,
    all_units,
    number_words,
    sentence,
)
from queue_server.doors.speech.voice import TEXTS, NoVoice, SpeechSettings, Voice, duration_ms
from queue_server.wire.messages import Call
from queue_server.wire.texts import LANGUAGES, Texts
from queue_server.wire.words import Language

TEXT = Texts(TEXTS)
RATE = 22050
needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (apt install espeak-ng)"
)


def said(number: str, counter: int, times: int = 1, language: Language = Language.VI) -> str:
    announcement = Announcement(number=number, counter=counter, times=times, language=language)
    return " ".join(unit.text for unit in sentence(announcement, TEXT))


def tone(hertz: float, seconds: float, rate: int) -> sound.Samples:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype("f4")


def pitch_of(samples: sound.Samples, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / samples.size)


def samples_of(wav: bytes) -> sound.Samples:
    return sound.decode(wav, RATE)


# --- the sentence -------------------------------------------------------------------------------


def test_a_number_is_read_sign_by_sign_and_the_counter_as_a_number() -> None:
    assert said("A012", 3) == "Mời công dân có số thứ tự, a, không, một, hai, đến quầy số, ba."
    assert said("D105", 12).endswith("đê, một, không, năm, đến quầy số, mười hai.")


def test_a_recall_says_which_time_it_is() -> None:
    assert said("A012", 3, times=2).endswith("ba. lần thứ hai.")
    assert said("A012", 3, times=4).endswith("ba. lần thứ tư.")
    assert said("A012", 3, times=40).endswith("ba. nhắc lại.")


def test_an_english_visitor_is_called_in_vietnamese_and_then_in_english() -> None:
    words = said("A012", 3, language=Language.EN)
    assert words.startswith("Mời công dân")
    assert words.endswith("ba. Number, A, zero, one, two, please go to counter, three.")


@pytest.mark.parametrize(
    ("number", "counter"), [("Đ012", 3), ("A012", 0), ("A012", 1000), ("", 3), ("A٣", 1)]
)
def test_what_has_no_words_is_refused(number: str, counter: int) -> None:
    with pytest.raises(Unspeakable):
        said(number, counter)


def test_signs_between_letter_and_digits_are_not_read() -> None:
    assert said("A-012", 3) == said("a 012", 3) == said("A012", 3)


def test_both_languages_have_the_same_texts_and_none_is_empty() -> None:
    assert TEXT.keys("vi") == TEXT.keys("en")
    assert all(
        TEXT.say(key, language).strip() for language in LANGUAGES for key in TEXT.keys(language)
    )


def test_every_call_of_a_centre_is_covered_by_its_units() -> None:
    units = all_units(string.ascii_uppercase, range(1, 61), TEXT)
    known = {unit.key: unit.text for unit in units}
    assert len(known) == len(units), "a key must stand for one text"
    for letter, digit in zip(string.ascii_uppercase * 3, string.digits * 8, strict=False):
        for counter in (1, 9, 10, 15, 21, 60):
            _assert_covered(f"{letter}{digit}", counter, known)
    for counter in range(1, 61):
        for times in range(1, 13):
            _assert_covered("A0", counter, known, times)


def _assert_covered(number: str, counter: int, known: dict[str, str], times: int = 1) -> None:
    call = Announcement(number=number, counter=counter, times=times, language=Language.EN)
    for unit in sentence(call, TEXT):
        assert known[unit.key] == unit.text


def test_no_unit_shows_a_missing_text() -> None:
    """`Texts` gives back the key of a text that is missing: no unit may sound like one."""
    for unit in all_units(string.ascii_uppercase, range(1, 1000), TEXT):
        assert not set(unit.text) & set("_{}/0123456789"), unit
        assert "." not in unit.text[:-1], unit


@pytest.mark.parametrize(
    ("value", "vietnamese", "english"),
    [
        (10, "mười", "ten"),
        (15, "mười lăm", "fifteen"),
        (21, "hai mươi mốt", "twenty one"),
        (34, "ba mươi bốn", "thirty four"),
        (55, "năm mươi lăm", "fifty five"),
        (100, "một trăm", "one hundred"),
        (105, "một trăm linh năm", "one hundred and five"),
        (111, "một trăm mười một", "one hundred and eleven"),
        (999, "chín trăm chín mươi chín", "nine hundred and ninety nine"),
    ],
)
def test_numbers_are_said_as_people_say_them(value: int, vietnamese: str, english: str) -> None:
    assert number_words(value, "vi", TEXT) == vietnamese
    assert number_words(value, "en", TEXT) == english


VIETNAMESE = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"]


def listen(words: str) -> int:
    """Write down Vietnamese number words, word by word, independently of how they were made."""
    value = ones = 0
    for word in words.split():
        if word == "trăm":
            value, ones = value + 100 * ones, 0
        elif word == "mươi":
            value, ones = value + 10 * ones, 0
        elif word == "mười":
            value += 10
        elif word != "linh":
            ones = {"mốt": 1, "lăm": 5}.get(word) or VIETNAMESE.index(word)
    return value + ones


@given(st.integers(0, 999))
def test_a_listener_writes_down_the_number_that_was_said(value: int) -> None:
    assert listen(number_words(value, "vi", TEXT)) == value


def test_no_two_numbers_sound_alike() -> None:
    for language in LANGUAGES:
        assert len({number_words(value, language, TEXT) for value in range(1000)}) == 1000


# --- sound --------------------------------------------------------------------------------------


def test_the_chime_is_two_falling_tones_that_older_ears_hear() -> None:
    chime = sound.chime(RATE)
    spectrum = np.abs(np.fft.rfft(chime)) ** 2
    above = spectrum[np.fft.rfftfreq(chime.size, 1 / RATE) > 1500].sum()
    first, second = chime[: int(0.35 * RATE)], chime[int(0.45 * RATE) :]
    assert 0.5 <= chime.size / RATE <= 1.0
    assert above / spectrum.sum() < 0.001
    assert pitch_of(first, RATE) == pytest.approx(659, abs=5)
    assert pitch_of(second, RATE) == pytest.approx(523, abs=5)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_a_sound_of_another_rate_keeps_its_pitch_and_length(rate: int) -> None:
    out = sound.resample(tone(440, 0.7, rate), rate, RATE)
    assert out.size / RATE == pytest.approx(0.7, abs=0.002)
    assert pitch_of(out, RATE) == pytest.approx(440, abs=3)


def test_what_is_too_high_for_the_new_rate_does_not_come_back_as_another_tone() -> None:
    out = sound.resample(tone(15000, 0.5, 48000), 48000, RATE)
    assert sound.loudness(out) < -35


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_sample_width_of_a_recording_is_read(width: int) -> None:
    wave_form = tone(440, 0.3, RATE)
    out = sound.decode(recorded(wave_form, RATE, width, channels=2), RATE)
    assert np.abs(out - wave_form).max() < 0.02


def test_silence_around_a_word_is_cut_off() -> None:
    quiet = sound.silence(400, RATE)
    out = sound.trim(np.concatenate([quiet, tone(440, 0.5, RATE), quiet]), RATE)
    assert out.size / RATE == pytest.approx(0.5, abs=0.03)
    assert sound.trim(quiet, RATE).size == 0


@pytest.mark.parametrize("data", [b"", b"RIFF", b"ID3 not a wave", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    with pytest.raises(sound.BadSound):
        sound.decode(data, RATE)


def recorded(samples: sound.Samples, rate: int, width: int = 2, channels: int = 1) -> bytes:
    whole = (samples.astype("f8") * (2 ** (8 * width - 1) - 1)).astype("<i8")
    if width == 1:
        whole += 128
    frames = np.repeat(whole, channels).astype("<i8").view("u1").reshape(-1, 8)[:, :width]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(frames.tobytes())
    return out.getvalue()


# --- the voice ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return Voice(SpeechSettings(), tmp_path_factory.mktemp("speech"))


@needs_espeak
@pytest.mark.parametrize("name", ["vi", "vi-vn-x-central", "vi-vn-x-south"])
def test_units_are_heard_in_every_vietnamese_voice(name: str, tmp_path: Path) -> None:
    voice = Voice(msgspec.convert({"voice": name}, SpeechSettings), tmp_path)
    for unit in all_units("ADJX", [3, 21], TEXT):
        samples = voice.unit(unit)
        assert -23 < sound.loudness(samples) < -17, unit.key
        assert 0.15 < samples.size / RATE < 3, unit.key


@needs_espeak
def test_words_of_one_sentence_are_different_sounds(voice: Voice) -> None:
    digits = [unit for unit in all_units("A", [1], TEXT) if unit.kind == "digit"]
    assert len({voice.unit(unit).tobytes() for unit in digits}) == 20


@needs_espeak
def test_a_call_is_a_chime_a_pause_and_the_sentence(voice: Voice) -> None:
    out = samples_of(voice.wav_for("A012", 3, said=1))
    pause = out[int(0.92 * RATE) : int(1.28 * RATE)]
    assert sound.loudness(out[: int(0.9 * RATE)]) > -25
    assert sound.loudness(pause) < -80
    assert 4 < out.size / RATE < 9


@needs_espeak
def test_a_call_said_twice_in_two_languages_stays_bearable(voice: Voice) -> None:
    once = duration_ms(voice.wav_for("C058", 21, 2, Language.EN, said=1))
    twice = duration_ms(voice.wav_for("C058", 21, 2, Language.EN, said=2))
    assert once < twice < 45_000
    assert twice - once == pytest.approx(once - 1300 + 900, abs=5)


@needs_espeak
def test_a_call_is_a_plain_wav_that_every_browser_plays(voice: Voice) -> None:
    data = voice.wav_for("A012", 3)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert duration_ms(data) == file.getnframes() * 1000 // RATE


@needs_espeak
def test_a_call_said_before_needs_no_engine(tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    engine.symlink_to(shutil.which("espeak-ng") or "")
    voice = Voice(SpeechSettings(engine=str(engine)), tmp_path / "cache")
    first = voice.wav_for("A012", 3)
    engine.unlink()
    assert voice.wav_for("A012", 3) == first
    with pytest.raises(NoVoice):
        voice.wav_for("B347", 3)


@needs_espeak
def test_after_preparing_every_call_is_made_without_the_engine(tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    engine.symlink_to(shutil.which("espeak-ng") or "")
    voice = Voice(SpeechSettings(engine=str(engine)), tmp_path / "cache")
    assert voice.prepare("AB", range(1, 4)) > 40
    engine.unlink()
    assert voice.wav_for("B987", 2, times=3, language=Language.EN)


@needs_espeak
def test_a_quieter_hall_gets_the_same_call_quieter(voice: Voice, tmp_path: Path) -> None:
    loud = samples_of(voice.wav_for("A012", 3))
    quiet = samples_of(Voice(SpeechSettings(level_db=-12), tmp_path).wav_for("A012", 3))
    assert sound.loudness(loud) - sound.loudness(quiet) == pytest.approx(12, abs=0.2)


@needs_espeak
def test_a_voice_can_be_handed_to_a_worker_process(voice: Voice) -> None:
    again = pickle.loads(pickle.dumps(voice))
    assert again.wav_for("A012", 3) == voice.wav_for("A012", 3)


@needs_espeak
def test_the_doctor_hears_the_voice(voice: Voice) -> None:
    well, line = voice.doctor_line()
    assert well and "voice vi" in line


def test_a_missing_engine_is_said_plainly_and_the_chime_still_plays(tmp_path: Path) -> None:
    voice = Voice(SpeechSettings(engine="no-such-espeak"), tmp_path)
    with pytest.raises(NoVoice, match="install the package espeak-ng"):
        voice.wav_for("A012", 3)
    assert voice.doctor_line()[0] is False
    assert duration_ms(voice.chime()) == 900


def test_an_engine_that_hangs_is_ended_at_the_deadline(tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    engine.write_text("#!/bin/sh\nexec sleep 30\n")
    engine.chmod(0o755)
    with pytest.raises(NoVoice, match=r"gave nothing in 0.2 s"):
        Voice(SpeechSettings(engine=str(engine), deadline_s=0.2), tmp_path).wav_for("A012", 3)


@needs_espeak
def test_an_unknown_voice_is_said_plainly(tmp_path: Path) -> None:
    well, line = Voice(SpeechSettings(english="nowhere"), tmp_path).doctor_line()
    assert not well and "voice does not exist" in line


# --- the centre's own recordings ----------------------------------------------------------------


def record(folder: Path, key: str, data: bytes) -> None:
    path = folder / f"{key}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_recordings_of_all_units_need_no_engine(tmp_path: Path) -> None:
    own = tmp_path / "own"
    for unit in all_units("A", [3], TEXT):
        record(own, unit.key, recorded(tone(300, 0.3, 48000), 48000))
    voice = Voice(SpeechSettings(engine="none", recordings=str(own)), tmp_path / "cache")
    assert voice.wav_for("A012", 3)
    assert "own recordings" in voice.doctor_line()[1]


@needs_espeak
def test_a_recording_replaces_one_unit_also_in_calls_made_before(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    voice = Voice(SpeechSettings(recordings=str(own), said=1), tmp_path / "cache")
    zero = next(unit for unit in all_units("A", [3], TEXT) if unit.key == "vi/digit/0")
    before, other = voice.wav_for("A012", 3), voice.wav_for("A112", 3)
    record(own, "vi/digit/0", recorded(tone(440, 1.5, 44100), 44100, channels=2))
    assert pitch_of(voice.unit(zero), RATE) == pytest.approx(440, abs=2)
    assert sound.loudness(voice.unit(zero)) == pytest.approx(sound.SPEECH_DB, abs=0.5)
    assert duration_ms(voice.wav_for("A012", 3)) > duration_ms(before) + 900
    assert voice.wav_for("A112", 3) == other


@needs_espeak
@pytest.mark.parametrize("broken", [b"not a sound", recorded(sound.silence(500, RATE), RATE)])
def test_a_broken_or_silent_recording_is_passed_over(tmp_path: Path, broken: bytes) -> None:
    own = tmp_path / "own"
    record(own, "vi/digit/0", broken)
    plain = Voice(SpeechSettings(), tmp_path / "a").wav_for("A012", 3)
    assert Voice(SpeechSettings(recordings=str(own)), tmp_path / "b").wav_for("A012", 3) == plain


def test_a_recordings_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    voice = Voice(SpeechSettings(recordings=str(tmp_path / "gone")), tmp_path)
    well, line = voice.doctor_line()
    assert not well and "gone is not there" in line


# --- the cache ----------------------------------------------------------------------------------


def test_the_cache_stays_within_its_bound_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    cache = SoundCache(tmp_path, limit=3000)
    for age, key in enumerate(("old", "used", "new")):
        cache.put(key, bytes(1000))
        path = max(tmp_path.glob("*.wav"), key=lambda p: p.stat().st_mtime_ns)
        os.utime(path, ns=(age, age))
    assert cache.get("old") is not None
    cache.put("latest", bytes(1000))
    assert cache.size() == 3000
    assert cache.get("used") is None
    assert cache.get("old") == cache.get("latest") == bytes(1000)


def test_one_sound_larger_than_the_bound_is_still_kept(tmp_path: Path) -> None:
    cache = SoundCache(tmp_path, limit=10)
    cache.put("a", bytes(100))
    assert cache.get("a") == bytes(100)


# --- turns at the loudspeaker -------------------------------------------------------------------


def call(number: str, at: int = 0, counter: int = 1, times: int = 1, key: str = "") -> Call:
    return Call(
        id=key or f"{number}/{counter}/{times}/{at}",
        at=at,
        number=number,
        counter=counter,
        times=times,
    )


def numbers_said(queue: CallQueue, now: int, lasts: int = 5_000) -> list[str]:
    """Say all that waits, one after another."""
    out = []
    while (turn := queue.next(now)) is not None:
        out.append(turn.call.number)
        queue.ends(turn.call.id, now + lasts)
        now = queue.ready_at
    return out


def test_calls_are_said_in_the_order_in_which_they_came() -> None:
    queue = CallQueue()
    for number in ("A003", "B001", "A004"):
        queue.enqueue(call(number))
    assert numbers_said(queue, 0) == ["A003", "B001", "A004"]


def test_a_call_waits_until_the_one_before_has_ended_and_a_second_more() -> None:
    queue = CallQueue()
    queue.enqueue(call("A001", key="first"))
    queue.enqueue(call("A002"))
    assert queue.next(0) is not None
    queue.ends("first", 5_000)
    assert queue.next(5_000 + GAP_MS - 1) is None
    assert queue.next(5_000 + GAP_MS) is not None


def test_a_call_received_twice_is_said_once() -> None:
    queue = CallQueue()
    queue.enqueue(call("A001", key="same"))
    assert numbers_said(queue, 0) == ["A001"]
    queue.enqueue(call("A001", key="same"))
    assert numbers_said(queue, 20_000) == []


def test_a_recall_of_a_number_that_still_waits_takes_its_place() -> None:
    queue = CallQueue()
    queue.enqueue(call("A001", counter=1))
    queue.enqueue(call("A002"))
    queue.enqueue(call("A001", at=9_000, counter=7, times=2))
    turn = queue.next(10_000)
    assert turn is not None
    assert (turn.call.number, turn.call.counter, turn.call.times) == ("A001", 7, 1)
    assert len(queue) == 1


def test_a_recall_after_the_call_was_said_is_said_as_a_recall() -> None:
    queue = CallQueue()
    queue.enqueue(call("A001"))
    numbers_said(queue, 0)
    queue.enqueue(call("A001", at=30_000, times=2))
    turn = queue.next(30_000)
    assert turn is not None and turn.call.times == 2


def test_a_call_too_old_to_be_true_is_not_said_but_reported() -> None:
    queue = CallQueue()
    queue.enqueue(call("A001", at=0))
    queue.enqueue(call("A002", at=1))
    assert numbers_said(queue, STALE_MS + 1) == ["A002"]
    assert [missed.number for missed in queue.take_missed()] == ["A001"]
    assert queue.take_missed() == ()


def test_a_call_is_said_once_only_while_others_wait() -> None:
    queue = CallQueue()
    queue.enqueue(call("A001", key="first"))
    queue.enqueue(call("A002"))
    first = queue.next(0)
    queue.ends("first", 5_000)
    second = queue.next(6_000)
    assert first is not None and second is not None
    assert first.brief and not second.brief


def test_who_has_come_already_is_not_called_any_more() -> None:
    queue = CallQueue()
    queue.enqueue(call("A001"))
    queue.withdraw("A001")
    queue.withdraw("A001")
    assert queue.next(0) is None


def test_late_word_of_an_earlier_call_does_not_cut_the_next_one() -> None:
    queue = CallQueue()
    queue.enqueue(call("A001", key="first"))
    queue.enqueue(call("A002", key="second"))
    queue.next(0)
    queue.ends("first", 5_000)
    queue.next(6_000)
    queue.enqueue(call("A003"))
    queue.ends("first", 5_500)
    assert queue.next(7_000) is None


def test_a_loudspeaker_that_never_reports_does_not_silence_the_hall() -> None:
    queue = CallQueue(longest_ms=30_000)
    queue.enqueue(call("A001"))
    queue.enqueue(call("A002"))
    assert queue.next(0) is not None
    assert queue.next(30_999) is None
    assert queue.next(31_000) is not None


STEP = st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(0, 12_000))


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=30), st.integers(1_000, 20_000))
def test_no_call_overlaps_another_and_none_is_lost(
    steps: list[tuple[int, int, int]], lasts: int
) -> None:
    queue = CallQueue()
    now, free_at = 0, 0
    spoken: list[Call] = []
    newest: dict[str, Call] = {}

    def speak() -> None:
        nonlocal free_at
        turn = queue.next(now)
        if turn is not None:
            assert now >= free_at, "two voices at once"
            spoken.append(turn.call)
            queue.ends(turn.call.id, now + lasts)
            free_at = now + lasts + GAP_MS

    for place, (number, counter, pause) in enumerate(steps):
        now += pause
        newest[f"A{number}"] = call(f"A{number}", now, counter, key=str(place))
        queue.enqueue(newest[f"A{number}"])
        speak()
    while len(queue):
        now = max(now, queue.ready_at)
        speak()
    heard = {c.id for c in spoken} | {c.id for c in queue.take_missed()}
    assert {c.id for c in newest.values()} <= heard
