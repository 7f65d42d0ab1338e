"""The firmware's parts by themselves: a log that survives any power cut, buttons that bounce, settings."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.firmware import buttons, press_log, settings
from firmware_bridge.firmware.buttons import HELD, PRESSED, Buttons
from firmware_bridge.firmware.frame import Deframer, Signer, encode
from firmware_bridge.firmware.frame import Frame as FirmwareFrame
from firmware_bridge.firmware.press_log import HOLDS, SIZE, PressLog
from firmware_bridge.terminals import Terminal

KEY = bytes(range(32))


class PowerCut(Exception):
    pass


class Flash(io.BytesIO):
    """A file that counts its writes, and loses power after `left` bytes of one, or takes no more."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.left: int | None = None
        self.full = False

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.full:
            raise OSError(28)
        self.writes += 1
        if self.left is None:
            return super().write(data)
        left, self.left = self.left, None
        super().write(data[:left])
        raise PowerCut


class Bridge:
    """What the bridge does with presses: each new count once; the last again is fine, an older one is not."""

    def __init__(self) -> None:
        self.highest = 0
        self.kept: list[int] = []

    def hear(self, log: PressLog, acknowledge: bool) -> None:
        press = log.oldest()
        if press is None:
            return
        assert press.count >= self.highest, "count_went_back"
        if press.count > self.highest:
            self.kept.append(press.button)
            self.highest = press.count
        if acknowledge:
            assert log.acknowledged(press.count)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("press"), st.integers(1, 5)),
        st.tuples(st.just("poll"), st.just(1)),
        st.tuples(st.just("poll"), st.booleans()),
        st.tuples(st.just("cut"), st.just(0)),
        st.tuples(st.just("cut in a write"), st.integers(0, 20)),
        st.tuples(st.just("full"), st.booleans()),
    ),
    max_size=300,
)


@contextmanager
def small_ring() -> Iterator[None]:
    """A ring of few places, so that chance comes round it often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(press_log, "HOLDS", 4)
        patch.setattr(press_log, "SLOTS", 8)
        patch.setattr(press_log, "SIZE", 8 * 20)
        yield


@hypothesis.settings(max_examples=400)
@given(steps)
def test_whatever_is_cut_off_every_press_that_clicked_is_told_once_and_in_order(
    what: list[tuple[str, int]],
) -> None:
    with small_ring():
        flash, bridge = Flash(), Bridge()
        clicked = play_out(flash, bridge, what)
        log = PressLog(flash)
        while log.waiting:
            bridge.hear(log, True)
    assert bridge.kept == clicked


def play_out(flash: Flash, bridge: Bridge, what: list[tuple[str, int]]) -> list[int]:
    """The buttons whose presses the log took."""
    clicked: list[int] = []
    log = PressLog(flash)
    for step, value in what:
        try:
            if step == "press" and log.add(value, 0):
                clicked.append(value)
            elif step == "poll":
                bridge.hear(log, bool(value))
        except PowerCut:
            log = PressLog(flash)
            clicked += [value] * (log.count - len(clicked))  # written whole, though no click
        if step == "cut":
            log = PressLog(flash)
        flash.left = value if step == "cut in a write" else None
        flash.full = bool(value) if step == "full" else flash.full
    flash.left, flash.full = None, False
    return clicked


@pytest.mark.parametrize("told", range(HOLDS + 1))
def test_the_ring_never_bites_its_tail(told: int) -> None:
    """Full, some told, as many pressed: now the oldest that waits lies farthest behind."""
    flash, bridge = Flash(), Bridge()
    log = PressLog(flash)
    for button in range(HOLDS):
        assert log.add(button % 5 + 1, 0)
    for _ in range(told):
        bridge.hear(log, True)
    for button in range(told):
        assert log.add(button % 5 + 1, 0)
    assert not log.add(1, 0)
    after = PressLog(flash)
    assert [w.count for w in after.waiting] == [w.count for w in log.waiting]


def test_a_press_told_before_the_next_costs_one_write_and_in_a_backlog_two() -> None:
    flash, bridge = Flash(), Bridge()
    log = PressLog(flash)
    flash.writes = 0
    for _ in range(100):
        log.add(5, 0)
        bridge.hear(log, True)
    assert flash.writes == 100
    for _ in range(60):
        log.add(5, 0)
    while log.waiting:
        bridge.hear(log, True)
    assert flash.writes == 100 + 60 + 59
    assert len(flash.getvalue()) <= SIZE


def test_what_the_flash_does_not_take_as_told_is_not_followed_by_another_press() -> None:
    flash = Flash()
    log = PressLog(flash)
    log.add(1, 0)
    log.add(2, 0)
    flash.full = True
    assert log.acknowledged(1)
    assert (log.oldest(), len(log.waiting)) == (None, 1)
    flash.full = False
    second = log.oldest()
    assert second is not None and second.button == 2


def test_an_acknowledgement_of_another_press_forgets_nothing() -> None:
    log = PressLog(Flash())
    log.add(1, 0)
    log.add(2, 0)
    assert not log.acknowledged(2)
    assert [press.count for press in log.waiting] == [1, 2]


def test_a_press_from_before_the_power_cut_says_that_its_age_is_unknown() -> None:
    flash = Flash()
    PressLog(flash).add(3, 1_000)
    (press,) = PressLog(flash).waiting
    assert (press.button, press.at) == (3, None)


def test_a_file_of_rubbish_is_an_empty_log() -> None:
    flash = Flash()
    io.BytesIO.write(flash, b"\xff" * SIZE)
    log = PressLog(flash)
    assert (log.count, log.waiting) == (0, [])
    assert log.add(1, 0)
    assert PressLog(flash).count == 1


# --- buttons ---


def play(samples: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(ms, bits) each; what happened, with its time."""
    made = Buttons(5)
    return [(at, *one) for at, bits in samples for one in made.sample(bits, at)]


def steady(bits: int, start: int, end: int) -> list[tuple[int, int]]:
    return [(at, bits) for at in range(start, end, 2)]


def test_a_press_that_bounces_is_one_press() -> None:
    bouncing = [(at, at // 3 % 2) for at in range(100, 115)]
    happened = play([*steady(0, 0, 100), *bouncing, *steady(1, 115, 300), *steady(0, 300, 900)])
    assert [(what, button) for _, what, button in happened] == [(PRESSED, 1)]
    assert 115 <= happened[0][0] <= 115 + buttons.STABLE_MS + 6


def test_a_spark_on_a_long_wire_is_no_press() -> None:
    assert play([*steady(0, 0, 50), *steady(2, 50, 70), *steady(0, 70, 300)]) == []


def test_a_late_sample_alone_proves_nothing() -> None:
    """Flash was being written for 80 ms: what the two ends of that time show may be two bounces."""
    assert play([(0, 0), (2, 0), (4, 1), (84, 1), (86, 0), (88, 0), (200, 0)]) == []


def test_an_eager_finger_is_one_press_and_a_second_one_later_is_another() -> None:
    eager = [*steady(1, 0, 60), *steady(0, 60, 200), *steady(1, 200, 300)]
    assert len(play(eager)) == 1
    assert len(play([*eager, *steady(0, 300, 800), *steady(1, 800, 900)])) == 2


def test_a_held_button_says_so_once_and_a_stuck_one_is_pressed_once() -> None:
    happened = play(steady(4, 0, 60_000))
    assert [(what, button) for _, what, button in happened] == [(PRESSED, 3), (HELD, 3)]


def test_two_buttons_at_once_are_two_presses() -> None:
    happened = play(steady(0b10001, 0, 100))
    assert [(what, button) for _, what, button in happened] == [(PRESSED, 1), (PRESSED, 5)]


# --- settings and frames ---


def test_the_terminal_names_its_key_as_the_bridge_does() -> None:
    text = json.dumps({"role": "rating", "address": 7, "key": KEY.hex()})
    own = settings.read(text)
    assert (own.role, own.address, own.baud, own.key) == ("rating", 7, 115_200, KEY)
    assert own.key_id == Terminal("t1", 7, 1, KEY).key_id


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "kiosk"},
        {"address": 0},
        {"address": "1"},
        {"key": "00"},
        {"key": "x"},
        {"key": None},
        {"baud": 5},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"role": "rating", "address": 7, "key": KEY.hex()}
    with pytest.raises(settings.SettingsWrong):
        settings.read(json.dumps(right | wrong))


@pytest.mark.parametrize("text", ["", "{}", "[]", "1", '{"role": "rating"}'])
def test_a_settings_file_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(settings.SettingsWrong):
        settings.read(text)


@given(st.lists(st.binary(max_size=300), max_size=6), st.binary(max_size=64))
def test_any_noise_is_survived_and_the_next_frame_understood(
    noise: list[bytes], payload: bytes
) -> None:
    signer = Signer(KEY)
    deframer = Deframer(3, signer)
    assert [deframer.feed(piece) for piece in noise] == [[]] * len(noise)
    (found,) = deframer.feed(encode(FirmwareFrame(3, 1, 1, 9, payload), signer))
    assert (found.count, found.payload) == (9, payload)


def test_words_of_others_behind_a_frame_are_counted_and_its_own_delimiter_is_not() -> None:
    signer = Signer(KEY)
    ours = encode(FirmwareFrame(3, 1, 1, 9), signer)
    others = encode(FirmwareFrame(4, 1, 1, 9), signer)
    deframer = Deframer(3, signer)
    deframer.feed(others + ours)
    assert deframer.after == 0
    deframer.feed(others[:5])
    deframer.feed(others[5:10])
    assert deframer.after == 9
    deframer.feed(others[10:] + ours)
    assert deframer.after == 0
