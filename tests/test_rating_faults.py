"""Ratings through all that breaks, from the button or the tablet's disk to the centre's log: each once, or
refused with a reason that somebody sees. Real broker, server and bridge, each killed or stopped at will.

The broker hanging and dying and the revoked tablet are tried on both brokers, the rest on NATS alone.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from firmware_bridge import settings
from firmware_bridge.frames import KEY_BYTES, Colour, Frame, Kind, Press, encode
from firmware_bridge.pretend_terminal import LOG_HOLDS, PressLog, PretendLine, PretendTerminal
from firmware_bridge.store import PressStore, Tally
from queue_server.by_hand import presences, say_devices_changed
from queue_server.desk import commands as c
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.link import FIRST_RETRY_S, Link, Refused, new_id
from queue_server.wire.words import DeviceKind
from tablet_survey.journey import Rating
from tablet_survey.post import Post
from tablet_survey.store import COUNTED, AnswerStore
from tests.brokers import BOTH, NATS, Client, wait_for
from tests.house import House, house

SOON = 30.0
BRIDGE = "bridge-1"
SERVICES = {3: "ho_tich", 4: "ho_tich", 5: "chung_thuc", 6: "chung_thuc"}
"""What is served at the counters of these tests."""
AT_TERMINALS, AT_TABLETS = (3, 4), (5, 6)


def until(fact, what: str) -> None:
    assert wait_for(fact, SOON), f"never came: {what}"


@dataclass
class Tablet:
    """Store, post and link of a tablet's program, without its screen."""

    store: AnswerStore
    link: Link
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.post = Post(self.store, self.link)

    def press(self, offer: str, score: int) -> None:
        now = self.link.now()
        self.store.hand_in_rating(Rating(offer=offer, score=score, pressed_at=now), now)
        self.post.send()

    def has_repeated(self) -> bool:
        """Whether an ask without an answer has been sent once more."""
        return any(ask.wait > FIRST_RETRY_S for ask in list(self.link._open.values()))

    def stop(self) -> None:
        self.post.stop()
        self.store.stop()


class Room:
    """Terminals at two counters and tablets at two others; the bridge is a process of its own."""

    def __init__(self, home: House, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.data = folder / "bridge"
        own = home.enrol(DeviceKind.BRIDGE, BRIDGE)
        tablets = {n: home.enrol(DeviceKind.TABLET, f"tablet-{n}", n) for n in AT_TABLETS}
        home.start()
        msgspec.structs.replace(own, port=home.broker.port).write(self.data / "device.json")
        self._file = folder / "bridge.toml"
        self._file.write_text(self._settings())
        self.lamps: list[Colour] = []
        self.terminals = {n: self.terminal(n) for n in AT_TERMINALS}
        self.line = PretendLine(folder / "tty", list(self.terminals.values()))
        self.line.start()
        self.tablets = {n: self._tablet(n, own) for n, own in tablets.items()}
        self.bridge: subprocess.Popen[bytes] | None = None
        for counter in SERVICES:
            home.order(o.OpenCounter(counter=counter), f"canbo0{counter}")

    def _settings(self) -> str:
        terminals = "".join(
            f'[[bridge.terminals]]\nname = "b{n}"\naddress = {n}\ncounter = {n}\n'
            for n in AT_TERMINALS
        )
        port = self.folder / "tty"
        return f'[bridge]\nport = "{port}"\npause_ms = 5\nreply_ms = 100\n{terminals}'

    def terminal(self, counter: int, log: str = "", key: bytes = b"") -> PretendTerminal:
        """The terminal of a counter, as it is enrolled unless another log or key is given."""
        if not key:
            made = settings.enrolled(settings.read(self._file, {}), self.data, {})
            key = next(t.key for line in made.values() for t in line if t.counter == counter)
        kept = PressLog(self.folder / f"{log or f'b{counter}'}.json")
        return PretendTerminal(counter, key, kept, on_lamp=self.lamps.append)

    def _tablet(self, counter: int, own) -> Tablet:
        store = AnswerStore(self.folder / f"tablet-{counter}" / "answers.db")
        store.start()
        return Tablet(store, self.home.link(own))

    # --- the bridge ---

    def open(self) -> None:
        """Start the bridge; until it has reached the server and all its terminals."""
        own = ["--data", str(self.data), "--settings", str(self._file)]
        self.bridge = subprocess.Popen(
            [sys.executable, "-m", "firmware_bridge", "bridge", *own], stdout=subprocess.DEVNULL
        )
        until(lambda: {self.state(n) for n in AT_TERMINALS} == {"ok"}, "the bridge's presence")

    def kill_bridge(self) -> None:
        assert self.bridge is not None
        self.bridge.kill()
        self.bridge.wait()

    def health(self) -> dict[str, str]:
        """What the bridge last said of itself, as the server knows it."""
        seen = presences(self.home.folder).get(BRIDGE)
        return seen.health if seen is not None else {}

    def state(self, counter: int) -> str:
        return self.health().get(f"terminal:b{counter}", "")

    def stored(self) -> Tally:
        store = PressStore(self.data / "presses.db")
        try:
            return store.tally()
        finally:
            store.close()

    def replace(self, counter: int, other: PretendTerminal) -> None:
        """Another terminal stands on the line in place of this counter's own."""
        self.line.unplug()
        self.terminals[counter] = other
        self.line.terminals = list(self.terminals.values())
        self.line.plug_in()

    # --- the centre ---

    def serve(self, counter: int) -> str:
        """A visitor has been served: the offer by which she may rate."""
        came = o.ServeWithoutTicket(
            counter=counter, service=SERVICES[counter], reason="x", visit="", token_hash=""
        )
        account = f"canbo0{counter}"
        ticket = msgspec.json.decode(bytes(self.home.order(came, account).ok))["ticket"]
        self.home.order(c.FinishService(counter=counter, ticket=ticket), account)
        opened = [x.event for x in self.home.log() if isinstance(x.event, e.OfferOpened)]
        return opened[-1].offer

    def ratings(self) -> list[tuple[str, int]]:
        """Offer and score of all that the log counts, in its order."""
        given = [x.event for x in self.home.log() if isinstance(x.event, e.RatingGiven)]
        return [(x.offer, x.score) for x in given]

    def broker(self, number: signal.Signals) -> None:
        assert self.home.broker.pid is not None
        os.kill(self.home.broker.pid, number)
        if number is signal.SIGSTOP:
            until(self._broker_stands, "the broker's standstill")

    def _broker_stands(self) -> bool:
        """Each of its threads; a stop is not yet one when the signal has been sent."""
        tasks = Path(f"/proc/{self.home.broker.pid}/task").glob("*/stat")
        return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)

    def close(self) -> None:
        if self.bridge is not None and self.bridge.poll() is None:
            self.kill_bridge()
        self.line.stop()
        for tablet in self.tablets.values():
            tablet.stop()


@pytest.fixture
def which() -> str:
    return NATS


@pytest.fixture
def room(which: str, tmp_path: Path) -> Iterator[Room]:
    with house(tmp_path / "centre", which) as home:
        made = Room(home, tmp_path)
        try:
            yield made
        finally:
            made.close()


# --- the broker gone ---


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("ending", [signal.SIGCONT, signal.SIGKILL])
def test_presses_and_answers_outlast_a_broker_that_hangs_and_comes_back_or_dies(
    room: Room, ending: signal.Signals
) -> None:
    room.open()
    wanted = [(room.serve(n), n % 5 + 1) for n in SERVICES]
    room.broker(signal.SIGSTOP)
    for counter, (offer, score) in zip(SERVICES, wanted, strict=True):
        if counter in AT_TERMINALS:
            room.terminals[counter].press(score)
        else:
            room.tablets[counter].press(offer, score)
    until(lambda: not any(x.waiting for x in room.terminals.values()), "the bridge's store")
    until(lambda: all(x.has_repeated() for x in room.tablets.values()), "a second ask")
    assert room.ratings() == []
    room.broker(ending)
    until(lambda: len(room.ratings()) >= len(wanted), "all ratings")
    until(lambda: room.stored().waiting == 0, "the server's answers to the bridge")
    until(lambda: not any(x.store.waiting() for x in room.tablets.values()), "and to the tablets")
    assert sorted(room.ratings()) == sorted(wanted)
    assert room.stored() == Tally(waiting=0, answered=len(AT_TERMINALS), refused=0)


# --- the bridge killed ---


def test_a_bridge_killed_between_acknowledgement_and_publish_brings_the_press_once(
    room: Room,
) -> None:
    room.open()
    offer = room.serve(3)
    room.broker(signal.SIGSTOP)
    room.terminals[3].press(4)
    until(lambda: room.terminals[3].waiting == 0, "the acknowledgement")
    room.kill_bridge()
    assert room.stored().waiting == 1
    room.broker(signal.SIGCONT)  # which may still find the first ask in its socket
    room.open()
    until(lambda: room.stored() == Tally(waiting=0, answered=1, refused=0), "the server's answer")
    assert room.ratings() == [(offer, 4)]


# --- who must not be believed ---


@pytest.mark.parametrize("why", ["count_went_back", "forged"])
def test_a_reset_terminal_and_a_wrong_key_count_nothing_and_are_told_at_the_centre(
    room: Room, why: str
) -> None:
    room.open()
    offers = [room.serve(3), room.serve(4)]
    for button in (5, 5):
        room.terminals[3].press(button)
    until(lambda: room.stored() == Tally(waiting=0, answered=1, refused=1), "both presses' end")
    room.serve(3)
    forged = encode(Frame(3, 1, Kind.PRESS, 9, Press(1, 1, 0).payload()), bytes(KEY_BYTES))
    if why == "count_went_back":
        room.replace(3, room.terminal(3, log="forgotten"))
        room.terminals[3].press(1)

    def told() -> bool:
        """A forged frame is said until one arrives whole: it may meet the terminals' own words."""
        if why == "forged":
            room.line.inject(b"\0" + forged)
        return room.state(3) == why

    until(told, f"the state {why} at the centre")
    room.terminals[4].press(2)
    until(lambda: (offers[1], 2) in room.ratings(), "the neighbour's press")
    assert room.ratings() == [(offers[0], 5), (offers[1], 2)]


@pytest.mark.parametrize("which", BOTH)
def test_a_stolen_tablets_ratings_are_refused_by_the_server_and_by_the_broker(room: Room) -> None:
    """Revoked: the server refuses what still comes through, with the reason; then the broker lets nobody in."""
    thief, honest = (room.tablets[n] for n in AT_TABLETS)
    own = thief.link.credentials
    stolen, waiting, other = (room.serve(n) for n in (5, 5, 6))
    room.home.devices.revoke(own.device, int(time.time() * 1000))
    say_devices_changed(room.home.folder)
    until(lambda: refusal(thief.link, "stay_silent", m.StaySilent(id=new_id(), offer="x")), "a no")
    thief.press(stolen, 1)
    until(lambda: thief.store.outcomes() == {stolen: "device_unknown"}, "the refusal")
    room.home.broker.reload(room.home.users())
    until(lambda: not thief.link.connected, "the broker's end of the line")
    thief.press(waiting, 1)
    guest = Client(room.home.broker.port, own.username, own.password, own.client_id).start()
    try:
        until(guest.refused.is_set, "the broker's refusal")
    finally:
        guest.stop()
    honest.press(other, 5)
    until(lambda: honest.store.outcomes() == {other: COUNTED}, "the other tablet's answer")
    assert room.ratings() == [(other, 5)]
    assert thief.store.waiting() == 1


def test_a_revoked_tablet_reaches_nothing_else_meanwhile(room: Room) -> None:
    """Whatever verb it tries under its own name, before the broker has thrown it off."""
    thief = room.tablets[5].link
    before = len(room.home.log())
    room.home.devices.revoke(thief.credentials.device, int(time.time() * 1000))
    say_devices_changed(room.home.folder)
    until(lambda: refusal(thief, "stay_silent", m.StaySilent(id=new_id(), offer="x")), "a no")
    tried = {
        "hello": m.Hello(id=new_id(), version="1", clock=0),
        "call_help": m.CallHelp(id=new_id(), screen="x"),
    }
    kinds = {verb: topics.ASKS[verb].kinds for verb in tried}
    assert all(DeviceKind.TABLET in kinds[verb] for verb in tried), kinds
    assert {refusal(thief, verb, ask) for verb, ask in tried.items()} == {"device_unknown"}
    assert len(room.home.log()) == before


def refusal(link: Link, verb: str, ask) -> str:
    """The code of the server's refusal; "" when it did as asked."""
    try:
        link.ask(verb, ask).result(SOON)
    except Refused as refused:
        return refused.refusal.code
    return ""


# --- the disk full ---


def test_a_full_disk_at_the_bridge_acknowledges_nothing_and_the_full_terminal_says_red(
    room: Room,
) -> None:
    """The kernel refuses the bridge every write, as a full disk would, until there is room again."""
    room.open()
    offer = room.serve(3)
    assert room.bridge is not None
    terminal, pid = room.terminals[3], room.bridge.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    assert all(terminal.press(4) for _ in range(LOG_HOLDS))
    until(lambda: room.state(3) == "store_failed", "the trouble at the centre")
    assert not terminal.press(5)
    assert room.lamps == [Colour.RED]
    assert terminal.waiting == LOG_HOLDS
    assert room.stored() == Tally(waiting=0, answered=0, refused=0)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    until(lambda: terminal.waiting == 0, "room again")
    whole = Tally(waiting=0, answered=1, refused=LOG_HOLDS - 1)
    until(lambda: room.stored() == whole, "the server's word on each")
    assert room.ratings() == [(offer, 4)]
