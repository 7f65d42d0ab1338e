"""The terminals' firmware on Wi-Fi: real MicroPython, real brokers, the real bridge and a whole centre."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge import frames
from firmware_bridge.frames import Colour, Frame, Key, Kind
from queue_server.doors.mosquitto import mosquitto_program
from queue_server.wire import firmware
from tests.brokers import MOSQUITTO, NATS, wait_for
from tests.firmware_room import compile_firmware, needed
from tests.test_firmware_over_line import NEW, SIGNER, changed, mostly_there, packed
from tests.wifi_room import (
    BROKER_PASSWORD,
    NETWORK,
    NETWORK_PASSWORD,
    PREFIX,
    ROLES,
    Carried,
    WifiRoom,
    wifi_room,
)

DARK = ["." * 32] * 8


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := needed():
        pytest.fail(missing)
    return compile_firmware(tmp_path_factory.mktemp("firmware") / "build")


@pytest.fixture(scope="module")
def shared(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WifiRoom]:
    with wifi_room(
        tmp_path_factory.mktemp("room"), build, NATS, firmware.public_hex(SIGNER)
    ) as made:
        yield made


@pytest.fixture
def room(shared: WifiRoom) -> WifiRoom:
    """One centre for all tests here; each leaves it as it was."""
    assert shared.ready()
    shared.begin()
    return shared


def read(payload: bytes, key: bytes) -> Frame:
    (found,) = frames.Deframer(lambda _: key).feed(payload)
    assert isinstance(found, Frame)
    return found


def presses(air: Carried, key: bytes) -> list[tuple[int, bytes]]:
    """All that a terminal has told of presses: count and payload."""
    frames_said = [x for topic, x in air.said if "/firmware/" not in topic]
    said = [(read(payload, key), payload) for payload in frames_said]
    return [(one.count, payload) for one, payload in said if one.kind is Kind.PRESS]


def lose(air: Carried, key: bytes, monkeypatch: pytest.MonkeyPatch, *kinds: Kind) -> None:
    monkeypatch.setattr(air, "lose", lambda payload: read(payload, key).kind in kinds)


# --- five faces ---


def test_a_press_is_counted_once_and_lights_green(room: WifiRoom) -> None:
    faces = room.air["rating"]
    room.centre.serve()
    assert faces.terminal.press(5)
    faces.terminal.wait("lamp", Colour.GREEN)
    assert room.counted(5)
    assert room.centre.ratings()[-1] == (5, "terminal:rating-3")
    assert room.ready()
    assert room.seen("rating").version == "1.0"
    assert [room.seen(role).kind for role in ROLES] == ["buttons", "keypad", "display"]


def test_it_connects_as_its_settings_say(room: WifiRoom) -> None:
    faces = room.air["rating"]
    assert {"joined": NETWORK, "password": NETWORK_PASSWORD} in faces.terminal.told
    how = faces.connects[0]
    assert (how["host"], how["port"], how["client_id"]) == ("mqtt.local", 1883, "motcua-rating-3")
    assert (how["user"], how["password"]) == ("rating", BROKER_PASSWORD)
    assert (how["clean_session"], how["keepalive"]) == (True, 60)
    asked = [(x["topic"], x["qos"]) for x in faces.terminal.told if x.get("mqtt") == "subscribe"]
    top = f"{PREFIX}/rating-3"
    assert asked[:2] == [(f"{top}/down", 1), (f"{top}/firmware/down", 1)]
    assert {topic for topic, _ in faces.said} == {f"{top}/up"}
    assert faces.qos == {1}


def test_power_lost_between_press_and_acknowledgement_counts_it_once(
    room: WifiRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, key = room.air["rating"], room.key("rating")
    room.centre.serve()
    with monkeypatch.context() as patch:
        lose(faces, key, patch, Kind.ACKNOWLEDGEMENT)
        assert faces.terminal.press(4)
        assert room.counted(4)
        faces.terminal.cut_power()
    before = len(presses(faces, key))
    room.centre.serve()
    faces.terminal.start()
    assert wait_for(lambda: len(presses(faces, key)) > before)
    assert len({count for count, _ in presses(faces, key)[before - 1 :]}) == 1
    assert faces.terminal.press(2)
    assert room.counted(4, 2)


def test_a_press_that_nobody_asked_for_is_told_of_again_by_itself(
    room: WifiRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, key = room.air["rating"], room.key("rating")
    room.centre.serve()
    with monkeypatch.context() as patch:
        lose(faces, key, patch, Kind.POLL)
        polls = len(faces.heard)
        assert faces.terminal.press(1)
        assert wait_for(lambda: len(faces.heard) > polls)
        assert room.ratings() == []
    assert room.counted(1)


def test_a_press_while_the_broker_is_away_clicks_and_comes_later_once(room: WifiRoom) -> None:
    press_while_the_broker_is_away(room)


@pytest.mark.skipif(mosquitto_program() is None, reason="mosquitto is not installed")
def test_so_it_does_on_mosquitto(build: Path, tmp_path: Path) -> None:
    with wifi_room(tmp_path, build, MOSQUITTO, roles=("rating",)) as room:
        assert room.ready()
        press_while_the_broker_is_away(room)


def press_while_the_broker_is_away(room: WifiRoom) -> None:
    faces = room.air["rating"]
    connects = len(faces.connects)
    room.centre.serve()
    room.centre.foreign.stop()
    assert wait_for(lambda: not faces.terminal.broker)
    before = len(faces.terminal.told)
    assert faces.terminal.press(4)
    faces.terminal.wait("buzz", False, before)
    assert room.ratings() == []
    room.centre.start_foreign()
    assert room.counted(4)
    assert room.ready()
    assert len(faces.connects) > connects
    assert room.ratings() == [4]


def test_a_network_that_went_is_joined_again_and_the_press_arrives(room: WifiRoom) -> None:
    faces = room.air["rating"]
    room.centre.serve()
    before = len(faces.terminal.told)
    faces.terminal.tell(wifi=False)
    assert faces.terminal.press(3)
    assert room.counted(3)
    assert sum("joined" in one for one in faces.terminal.told[before:]) == 1


# --- new firmware ---


def test_new_firmware_is_pulled_tried_and_kept_over_wifi(
    room: WifiRoom, build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_bridge.updates.OFFER_AGAIN_S", 0.3)
    faces = room.air["rating"]
    newer = shutil.copytree(build, tmp_path / "newer" / "firmware")
    changed(newer, "terminal", "VERSION = (1, 0)", "VERSION = (1, 1)")
    shelf = room.centre.data / "firmware"
    shelf.mkdir()
    (shelf / f"{NEW}.zip").write_bytes(packed(newer))
    faces.terminal.cut_power()
    assert faces.terminal.flash is not None
    mostly_there(faces.terminal.flash, packed(newer))
    faces.terminal.start()
    room.bridge.want_firmware({"rating-3": NEW})
    assert wait_for(lambda: room.seen("rating").update == "done", 20)
    assert room.seen("rating").version == "1.1"
    assert faces.terminal.press(2)
    assert wait_for(lambda: room.centre.store.refusals() == {"no_offer": 1})


# --- who must not be believed ---


def test_recorded_presses_are_not_counted_again_and_an_older_one_is_shown(room: WifiRoom) -> None:
    faces, key = room.air["rating"], room.key("rating")
    for score in (5, 1):
        room.centre.serve()
        faces.terminal.press(score)
    assert room.counted(5, 1)
    assert room.ready()
    *_, first, last = dict(presses(faces, key)).values()
    room.centre.serve()  # somebody could be rated now
    eavesdropper = room.centre.device()
    for payload in (last, first):
        eavesdropper.say(f"{PREFIX}/rating-3/up", payload)
    assert wait_for(lambda: room.seen("rating").state == "count_went_back")
    assert wait_for(room.centre.settled)
    assert room.ratings() == [5, 1]


def test_faces_that_the_bridge_knows_as_a_keypad_are_refused(room: WifiRoom) -> None:
    keypad, key = room.air["keypad"], room.key("keypad")
    own, log = keypad.terminal.settings, keypad.terminal.log
    keypad.terminal.cut_power()
    right, empty = own.read_text(), log.read_bytes()
    own.write_text(right.replace('"role": "keypad"', '"role": "rating"'))
    keypad.terminal.start()
    room.centre.serve()
    assert keypad.terminal.press(1)
    assert wait_for(lambda: room.seen("keypad").state == "kind")
    assert presses(keypad, key)
    assert room.ratings() == []
    keypad.terminal.cut_power()
    own.write_text(right)
    log.write_bytes(empty)
    keypad.terminal.start()


# --- keypad and display ---


def test_keys_act_and_the_display_follows_through_a_call_a_power_cut_and_a_server_that_went(
    room: WifiRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    keypad, display = room.air["keypad"].terminal, room.air["display"].terminal
    pictures = display.pictures
    unknown = next(one for one in pictures if one != DARK)
    display.wait_for(lambda: pictures[-1] == DARK)  # the counter is open, and serves nobody
    room.centre.take_number()
    before = len(pictures)
    assert keypad.press(Key.NEXT)
    keypad.wait("lamp", Colour.GREEN)
    display.wait_for(lambda: pictures[before:].count(DARK) >= 2)
    display.wait_for(lambda: pictures[-1] not in (DARK, unknown))
    number = pictures[-1]
    assert pictures[before:].count(number) >= 2  # it blinks

    display.cut_power()
    pictures.clear()
    display.start()
    display.wait_for(lambda: number in pictures)

    monkeypatch.setattr("firmware_bridge.bridge.AWAY_AFTER_S", 0.0)
    pictures.clear()
    room.centre.home.kill_broker()
    display.wait_for(lambda: unknown in pictures)
    display.wait_for(lambda: pictures[-1] == number)  # the broker was started again
    assert keypad.press(Key.FINISH)
    display.wait_for(lambda: pictures[-1] == DARK)
