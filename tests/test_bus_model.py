"""Thirty terminals on one line in made time: the real master and firmware through collisions and dead ones."""

from __future__ import annotations

import pytest

from bench.bus_line import Room, Station
from firmware_bridge import frames, ota
from firmware_bridge.bus import SILENT_AFTER, SLOWEST_POLL_S, TROUBLE_LASTS_S

THIRTY = 30


def buttons_of(addresses: range) -> set[tuple[str, int]]:
    return {(f"t{address}", address % 5 + 1) for address in addresses}


def press_all(room: Room, addresses: range) -> None:
    for address in addresses:
        assert room.station(address).press(address % 5 + 1)


@pytest.mark.parametrize(
    ("baud", "latency_s", "seconds"),
    [(115_200, 0.001, 0.29), (19_200, 0.001, 0.97), (19_200, 0.016, 1.42), (9_600, 0.001, 1.78)],
)
def test_an_idle_round_takes_as_long_as_the_page_says(
    baud: int, latency_s: float, seconds: float
) -> None:
    room = Room(THIRTY, baud, latency_s)
    took = room.rounds(10)
    assert sum(took) / len(took) == pytest.approx(seconds, abs=0.005)
    assert room.line.spoiled == 0


@pytest.mark.parametrize("baud", [115_200, 19_200])
def test_thirty_pressed_in_one_moment_are_all_stored_once_within_one_round(baud: int) -> None:
    room = Room(THIRTY, baud)
    room.rounds(2)
    press_all(room, range(1, THIRTY + 1))
    room.round()
    assert set(room.kept()) == buttons_of(range(1, THIRTY + 1))
    assert len(room.kept()) == THIRTY
    room.rounds(2)
    assert not any(station.log.waiting for station in room.line.stations)


def test_answers_that_come_too_late_spoil_others_frames_and_still_nothing_is_lost_or_doubled() -> (
    None
):
    """Five terminals are slow, now and then: they speak into the polls and answers of their neighbours."""
    room = Room(THIRTY, 19_200, reply_ms=20)
    for address in range(1, 6):
        room.station(address).think = lambda: (
            room.prompt() + room.line.chance.choice((0, 0, 0.08, 0.1))
        )
    for _ in range(4):
        press_all(room, range(1, THIRTY + 1))
        room.rounds(12)
    room.rounds(60)
    assert room.line.spoiled > 20
    kept = room.kept()
    assert set(kept) == buttons_of(range(1, THIRTY + 1))
    assert len(kept) == 4 * THIRTY
    assert "forged" not in room.states()


def test_a_forged_frame_in_a_neighbours_turn_is_told_at_once_and_its_end_too() -> None:
    room = Room(THIRTY, 115_200)
    told: list[set[str]] = []
    room.bus.on_change = lambda: told.append(room.states())
    room.round()
    press = frames.Frame(3, 1, frames.Kind.PRESS, 9, frames.Press(1, 1, 0).payload())
    room.line.drive(99, room.line.time, b"\0" + frames.encode(press, bytes(frames.KEY_BYTES)))
    room.line.sleep(room.timing.pause_s)
    room.rounds(2)
    assert told == [{"ok"}, {"ok", "forged"}]
    room.line.sleep(TROUBLE_LASTS_S)
    room.rounds(2)
    assert told[2:] == [{"ok"}]
    assert room.kept() == []


def test_presses_that_a_full_log_did_not_take_are_told_at_once() -> None:
    room = Room(1, 115_200)
    room.rounds(1)
    changes: list[int] = []
    room.bus.on_change = lambda: changes.append(room.bus.health()[0].lost)
    room.station(1)._firmware._role.lost += 1
    room.rounds(3)
    assert changes == [1]


def test_two_terminals_with_one_address_spoil_each_other_and_nobody_else() -> None:
    room = Room(THIRTY, 19_200)
    twice = room.station(7)
    room.line.stations.append(Station(room.line, 99, 7, twice.key, room.prompt))
    press_all(room, range(1, THIRTY + 1))
    room.rounds(20)
    assert room.line.spoiled > 0
    assert buttons_of(range(1, THIRTY + 1)) - set(room.kept()) <= {("t7", 3)}
    assert not {health.name for health in room.bus.health() if health.state != "ok"} - {"t7"}


def test_dead_terminals_slow_the_others_down_for_a_few_rounds_only() -> None:
    room = Room(THIRTY, 19_200)
    (alone, *_) = room.rounds(1)
    for address in range(1, 11):
        room.station(address).alive = False
    slow = room.rounds(SILENT_AFTER)
    assert min(slow) > alone
    while room.line.time < 60:
        room.rounds(1)
    before = room.line.time
    later = room.rounds(20)
    dead_s = sum(later) - 20 * alone * 20 / THIRTY
    polls = 10 * ((room.line.time - before) / SLOWEST_POLL_S + 1)
    assert dead_s < polls * room.timing.deadline(21)
    assert {health.state for health in room.bus.health()[:10]} == {"silent"}
    room.station(3).alive = True
    room.station(3).press(1)
    room.rounds(4)
    assert room.kept() == [("t3", 1)]


def test_a_terminal_that_never_stops_talking_is_the_only_thing_that_stops_a_line() -> None:
    """And when it is pulled out, all that was pressed meanwhile arrives."""
    room = Room(THIRTY, 19_200)
    room.rounds(1)

    def babble(left: int) -> None:
        end = room.line.drive(99, room.line.time, b"\x55" * 20)
        if left:
            room.line.at(end, lambda: babble(left - 1))

    babble(2_000)
    press_all(room, range(1, THIRTY + 1))
    room.rounds(3)
    assert room.kept() == []
    room.line.sleep(30)
    room.rounds(3)
    assert set(room.kept()) == buttons_of(range(1, THIRTY + 1))
    assert len(room.kept()) == THIRTY


class Wanting:
    """A terminal that asks for one piece after another, for ever."""

    def __init__(self) -> None:
        self.pieces = 0

    def word(self) -> tuple[int, bytes]:
        return int(frames.Kind.WANT), ota.Want(1, 1, 48 * self.pieces).body()

    def hear(self, kind: int, _payload: bytes) -> None:
        self.pieces += kind == frames.Kind.PIECE


@pytest.mark.parametrize(("baud", "seconds"), [(115_200, 0.31), (19_200, 1.07)])
def test_new_firmware_for_all_thirty_slows_a_round_little_and_none_waits_for_ever(
    baud: int, seconds: float
) -> None:
    room = Room(THIRTY, baud)
    room.bus.on_update = lambda _, want: [ota.Piece(1, 1, want.offset, bytes(48))]  # type: ignore[union-attr]
    wanting = [Wanting() for _ in range(THIRTY)]
    for station, one in zip(room.line.stations, wanting, strict=True):
        station.wants(one)
    took = room.rounds(90)
    assert sum(took) / len(took) == pytest.approx(seconds, abs=0.005)
    assert room.line.spoiled == 0
    assert sum(one.pieces for one in wanting) >= 90
    assert min(one.pieces for one in wanting) >= 2
    press_all(room, range(1, THIRTY + 1))
    room.round()
    assert set(room.kept()) == buttons_of(range(1, THIRTY + 1))
