"""The kiosk for all: seen, read, heard, reached and pressed. EN 301 549 and WCAG 2.2, what a program can test."""

from __future__ import annotations

import colorsys
import json
import shutil
import subprocess
import sys
import threading
import time
import wave
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiosk.access import VOLUMES_DB
from kiosk.touch import keys
from kiosk.touch.colours import contrast, faint, legible, palette_of
from kiosk.touch.explore import Gestures, Meaning
from kiosk.touch.reader import Reader, ReadingSettings, doctor_line, pieces, quieter
from kiosk.touch.strikes import Strikes
from kiosk.touch.style import CALM, HIGH_CONTRAST, rgb

from .kiosk_room import until

ROOT = Path(__file__).parent.parent
needs_voice = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not here")

# --- colours --------------------------------------------------------------------------------------


def test_black_on_white_has_the_contrast_that_wcag_says() -> None:
    assert contrast(rgb("#000000"), rgb("#FFFFFF")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#FFFFFF")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", [CALM, HIGH_CONTRAST], ids=["calm", "high contrast"])
def test_every_text_has_4_5_to_1_and_every_control_3_to_1(palette: Any) -> None:
    assert faint(palette) == []


@pytest.mark.parametrize("hue", range(24))
def test_a_centres_own_colours_stay_legible_whatever_they_are(hue: int) -> None:
    red, green, blue = colorsys.hsv_to_rgb(hue / 24, 1 - hue % 3 / 3, 1 - hue % 4 / 5)
    own = f"#{int(red * 255):02x}{int(green * 255):02x}{int(blue * 255):02x}"
    assert faint(palette_of({"primary": own, "accent": own})) == []


def test_a_legible_colour_is_left_as_it_is_and_what_is_no_colour_changes_nothing() -> None:
    assert legible(rgb("#0B5C7A"), (rgb("#FFFFFF"),)) == rgb("#0B5C7A")
    assert palette_of({"primary": "red; }", "accent": ""}) == CALM


# --- every picture, in the looks that are hardest on it -------------------------------------------


@pytest.fixture(scope="module")
def pictures() -> list[dict[str, Any]]:
    said = subprocess.run(
        [sys.executable, "-m", "tests.screen_matrix"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    return [json.loads(line) for line in said.stdout.splitlines()]


def place(picture: dict[str, Any], thing: Any) -> tuple[str, str, Any]:
    return picture["look"], picture["name"], thing


def test_no_text_is_cut_in_any_size_language_or_orientation(pictures: list[dict[str, Any]]) -> None:
    assert len(pictures) > 150
    assert not [place(p, t["text"]) for p in pictures for t in p["texts"] if t["overflows"]]


def test_no_text_lies_on_another_or_off_the_screen(pictures: list[dict[str, Any]]) -> None:
    for picture in pictures:
        rects = [t["rect"] for t in picture["texts"]]
        pairs = [(a, b) for i, a in enumerate(rects) for b in rects[i + 1 :] if _overlap(a, b)]
        assert not pairs, (picture["look"], picture["name"], pairs)
        width, height = picture["size"]
        off = [
            r for r in rects if min(r) < -2 or r[0] + r[2] > width + 2 or r[1] + r[3] > height + 2
        ]
        assert not off, (picture["look"], picture["name"])


def test_a_number_is_larger_than_all_that_is_said_of_it(pictures: list[dict[str, Any]]) -> None:
    tickets = [p for p in pictures if "ticket" in p["name"]]
    assert len(tickets) > 20
    for picture in tickets:
        numbers = [t["pixels"] for t in picture["texts"] if t["role"] in ("number", "count")]
        others = [t["pixels"] for t in picture["texts"] if t["role"] not in ("number", "count")]
        assert min(numbers) > 1.3 * max(others), (picture["look"], picture["name"])


def test_no_heading_stands_at_the_foot_of_a_page(pictures: list[dict[str, Any]]) -> None:
    for picture in (p for p in pictures if p["name"] == "advice_rules"):
        roles = [t["role"] for t in picture["texts"][3:]]
        beneath = [after for role, after in pairwise(roles) if role == "lead"]
        assert beneath and set(beneath) == {"button"}, picture["look"]


def test_what_was_typed_can_be_cleared_and_all_that_was_found_reached_in_every_look(
    pictures: list[dict[str, Any]],
) -> None:
    searches = [p for p in pictures if p["name"] == "search_typed"]
    assert len({p["look"] for p in searches}) > 4
    for picture in searches:
        names = [button["name"] for button in picture["buttons"]]
        assert ("done" if picture["look"].endswith("low") else "clear") in names, picture["look"]
        found = [name for name in names if name.startswith("found-")]
        assert found, picture["look"]
        if not picture["look"].endswith("low"):  # where half a screen leaves room for one alone
            assert "next" in names, picture["look"]


def test_larger_letters_are_larger_and_never_under_the_usual_size(
    pictures: list[dict[str, Any]],
) -> None:
    large_already = ("greeting", "count", "number")
    grown = [
        place(p, (t["text"], t["pixels"] / t["usual"]))
        for p in pictures
        if "largest" in p["look"]
        for t in p["texts"]
        if t["role"] not in large_already
    ]
    assert [g for g in grown if g[2][1] < 0.99] == []
    ratios = sorted(g[2][1] for g in grown)
    assert ratios[len(ratios) // 2] >= 1.5, "most texts have all or nearly all of the growth"


CAPITAL = 0.711
"""Height of a capital in Roboto, of its font size."""


def test_at_the_largest_size_a_capital_is_seen_at_0_7_degrees_from_half_a_metre(
    pictures: list[dict[str, Any]],
) -> None:
    """EN 301 549, 5.1.4: distance / 82."""
    small = [
        place(p, (t["text"], t["pixels"]))
        for p in pictures
        if p["look"].startswith("1080x1920") and "largest" in p["look"]
        for t in p["texts"]
        if t["pixels"] * CAPITAL / p["mm"] < 500 / 82
    ]
    assert small == []


def test_all_is_inside_the_window_and_no_target_lies_on_another(
    pictures: list[dict[str, Any]],
) -> None:
    for picture in pictures:
        rects = [b["rect"] for b in picture["buttons"]]
        width, height = picture["size"]
        for x, y, w, h in rects:
            assert x >= -1 and y >= -1 and x + w <= width + 1 and y + h <= height + 1, picture
        pairs = [(a, b) for i, a in enumerate(rects) for b in rects[i + 1 :] if _overlap(a, b)]
        assert not pairs, (picture["look"], picture["name"])


def test_every_target_is_18_mm_or_more(pictures: list[dict[str, Any]]) -> None:
    small = [
        place(p, b) for p in pictures for b in p["buttons"] if min(b["rect"][2:]) < 18 * p["mm"] - 1
    ]
    assert small == []


def test_with_low_reach_nothing_is_touched_above_the_middle(pictures: list[dict[str, Any]]) -> None:
    low = [p for p in pictures if "low" in p["look"]]
    high = [place(p, b) for p in low for b in p["buttons"] if b["rect"][1] < p["size"][1] / 2 - 1]
    assert low and high == []


def test_from_every_picture_help_can_be_called_and_none_is_a_dead_end(
    pictures: list[dict[str, Any]],
) -> None:
    for picture in pictures:
        names = {b["name"] for b in picture["buttons"]}
        assert {"help", "access"} <= names, picture["name"]
        by_itself = picture["name"].startswith(("starting", "away", "closed"))
        assert by_itself or names - {"help", "access"}, picture["name"]


def test_everything_can_be_heard_once_and_in_the_order_of_reading(
    pictures: list[dict[str, Any]],
) -> None:
    """From above to below; what stands beside and below may come after what stands left of it."""
    for picture in pictures:
        items = picture["items"]
        acting = Counter(item["name"] for item in items if item["acts"])
        assert set(acting) == {b["name"] for b in picture["buttons"]}, picture["name"]
        assert set(acting.values()) <= {1}, picture["name"]
        assert all(item["words"] not in ("", "button") for item in items), picture["name"]
        for before, after in pairwise(items):
            ax, ay, aw, _ = before["rect"]
            bx, by, _, bh = after["rect"]
            assert by + bh > ay + 2 or bx >= ax + aw - 2, (picture["name"], before, after)


def _overlap(a: list[int], b: list[int]) -> bool:
    across = a[0] < b[0] + b[2] - 1 and b[0] < a[0] + a[2] - 1
    return across and a[1] < b[1] + b[3] - 1 and b[1] < a[1] + a[3] - 1


# --- at the kiosk itself --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("speech")
    said = subprocess.run(
        [sys.executable, "-m", "tests.access_room", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return found


def test_two_fingers_at_once_are_one_act(stories: dict[str, Any]) -> None:
    assert stories["two_fingers_at_once"] == {"step": "service"}


def test_the_second_strike_of_a_shaking_hand_does_not_act(stories: dict[str, Any]) -> None:
    assert stories["a_shaking_hand"] == [1.25, 1.25, 1.6]


def test_the_corner_held_starts_the_reading_and_presses_nothing(stories: dict[str, Any]) -> None:
    story = stories["the_corner"]
    assert story["reading"] and story["step"] == "welcome"
    assert story["said"].startswith("Rê ngón tay")


def test_exploring_hears_what_lies_beneath_and_two_taps_anywhere_act_once(
    stories: dict[str, Any],
) -> None:
    story = stories["explored"]
    assert story["heard"] == "Take a number. English. nút"
    assert story["lifted"] == "welcome", "lifting a finger never acts"
    assert (story["acted"], story["language"], story["after"]) == ("service", "en", "service")


def test_a_keypad_goes_through_all_in_reading_order_and_out_at_the_end(
    stories: dict[str, Any],
) -> None:
    story = stories["by_keypad"]
    assert story["gone"] == [*story["items"], story["items"][0]]
    assert story["framed"] and story["step"] == "service"


@needs_voice
def test_a_touch_stops_the_voice(stories: dict[str, Any]) -> None:
    assert stories["touched_while_it_speaks"] == {"spoke": True, "silent": True}


def test_headphones_pulled_out_hide_the_visit_at_once_and_end_it_soon(
    stories: dict[str, Any],
) -> None:
    assert stories["pulled_out"] == {"reading": [True, True], "covered": "idle", "step": "welcome"}


# --- fingers and keys, by the rules ---------------------------------------------------------------


def meant(*events: tuple[str, int, float, float, float]) -> list[Meaning]:
    """What comes of fingers on glass of 1 pixel a millimetre."""
    hand = Gestures(1.0)
    found = []
    for what, finger, x, y, now in events:
        act = {"down": hand.down, "move": hand.move, "up": hand.up}.get(what)
        found += act(finger, x, y, now) if act else hand.tick(now)
    return [gesture.meaning for gesture in found]


def test_one_tap_is_heard_and_two_act() -> None:
    tap = [("down", 1, 50, 50, 0.0), ("up", 1, 50, 50, 0.1)]
    assert meant(*tap, ("tick", 0, 0, 0, 0.6)) == [Meaning.EXPLORE]
    assert meant(*tap, ("down", 2, 90, 9, 0.3), ("up", 2, 90, 9, 0.4)) == [Meaning.ACT]


def test_a_swipe_goes_on_or_back_and_does_not_explore() -> None:
    assert meant(("down", 1, 50, 50, 0.0), ("up", 1, 90, 55, 0.2)) == [Meaning.NEXT]
    assert meant(("down", 1, 50, 50, 0.0), ("up", 1, 10, 45, 0.2)) == [Meaning.PREVIOUS]


def test_a_tap_with_two_fingers_is_silence_and_a_second_finger_beside_a_resting_one_acts() -> None:
    both = [("down", 1, 50, 50, 0.0), ("down", 2, 70, 50, 0.02)]
    assert meant(*both, ("up", 1, 50, 50, 0.1), ("up", 2, 70, 50, 0.12)) == [Meaning.HUSH]
    resting = [("down", 1, 50, 50, 0.0), ("tick", 0, 0, 0, 0.4)]
    split = meant(*resting, ("down", 2, 9, 9, 0.6), ("up", 2, 9, 9, 0.7), ("up", 1, 50, 50, 0.9))
    assert split == [Meaning.EXPLORE, Meaning.ACT]


def test_the_double_strike_can_be_set_and_keys_may_be_pressed_twice() -> None:
    strikes = Strikes(double_s=0.5)
    strikes.note("confirm", 1.0)
    assert not strikes.allow("confirm", False, 1.4)
    assert strikes.allow("confirm", False, 1.5) and strikes.allow("back", False, 1.1)
    assert strikes.allow("confirm", True, 1.1)


def test_learnt_keys_are_read_again_and_a_torn_file_is_told(tmp_path: Path) -> None:
    learnt = {82: keys.KeyName.UP, -282: keys.KeyName.JACK_IN}
    path = keys.write_keys(tmp_path, learnt)
    assert keys.read_keys(tmp_path) == learnt
    path.write_text('{"up"')
    with pytest.raises(keys.BadKeys, match="--learn-keys"):
        keys.read_keys(tmp_path)


# --- the voice ------------------------------------------------------------------------------------


class Ear:
    """A folder that stands for the sound card: each sound lies there under the device's name."""

    def __init__(self, folder: Path, then: str = "") -> None:
        self.folder = folder
        player = f"sh -c 'cat > {folder}/{{device}}-$$.wav; {then}'"
        settings = ReadingSettings(player=player, loudspeaker="loud", headphones="ear")
        self.reader = Reader(settings)
        self.reader.start()

    def sounds(self, device: str) -> list[Path]:
        return sorted(self.folder.glob(f"{device}-*.wav"))

    def hears(self, device: str = "loud", count: int = 1) -> list[Path]:
        until(lambda: len(self.sounds(device)) >= count, f"sound {count} on {device}", 10)
        until(lambda: not self.reader.speaking, "the end of the speech", 10)
        return self.sounds(device)


def loudness_db(path: Path) -> float:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    return 20 * float(np.log10(np.sqrt(np.mean(samples**2))))


@needs_voice
def test_what_is_said_is_spoken_in_the_language_of_the_screen(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    ear.reader.say("Chọn 2", "vi")
    vietnamese = ear.hears()[0].read_bytes()
    ear.reader.say("Chọn 2", "en")
    english = [path.read_bytes() for path in ear.hears(count=2)]
    ear.reader.stop()
    assert len(vietnamese) > 10_000 and sorted(english) != sorted([vietnamese, vietnamese])


@needs_voice
def test_what_is_private_is_never_said_by_the_loudspeaker(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    assert not ear.reader.say("Số căn cước 042163001234", private=True)
    ear.reader.plugged = True
    assert ear.reader.say("Số căn cước 042163001234", private=True)
    ear.hears("ear")
    ear.reader.plugged = False
    assert not ear.reader.say("Số căn cước 042163001234", private=True), "the headphones are out"
    ear.reader.stop()
    assert ear.sounds("loud") == []
    assert not ear.reader._kept, "and nothing of it is kept"


@needs_voice
def test_new_speech_stops_the_old_and_silence_stops_both(tmp_path: Path) -> None:
    ear = Ear(tmp_path, then="exec sleep 60")
    ear.reader.say("Một")
    until(lambda: ear.sounds("loud"), "the first")
    ear.reader.say("Hai")
    until(
        lambda: len(ear.sounds("loud")) == 2, "the second, although the first would last a minute"
    )
    ear.reader.hush()
    until(lambda: not ear.reader.speaking, "silence")
    ear.reader.stop()


@needs_voice
def test_the_volume_has_a_range_of_18_db_and_more(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    levels = []
    for count, db in enumerate((VOLUMES_DB[0], VOLUMES_DB[-1]), 1):
        ear.reader.volume_db = db
        ear.reader.say("Xin chào")
        heard = set(ear.hears(count=count))
        levels.append(max(loudness_db(path) for path in heard))
    ear.reader.stop()
    assert levels[1] - levels[0] >= 18


def test_without_a_voice_nothing_is_said_and_nothing_breaks(tmp_path: Path) -> None:
    settings = ReadingSettings(engine=str(tmp_path / "none"))
    reader = Reader(settings)
    reader.start()
    reader.say("Xin chào")
    until(lambda: not reader.speaking and reader._wanted is None, "the end of trying")
    assert any(t.name == "reader" for t in threading.enumerate()), "the next word is tried again"
    reader.stop()
    assert doctor_line(settings)[0] is False and "install espeak-ng" in doctor_line(settings)[1]


def test_a_long_page_is_spoken_by_sentences_and_loses_no_word() -> None:
    text = " ".join(f"Câu số {number} nói điều cần biết." for number in range(40))
    parts = pieces(text)
    assert len(parts) > 4 and " ".join(parts) == text


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises((wave.Error, EOFError)):
        quieter(b"RIFF of nothing", -6)


def test_a_stopped_reader_stops_within_a_moment(tmp_path: Path) -> None:
    reader = Reader(ReadingSettings())
    reader.start()
    began = time.monotonic()
    reader.stop()
    reader.stop()
    assert time.monotonic() - began < 1
