"""Terminals on Wi-Fi: a press counts once, is signed, fresh and acknowledged, whatever the broker does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_bridge import frames, main, settings
from firmware_bridge.clock import Moment
from firmware_bridge.foreign.part import Said
from firmware_bridge.foreign.pretend_wifi import PretendWifi
from firmware_bridge.foreign.wifi import (
    ASK_DISPLAY_S,
    KEY_POLL_LASTS_S,
    POLL_LASTS_S,
    SHOW_AGAIN_S,
    WifiTerminals,
)
from firmware_bridge.frames import Colour, Display, Frame, Key, KeyPress, Kind, Lamp, Press, Status
from firmware_bridge.pretend_terminal import PressLog, PretendTerminal
from firmware_bridge.store import KeptPress, PressStore, StoreFailed
from firmware_bridge.terminals import Role, Terminal
from queue_server.line import orders as o
from tests.brokers import BOTH, wait_for
from tests.enrolled import enrol_bridge
from tests.foreign_room import COUNTER, ForeignRoom, foreign_room

SETTINGS = """
[[bridge.wifi]]
name = "hop-3"
counter = 3
"""
UP, DOWN = "motcua-terminals/hop-3/up", "motcua-terminals/hop-3/down"
KEY = bytes(range(32))


class Air:
    """A pretend terminal and the bridge's side of it, with everything between them in the test's hands."""

    def __init__(self, folder: Path, role: Role = Role.RATING) -> None:
        self.folder, self.at, self.role = folder, 1_000.0, role
        self.lamps: list[Colour] = []
        self.shown: list[Display] = []
        self.down: list[bytes] = []
        self.up: list[bytes] = []
        self.store = PressStore(folder / "presses.db")
        self.side = WifiTerminals(
            "motcua-terminals",
            (Terminal("hop-3", 1, 3, KEY, role),),
            self.store,
            lambda _, payload, __: self.down.append(payload),
            now=lambda: Moment(int(self.at * 1000), int(self.at * 1000), "boot"),
            monotonic=lambda: self.at,
        )
        self.start_terminal()
        self.side.connected(True)

    def start_terminal(self, key: bytes = KEY) -> None:
        log = PressLog(self.folder / "log.json")
        own = PretendTerminal(1, key, log, self.role, self.lamps.append, self.shown.append)
        self.wifi = PretendWifi(own, self.up.append)

    def carry(self) -> None:
        """Hand everything over until nobody says anything more."""
        while self.up or self.down:
            for payload in self._taken(self.up):
                self.bridge_hears(payload)
            for payload in self._taken(self.down):
                self.wifi.hear(payload)

    def bridge_hears(self, payload: bytes, retained: bool = False) -> None:
        self.side.hear(Said(UP, payload, retained))

    def _taken(self, line: list[bytes]) -> list[bytes]:
        taken = list(line)
        line.clear()
        return taken

    def scores(self) -> list[int]:
        return [press.score for press in self.store.waiting(100)]

    def keys(self) -> list[str]:
        return [press.key for press in self.store.waiting(100)]

    def pass_time(self, seconds: float) -> None:
        self.at += seconds
        self.side.tick()

    @property
    def state(self) -> str:
        (seen,) = self.side.terminals()
        return seen.state


@pytest.fixture
def role() -> Role:
    return Role.RATING


@pytest.fixture
def air(tmp_path: Path, role: Role) -> Iterator[Air]:
    made = Air(tmp_path, role)
    yield made
    made.store.close()


keypad = pytest.mark.parametrize("role", [Role.KEYPAD])
display = pytest.mark.parametrize("role", [Role.DISPLAY])


def press_frame(air: Air, button: int = 5) -> bytes:
    """A press as it goes through the air, in answer to an open poll; the bridge has not heard it."""
    air.carry()
    air.wifi.press(button)
    for payload in air._taken(air.up):
        air.bridge_hears(payload)
    for payload in air._taken(air.down):
        air.wifi.hear(payload)
    (said,) = air._taken(air.up)
    return said


# --- a good day ---


def test_presses_are_kept_in_order_and_acknowledged(air: Air) -> None:
    for button in (5, 1, 3):
        air.wifi.press(button)
    air.carry()
    assert air.scores() == [5, 1, 3]
    assert air.wifi.terminal.waiting == 0
    assert air.state == "ok"


def test_a_terminal_that_slept_through_it_all_is_heard_when_it_wakes(air: Air) -> None:
    air.down.clear()
    air.at += 3_600
    assert air.state == "never_seen"
    air.wifi.press(4)
    air.carry()
    assert air.scores() == [4]
    air.at += 901
    air.side.tick()
    assert air.state == "silent"


def test_the_visitor_sees_a_light(air: Air) -> None:
    air.wifi.press(5)
    air.carry()
    air.side.show("hop-3", Lamp(Colour.GREEN))
    air.side.show("other", Lamp(Colour.RED))
    air.carry()
    assert air.lamps == [Colour.GREEN]


# --- what breaks ---


def test_a_lost_acknowledgement_does_not_count_the_press_twice(air: Air) -> None:
    said = press_frame(air)
    air.bridge_hears(said)
    air.down.clear()  # nobody heard the acknowledgement
    air.wifi.greet()
    air.carry()
    assert air.scores() == [5]
    assert air.wifi.terminal.waiting == 0


def test_what_the_disk_does_not_take_is_not_acknowledged(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = air.store.keep

    def full(press: KeptPress, refusal: str = "") -> None:
        raise StoreFailed("disk is full")

    monkeypatch.setattr(air.store, "keep", full)
    air.wifi.press(2)
    air.carry()
    assert air.wifi.terminal.waiting == 1
    assert air.state == "store_failed"
    monkeypatch.setattr(air.store, "keep", keep)
    air.wifi.greet()
    air.carry()
    assert air.scores() == [2]


def test_a_press_before_a_power_cut_is_tied_to_nobody_when_its_time_is_unknown(air: Air) -> None:
    air.down.clear()
    air.wifi.terminal.press(1)
    air.start_terminal()
    air.wifi.greet()
    air.carry()
    assert air.store.refusals() == {"age_unknown": 1}
    assert air.wifi.terminal.waiting == 0


# --- who must not be believed ---


def test_a_recorded_press_is_not_counted_again(air: Air) -> None:
    said = press_frame(air)
    for _ in range(3):
        air.bridge_hears(said)
    air.carry()
    air.at += 60
    air.bridge_hears(said)
    air.carry()
    assert air.scores() == [5]


def test_a_press_held_back_is_refused_and_told_anew_with_its_age(air: Air) -> None:
    said = press_frame(air)
    air.at += POLL_LASTS_S
    air.bridge_hears(said)
    assert air.scores() == []
    air.carry()
    assert air.scores() == [5]


def test_old_greetings_played_back_do_not_shut_out_the_answer(air: Air) -> None:
    air.wifi.greet()
    (greeting,) = air._taken(air.up)
    said = press_frame(air)
    for _ in range(10):
        air.bridge_hears(greeting)
    air.bridge_hears(said)
    assert air.scores() == [5]


@pytest.mark.parametrize(
    ("spoil", "state"),
    [
        (lambda air: air.start_terminal(bytes(32)), "forged"),
        (lambda air: (air.folder / "log.json").unlink() or air.start_terminal(), "count_went_back"),
    ],
)
def test_a_wrong_key_and_a_lost_memory_are_refused_and_shown(air: Air, spoil, state: str) -> None:
    for _ in range(2):
        air.wifi.press(5)
    air.carry()
    spoil(air)
    air.wifi.press(1)
    air.carry()
    assert air.state == state
    assert air.scores() == [5, 5]


def test_retained_spoiled_and_foreign_frames_are_nothing(air: Air) -> None:
    said = press_frame(air)
    air.bridge_hears(said, retained=True)
    air.bridge_hears(said[:-4] + b"\0")
    air.bridge_hears(b"")
    air.bridge_hears(b"\xff" * 5_000)
    lamp = Frame(1, 1, Kind.LAMP, 9, Lamp(Colour.GREEN).payload())
    air.bridge_hears(frames.encode(lamp, KEY))
    odd = Frame(1, 1, Kind.STATUS, 9, Status(0).payload() + b"more")
    assert air.scores() == []
    air.bridge_hears(frames.encode(odd, KEY))
    assert air.state == "payload_wrong"


# --- a keypad ---


@keypad
def test_keys_are_kept_as_keys_and_acknowledged(air: Air) -> None:
    for key in (Key.NEXT, Key.FINISH):
        air.wifi.press(key)
    air.carry()
    assert air.keys() == ["next", "finish"]
    assert air.scores() == [0, 0]
    assert air.wifi.terminal.waiting == 0
    (seen,) = air.side.terminals()
    assert (seen.kind, seen.make) == ("keypad", "wifi")


@keypad
def test_a_key_that_is_held_back_is_told_anew_with_its_age(air: Air) -> None:
    said = press_frame(air, Key.NEXT)
    air.at += KEY_POLL_LASTS_S
    air.bridge_hears(said)
    assert air.keys() == []
    air.carry()
    assert air.keys() == ["next"]


@keypad
def test_a_replayed_key_acts_once(air: Air) -> None:
    said = press_frame(air, Key.NEXT)
    for _ in range(3):
        air.bridge_hears(said)
    air.carry()
    assert air.keys() == ["next"]


@pytest.mark.parametrize(
    ("role", "told"),
    [
        (Role.RATING, KeyPress(0, Key.NEXT, 0)),
        (Role.KEYPAD, Press(0, 5, 0)),
        (Role.DISPLAY, Press(0, 5, 0)),
        (Role.DISPLAY, KeyPress(0, Key.NEXT, 0)),
    ],
)
def test_a_role_may_tell_only_its_own_kind(air: Air, told: Press | KeyPress) -> None:
    kind = Kind.KEY if isinstance(told, KeyPress) else Kind.PRESS
    (poll,) = frames.Deframer(lambda _: KEY).feed(air.down[0])
    assert isinstance(poll, Frame)
    fresh = replace(told, poll=poll.count)
    air.bridge_hears(frames.encode(Frame(1, 1, kind, 1, fresh.payload()), KEY))
    assert air.state == "kind"
    assert air.store.waiting(100) == []


# --- a display ---


@display
def test_a_display_shows_what_its_counter_serves_and_is_told_once(air: Air) -> None:
    air.side.display(3, "A012", 0.0)
    air.side.display(4, "B001", 0.0)
    air.carry()
    air.pass_time(ASK_DISPLAY_S)
    air.carry()
    assert air.shown == [Display("A012")]
    (seen,) = air.side.terminals()
    assert (seen.kind, seen.state) == ("display", "ok")


@display
def test_a_call_blinks_and_a_recall_blinks_again(air: Air) -> None:
    for _ in range(2):
        air.side.display(3, "A012", 10.0)
        air.carry()
        air.at += 5
    assert air.shown == [Display("A012", 100), Display("A012", 100)]


@display
def test_a_display_that_was_away_is_told_when_it_greets_and_blinks_what_is_left(air: Air) -> None:
    air.side.display(3, "A012", 10.0)
    air.down.clear()  # nobody heard it
    air.at += 4
    air.wifi.greet()
    air.carry()
    assert air.shown == [Display("A012", 60)]


@display
def test_a_text_that_got_lost_is_said_again_without_a_greeting(air: Air) -> None:
    air.carry()
    air.side.display(3, "A012", 0.0)
    air.down.clear()
    air.pass_time(SHOW_AGAIN_S)
    air.carry()
    assert air.shown == [Display("A012")]


@display
def test_a_display_that_lost_power_is_told_again(air: Air) -> None:
    air.side.display(3, "A012", 0.0)
    air.carry()
    air.at += 60
    air.start_terminal()
    air.wifi.greet()
    air.carry()
    assert air.shown == [Display("A012"), Display("A012")]


@display
def test_a_display_is_polled_often_enough_to_keep_its_number(air: Air) -> None:
    air.carry()
    polls = 0
    for _ in range(60):
        air.pass_time(1)
        polls += len(air.down)
        air.carry()
    assert 5 <= polls <= 7


def test_nobody_polls_a_rating_terminal_that_says_nothing(air: Air) -> None:
    air.carry()
    air.side.display(3, "A012", 0.0)
    for _ in range(60):
        air.pass_time(1)
    assert air.down == []


def test_a_bridge_enrolled_for_another_counter_does_not_start_with_a_display_on_wifi(
    tmp_path: Path,
) -> None:
    enrol_bridge(tmp_path, "bridge-1", "demo", 1, counter=7)
    own = tmp_path / "bridge.toml"
    own.write_text(f'[bridge.foreign]\nhost = "h"\n{SETTINGS}role = "display"\n')
    with pytest.raises(main.CannotStart, match="display hop-3 stands at counter 3"):
        main.compose(tmp_path, own, None)


# --- with a real broker and a real centre ---


@pytest.fixture(params=BOTH)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForeignRoom]:
    with foreign_room(tmp_path, SETTINGS, request.param) as made:
        made.order(o.OpenCounter(counter=COUNTER))
        made.open()
        yield made


def test_a_press_over_wifi_rates_the_visit_and_lights_green(
    room: ForeignRoom, tmp_path: Path
) -> None:
    key = settings.read_key(room.data / "terminals" / "hop-3.key")
    lamps: list[Colour] = []
    own = PretendTerminal(1, key, PressLog(tmp_path / "log.json"), on_lamp=lamps.append)
    client = room.device(DOWN)
    wifi = PretendWifi(own, lambda payload: client.paho.publish(UP, payload, 1))
    client.paho.on_message = lambda _c, _d, said: wifi.hear(said.payload)
    room.serve()
    wifi.press(5)
    assert wait_for(lambda: lamps == [Colour.GREEN])
    assert room.ratings() == [(5, "terminal:hop-3")]
    assert room.health["terminal:hop-3"] == "ok"
    assert own.waiting == 0
    room.home.kill_server()
    wifi.press(1)
    assert wait_for(lambda: own.waiting == 0 and room.health["waiting"] == "1")
