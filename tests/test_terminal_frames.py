"""Frames between terminals and bridge: vectors of the protocol page, noise, bit flips, counts that go back."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import clock, frames, terminals
from firmware_bridge.clock import Moment
from firmware_bridge.frames import (
    Broken,
    Deframer,
    Display,
    Frame,
    Key,
    KeyPress,
    Kind,
    Lamp,
    Press,
    Status,
)
from firmware_bridge.store import Kept, KeptPress, PressStore

PAGE = Path(__file__).parents[1] / "docs" / "terminal-protocol.md"
VECTORS = json.loads((Path(__file__).parent / "data" / "terminal_vectors.json").read_text("utf-8"))
KEY = bytes(range(32))
OTHER_KEY = bytes(32)

made_frames = st.builds(
    Frame,
    address=st.integers(1, frames.HIGHEST_ADDRESS),
    sequence=st.integers(0, 255),
    kind=st.sampled_from(Kind),
    count=st.integers(0, frames.HIGHEST_COUNT),
    payload=st.binary(max_size=frames.MAX_PAYLOAD),
)


def hear(data: bytes, key: bytes = KEY) -> list[Frame | Broken]:
    return Deframer(lambda _: key).feed(data)


def rows(columns: int) -> list[list[str]]:
    """The tables of the page's last section that have so many columns, without their heads."""
    section = PAGE.read_text("utf-8").split("## 6. Vectors")[1]
    cells = [
        re.split(r"\s*\|\s*", line.strip("| ")) for line in section.splitlines() if "|" in line
    ]
    return [[c.strip("`") for c in row] for row in cells if len(row) == columns and "`" in row[-1]]


# --- the vectors ---


@pytest.mark.parametrize("row", VECTORS["frames"], ids=lambda row: row["frame"])
def test_the_vectors_are_what_the_code_makes_and_reads(row: dict[str, str]) -> None:
    address, sequence, kind, count = (int(row[x]) for x in ("address", "sequence", "kind", "count"))
    frame = Frame(address, sequence, Kind(kind), count, bytes.fromhex(row["payload"]))
    assert frames.encode(frame, KEY).hex() == row["bytes"]
    assert hear(bytes.fromhex(row["bytes"])) == [frame]


@pytest.mark.parametrize("row", VECTORS["refused"], ids=lambda row: row["why"])
def test_the_bad_vectors_are_refused_for_the_reason_they_name(row: dict[str, str]) -> None:
    deframer = Deframer(lambda address: KEY if address == 1 else None)
    (broken,) = deframer.feed(bytes.fromhex(row["bytes"]))
    assert isinstance(broken, Broken)
    assert broken.flaw == row["flaw"]


def test_the_page_shows_all_vectors_of_the_file_and_their_key() -> None:
    assert rows(7) == [[str(cell) for cell in row.values()] for row in VECTORS["frames"]]
    assert rows(3) == [list(row.values()) for row in VECTORS["refused"]]
    assert {row["kind"] for row in VECTORS["frames"]} == set(Kind)
    assert KEY.hex() == VECTORS["key"]
    assert KEY.hex() in PAGE.read_text("utf-8")


def test_the_crc_is_the_one_that_the_page_names() -> None:
    assert frames.crc16(b"123456789") == 0x29B1


# --- any line ---


@given(made_frames)
def test_what_is_encoded_comes_back_and_holds_no_delimiter_inside(frame: Frame) -> None:
    data = frames.encode(frame, KEY)
    assert hear(data) == [frame]
    assert 0 not in data[1:-1]
    assert len(data) <= frames.MAX_ON_WIRE


@given(st.lists(made_frames, max_size=4), st.lists(st.integers(1, 40), min_size=1))
def test_pieces_of_any_size_give_the_same_frames(sent: list[Frame], sizes: list[int]) -> None:
    line, deframer = b"".join(frames.encode(f, KEY) for f in sent), Deframer(lambda _: KEY)
    heard, turn = [], 0
    while line:
        size, turn = sizes[turn % len(sizes)], turn + 1
        heard += deframer.feed(line[:size])
        line = line[size:]
    assert heard == sent


@given(st.lists(st.binary(max_size=300), max_size=5), made_frames)
def test_any_noise_is_survived_and_the_next_frame_understood(
    noise: list[bytes], frame: Frame
) -> None:
    deframer = Deframer(lambda _: KEY)
    for piece in noise:
        assert all(isinstance(found, Broken) for found in deframer.feed(piece))
    assert deframer.feed(frames.encode(frame, KEY))[-1] == frame


@settings(max_examples=25)
@given(made_frames)
def test_a_frame_with_one_bit_turned_is_never_accepted(frame: Frame) -> None:
    good = frames.encode(frame, KEY)
    for bit in range(8, 8 * len(good) - 8):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        assert not [found for found in hear(bytes(bad)) if isinstance(found, Frame)]


def test_a_turned_bit_in_a_delimiter_gives_no_wrong_frame() -> None:
    frame = Frame(1, 1, Kind.POLL, 1)
    good = frames.encode(frame, KEY)
    for place, bit in [(p, b) for p in (0, len(good) - 1) for b in range(8)]:
        bad = bytearray(good)
        bad[place] ^= 1 << bit
        assert all(found == frame for found in hear(bytes(bad) + good) if isinstance(found, Frame))


def test_a_flood_without_delimiter_takes_bounded_memory() -> None:
    deframer = Deframer(lambda _: KEY)
    for _ in range(1000):
        deframer.feed(b"\xaa" * 100)
    assert len(deframer._open) <= frames.MAX_ON_WIRE


@given(made_frames, st.binary(min_size=32, max_size=32).filter(lambda key: key != KEY))
def test_a_frame_under_another_key_is_forged(frame: Frame, key: bytes) -> None:
    assert hear(frames.encode(frame, key)) == [Broken(frames.Flaw.FORGED, frame.address)]


def test_two_frames_that_collide_spoil_each_other_and_nothing_is_accepted() -> None:
    one = frames.encode(Frame(1, 1, Kind.STATUS, 1, Status(1).payload()), KEY)
    two = frames.encode(Frame(2, 1, Kind.STATUS, 9, Status(1).payload()), KEY)
    for shift in range(1, len(one) - 1):
        late = bytes(shift) + two
        both = bytes(a | b for a, b in zip(one.ljust(len(late), b"\0"), late, strict=True))
        accepted = [found for found in hear(both) if isinstance(found, Frame)]
        assert not accepted


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0, 1, Kind.POLL, 1),
        Frame(248, 1, Kind.POLL, 1),
        Frame(1, 256, Kind.POLL, 1),
        Frame(1, 1, Kind.POLL, 2**32),
        Frame(1, 1, Kind.POLL, 1, bytes(65)),
    ],
)
def test_a_frame_out_of_range_is_not_made(frame: Frame) -> None:
    with pytest.raises(ValueError):
        frames.encode(frame, KEY)


FORMS = [Press, KeyPress, Status, Lamp, Display, frames.Acknowledgement]


@given(st.sampled_from(FORMS), st.binary(max_size=20))
def test_any_payload_is_read_or_refused_by_name(form: type[Press], payload: bytes) -> None:
    try:
        assert len(form.read(payload).payload()) == len(payload)
    except frames.PayloadWrong:
        pass


@pytest.mark.parametrize("key", Key)
def test_a_key_is_read_as_it_was_told(key: Key) -> None:
    told = KeyPress(7, key, 1_500, exact=False)
    assert KeyPress.read(told.payload()) == told


@given(st.text(sorted(frames.ON_DISPLAYS), max_size=8), st.integers(0, 255))
def test_a_display_is_read_as_it_was_told(text: str, tenths: int) -> None:
    assert Display.read(Display(text, tenths).payload()) == Display(text, tenths)


@pytest.mark.parametrize("text", ["A0123-456", "a012", "A 12", "Ă012"])
def test_a_text_that_no_display_can_show_is_not_made_nor_read(text: str) -> None:
    with pytest.raises(ValueError):
        Display(text).payload()
    with pytest.raises(frames.PayloadWrong):
        Display.read(b"\0" + text.encode())


# --- counts ---

NOON = Moment(1_763_000_000_000, 5_000_000, "this boot")


def press(count: int, key_id: str = "k1") -> KeptPress:
    return KeptPress("t1", key_id, count, counter=3, score=5, pressed=NOON)


def test_a_press_is_new_once_then_repeated_then_replayed(tmp_path: Path) -> None:
    store = PressStore(tmp_path / "presses.db")
    assert store.keep(press(1)) is Kept.NEW
    assert store.keep(press(1)) is Kept.REPEATED
    assert store.keep(press(2)) is Kept.NEW
    assert store.keep(press(1)) is Kept.REPLAYED
    assert [p.count for p in store.waiting(10)] == [1, 2]


def test_counts_stay_after_a_restart_and_begin_anew_under_a_new_key(tmp_path: Path) -> None:
    first = PressStore(tmp_path / "presses.db")
    first.keep(press(7))
    spoken = first.reserve_counts("t1", "k1", 100)
    first.close()
    again = PressStore(tmp_path / "presses.db")
    assert again.keep(press(6)) is Kept.REPLAYED
    assert again.reserve_counts("t1", "k1", 100)[0] == spoken[-1] + 1
    assert again.keep(press(1, "k2")) is Kept.NEW


def test_forgetting_old_presses_never_lets_them_be_counted_again(tmp_path: Path) -> None:
    store = PressStore(tmp_path / "presses.db")
    store.keep(press(1))
    store.end(store.waiting(1)[0].ask, NOON.wall_ms)
    assert store.forget_ended(NOON.wall_ms + 1) == 1
    assert store.keep(press(1)) is Kept.REPEATED
    assert store.waiting(10) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 12), max_size=40))
def test_in_any_order_each_press_is_kept_at_most_once(counts: list[int]) -> None:
    store = PressStore(Path(":memory:"))
    new = [count for count in counts if store.keep(press(count)) is Kept.NEW]
    assert new == sorted(set(new))
    assert [p.count for p in store.waiting(100)] == new


# --- ages ---


def test_age_trusts_the_running_machine_before_its_wall_clock() -> None:
    later = Moment(NOON.wall_ms - 9_000_000, NOON.boot_ms + 1_500, NOON.boot)
    assert clock.age_ms(NOON, later) == 1_500
    restarted = Moment(NOON.wall_ms + 60_000, 4_000, "next boot")
    assert clock.age_ms(NOON, restarted) == 60_000


def test_after_power_loss_a_press_is_placed_only_when_the_log_was_empty_shortly_before() -> None:
    lost_power = Press(1, 5, 2_000, exact=False)
    assert terminals.press_age(lost_power, NOON.before(5_000), NOON) == 5_000
    assert terminals.press_age(lost_power, NOON.before(60_000), NOON) is None
    assert terminals.press_age(lost_power, None, NOON) is None
    assert terminals.press_age(Press(1, 5, 70_000), None, NOON) == 70_000


def test_a_spoiled_press_is_never_read_as_another_one() -> None:
    chance = random.Random(20261123)
    good = frames.encode(Frame(1, 1, Kind.PRESS, 1, Press(1, 5, 120).payload()), KEY)
    for _ in range(2000):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        found = [f for f in hear(bytes(bad)) if isinstance(f, Frame)]
        assert found in ([], hear(good))
