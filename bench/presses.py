"""From a press at the counter until the server has counted it: one terminal, and two hundred in one second."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import structlog

from firmware_bridge import frames, settings
from firmware_bridge.bus import BITS_A_BYTE
from firmware_bridge.firmware.terminal import TURN_ROUND_MS
from firmware_bridge.frames import Frame, Kind, Press
from firmware_bridge.pretend_terminal import PressLog, PretendLine, PretendTerminal
from firmware_bridge.store import PressStore, Tally
from queue_server.desk.commands import FinishService
from queue_server.doors.local import LocalLine
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.store.log import rows
from queue_server.store.schema import connect
from queue_server.up import Centre
from queue_server.wire import messages as m
from queue_server.wire.link import Link
from queue_server.wire.words import DeviceKind, Frozen, Role
from tablet_survey.journey import Rating
from tablet_survey.main import _subscriptions
from tablet_survey.post import Post
from tablet_survey.store import COUNTED, AnswerStore

from .asks import quantiles
from .centre import centre, devices

BAUDS = (115_200, 19_200)
SERVICE = "ho_tich"
COUNTER = 3
TABLETS, TERMINALS, A_LINE = 150, 50, 10
FIRST_COUNTER = 101
"""Counters of (o), added to the sample's twelve."""
PATIENCE_S = 60.0

Rows = tuple[dict[str, Any], list[tuple[str, str, str]]]


def press_rows(small: bool) -> Rows:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found: dict[str, Any] = {"load": os.getloadavg()[0]}
    told = []
    for baud in BAUDS:
        found[str(baud)] = here = measure_presses(baud, 5 if small else 200)
        told.append(_row_of_presses(baud, here))
    tablets, terminals = (15, 5) if small else (TABLETS, TERMINALS)
    found["crowd"] = here = measure_crowd(tablets, terminals)
    return found, [*told, _row_of_crowd(tablets, terminals, here)]


def _row_of_presses(baud: int, found: dict[str, float]) -> tuple[str, str, str]:
    return (
        f"(n) press → counted, over the line's own time, {baud:,} baud",
        f"p50 {found['over_p50_ms']:.0f} ms, p99 {found['over_p99_ms']:.0f} ms over {found['own_ms']:.1f} ms"
        f" ({found['samples']:.0f} presses, a poll every {found['poll_ms']:.0f} ms)",
        "–",
    )


def _row_of_crowd(tablets: int, terminals: int, found: dict[str, float]) -> tuple[str, str, str]:
    return (
        f"(o) {tablets} tablets and {terminals} terminals within {found['pressed_s']:.2f} s",
        f"{found['lost']} lost, {found['doubled']} doubled, {found['refused']} refused; all counted"
        f" {found['after_ms']:.0f} ms after the last press (each: p50 {found['p50_ms']:.0f},"
        f" p99 {found['p99_ms']:.0f} ms)",
        "0 lost, 0 doubled",
    )


# --- the centre, as its officers and its log see it ---


class Door:
    """The centre's local door: officers' orders in; what was committed, as it is told after the commit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.opened: dict[int, str] = {}
        """The newest offer of each counter."""
        self.counted: dict[str, float] = {}
        """When each offer's rating was known to be committed (`time.monotonic()`)."""
        self.online: set[str] = set()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._line: LocalLine | None = None

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(PATIENCE_S)

    def stop(self) -> None:
        assert self._line is not None
        asyncio.run_coroutine_threadsafe(self._line.stop(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _open(self) -> None:
        self._line = LocalLine(
            self._path, on_following=self._follow, on_happened=self._hear, on_seen=self._see
        )
        self._line.start()
        await self._line.up.wait()

    def _follow(self, head: Any) -> None:
        for presence in head.presence:
            self._see(presence)

    def _see(self, presence: m.Presence) -> None:
        with self._changed:
            if presence.state == "online":
                self.online.add(presence.device)
            self._changed.notify_all()

    def _hear(self, entries: list[e.Entry]) -> None:
        now = time.monotonic()
        with self._changed:
            for event in (entry.event for entry in entries):
                if isinstance(event, e.OfferOpened):
                    self.opened[event.counter] = event.offer
                if isinstance(event, e.RatingGiven):
                    self.counted.setdefault(event.offer, now)
            self._changed.notify_all()

    def until(self, fact: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(fact, PATIENCE_S):
                raise TimeoutError(f"{what}: did not come in {PATIENCE_S:.0f} s")

    # --- what officers do ---

    def open_counters(self, counters: list[int]) -> None:
        self._do(self._each(counters, self._open_counter))

    def serve(self, counters: list[int]) -> dict[int, str]:
        """A visitor is served at each of these counters; the offers that she is asked by."""
        before = dict(self.opened)
        self._do(self._each(counters, self._serve))
        self.until(
            lambda: all(self.opened.get(c) not in (None, before.get(c)) for c in counters), "offers"
        )
        return {counter: self.opened[counter] for counter in counters}

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _each(self, counters: list[int], what: Callable[[int], Any]) -> None:
        await asyncio.gather(*(what(counter) for counter in counters))

    async def _open_counter(self, counter: int) -> None:
        await self._give(o.OpenCounter(counter=counter), counter)

    async def _serve(self, counter: int) -> None:
        came = o.ServeWithoutTicket(
            counter=counter, service=SERVICE, reason="bench", visit="", token_hash=""
        )
        ticket = msgspec.json.decode(bytes((await self._give(came, counter)).ok))["ticket"]
        await self._give(FinishService(counter=counter, ticket=ticket), counter)

    async def _give(self, body: Frozen, counter: int) -> m.Answer:
        assert self._line is not None
        actor = e.Actor(device="web", account=f"officer-{counter}")
        verb = type(body).__name__
        answer = await self._line.give(secrets.token_hex(8), verb, body, actor, Role.OFFICER)
        if answer.refusal is not None:
            raise RuntimeError(f"{verb} at counter {counter}: {answer.refusal.code}")
        return answer


@contextmanager
def door(running: Centre) -> Iterator[Door]:
    made = Door(running.folder.door)
    made.start()
    try:
        yield made
    finally:
        made.stop()


# --- terminals on their cables, and the bridge's own process ---


@dataclass
class Cables:
    """Terminals, one at each of `counters`, `A_LINE` on a line; the real bridge runs as a process."""

    running: Centre
    folder: Path
    counters: list[int]
    baud: int
    lines: list[PretendLine] = field(default_factory=list)
    terminals: dict[int, PretendTerminal] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "bridge"

    def start(self) -> None:
        own = self.folder / "bridge.toml"
        own.write_text(self._settings())
        (made,) = devices(self.running, DeviceKind.BRIDGE, [f"bridge-{self.baud}"])
        made.write(self.data / "device.json")
        for path, enrolled in settings.enrolled(settings.read(own, {}), self.data, {}).items():
            here = {t.counter: self._terminal(t.name, t.address, t.key) for t in enrolled}
            line = PretendLine(
                Path(path),
                list(here.values()),
                recorded=[],
                baud=self.baud,
                turn_round_s=TURN_ROUND_MS / 1000,
            )
            line.start()
            self.lines.append(line)
            self.terminals |= here
        command = [sys.executable, "-m", "firmware_bridge", "bridge", "--data", str(self.data)]
        self._process = subprocess.Popen(
            [*command, "--settings", str(own)], stdout=subprocess.DEVNULL
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
        for line in self.lines:
            line.stop()

    def wait_polled(self, door: Door) -> None:
        """Until the bridge has reached the server and every terminal."""
        door.until(lambda: f"bridge-{self.baud}" in door.online, "the bridge's presence")
        deadline = time.monotonic() + PATIENCE_S
        while any(len(line.recorded or ()) < 3 * len(line.terminals) for line in self.lines):
            if time.monotonic() > deadline:
                raise TimeoutError("the bridge does not poll")
            time.sleep(0.02)

    def waiting(self) -> int:
        return self._tally().waiting

    def refused(self) -> int:
        return self._tally().refused

    def _tally(self) -> Tally:
        store = PressStore(self.data / "presses.db")
        try:
            return store.tally()
        finally:
            store.close()

    def _terminal(self, name: str, address: int, key: bytes) -> PretendTerminal:
        return PretendTerminal(address, key, PressLog(self.folder / f"{name}.json"))

    def _settings(self) -> str:
        parts = [f"[bridge]\nbaud = {self.baud}\n"]
        for n, counter in enumerate(self.counters):
            port = self.folder / f"tty{n // A_LINE}"
            parts.append(
                f'[[bridge.terminals]]\nname = "b{counter}"\naddress = {n % A_LINE + 1}\n'
                f'counter = {counter}\nport = "{port}"\n'
            )
        return "".join(parts)


def on_the_wire(baud: int) -> float:
    """Seconds that a poll, the terminal's turn-round and the press which answers take at this speed."""
    key = bytes(frames.KEY_BYTES)
    poll = frames.encode(Frame(1, 1, Kind.POLL, 1), key)
    press = frames.encode(Frame(1, 1, Kind.PRESS, 1, Press(1, 5, 0).payload()), key)
    return (len(poll) + len(press)) * BITS_A_BYTE / baud + TURN_ROUND_MS / 1000


# --- (n) one press ---


def measure_presses(baud: int, count: int) -> dict[str, float]:
    """Milliseconds from the press until the rating is committed, less what the line itself takes.

    One terminal on the line, the bridge's settings as they are shipped; a press comes at any moment
    between two polls, and that wait is in the figures.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="motcua-bench-")))
        running = stack.enter_context(centre())
        officers = stack.enter_context(door(running))
        cables = Cables(running, folder, [COUNTER], baud)
        stack.callback(cables.stop)
        cables.start()
        officers.open_counters([COUNTER])
        cables.wait_polled(officers)
        chance = random.Random(baud)
        times = [_one_press(officers, cables, chance) for _ in range(count + 3)][3:]
        polls = len(cables.lines[0].recorded or ())
        began = time.monotonic()
        time.sleep(1.0)
        poll_s = (time.monotonic() - began) / (len(cables.lines[0].recorded or ()) - polls)
    p50, p99 = quantiles(times)
    own_ms = on_the_wire(baud) * 1000
    return {
        "samples": len(times),
        "p50_ms": p50,
        "p99_ms": p99,
        "own_ms": own_ms,
        "over_p50_ms": p50 - own_ms,
        "over_p99_ms": p99 - own_ms,
        "poll_ms": poll_s * 1000,
    }


def _one_press(officers: Door, cables: Cables, chance: random.Random) -> float:
    """Seconds from the press, at any moment, until its visit's rating is committed."""
    offer = officers.serve([COUNTER])[COUNTER]
    time.sleep(chance.random() * 0.2)
    began = time.monotonic()
    cables.terminals[COUNTER].press(chance.randint(1, 5))
    officers.until(lambda: offer in officers.counted, "the press's rating")
    return officers.counted[offer] - began


# --- (o) two hundred within a second ---


@dataclass
class Tablet:
    """Store, post and link of a tablet's program, without its screen."""

    store: AnswerStore
    link: Link

    def __post_init__(self) -> None:
        self.post = Post(self.store, self.link)

    def start(self) -> None:
        self.store.start()
        self.link.start()

    def stop(self) -> None:
        self.post.stop()
        self.link.stop()
        self.store.stop()

    def press(self, offer: str, score: int) -> None:
        now = self.link.now()
        self.store.hand_in_rating(Rating(offer=offer, score=score, pressed_at=now), now)
        self.post.send()


def measure_crowd(tablets: int, terminals: int) -> dict[str, float]:
    """Each of so many visitors, served at counters of their own, rates within one second."""
    counters = list(range(FIRST_COUNTER, FIRST_COUNTER + tablets + terminals))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="motcua-bench-")))
        running = stack.enter_context(centre(more=_counters(counters)))
        officers = stack.enter_context(door(running))
        cables = Cables(running, folder, counters[tablets:], BAUDS[0])
        stack.callback(cables.stop)
        cables.start()
        made = _tablets(running, folder, counters[:tablets], stack)
        officers.open_counters(counters)
        cables.wait_polled(officers)
        officers.until(lambda: len(officers.online) >= tablets + 1, "tablets' presence")
        offers = officers.serve(counters)
        scores = {offer: n % 5 + 1 for n, offer in enumerate(offers.values())}
        began = time.monotonic()
        pressed = _press_all(offers, scores, made, cables.terminals)
        officers.until(lambda: scores.keys() <= officers.counted.keys(), "all ratings")
        _wait_answered(made, cables)
        given = _given(running.folder.database)
        refused = cables.refused() + sum(
            outcome != COUNTED for x in made.values() for outcome in x.store.outcomes().values()
        )
    times = [officers.counted[offer] - at for offer, at in pressed.items()]
    kept = {rating.offer: rating.score for rating in given}
    return {
        "lost": sum(kept.get(offer) != score for offer, score in scores.items()),
        "doubled": len(given) - len(kept),
        "refused": refused,
        "pressed_s": max(pressed.values()) - began,
        "after_ms": (max(officers.counted.values()) - max(pressed.values())) * 1000,
        "p50_ms": quantiles(times)[0],
        "p99_ms": quantiles(times)[1],
    }


def _wait_answered(tablets: dict[int, Tablet], cables: Cables) -> None:
    """Until no device asks any more, so that what would be counted twice has been."""
    deadline = time.monotonic() + PATIENCE_S
    while cables.waiting() or any(tablet.store.waiting() for tablet in tablets.values()):
        if time.monotonic() > deadline:
            raise TimeoutError("some devices have no answer")
        time.sleep(0.05)


def _counters(ids: list[int]) -> str:
    return "".join(
        f'\n[[counters]]\nid = {n}\nname = {{ vi = "Quầy {n}", en = "Counter {n}" }}\n'
        f'serves = ["{SERVICE}"]\n'
        for n in ids
    )


def _tablets(
    running: Centre, folder: Path, counters: list[int], stack: ExitStack
) -> dict[int, Tablet]:
    names = [f"tablet-{counter}" for counter in counters]
    own = devices(running, DeviceKind.TABLET, names, counters)
    made = {}
    for counter, credentials in zip(counters, own, strict=True):
        store = AnswerStore(folder / f"tablet-{counter}" / "answers.db")
        made[counter] = Tablet(store, Link(credentials, "bench", _subscriptions(credentials)))
        stack.callback(made[counter].stop)
        made[counter].start()
    return made


def _press_all(
    offers: dict[int, str],
    scores: dict[str, int],
    tablets: dict[int, Tablet],
    terminals: dict[int, PretendTerminal],
) -> dict[str, float]:
    """Presses at chance moments of one second; when each was made, by its offer."""
    chance, began = random.Random(200), time.monotonic()
    moments = {counter: began + chance.random() for counter in offers}
    pressed: dict[str, float] = {}

    def press(counter: int) -> None:
        time.sleep(max(0.0, moments[counter] - time.monotonic()))
        offer = offers[counter]
        pressed[offer] = time.monotonic()
        if counter in terminals:
            terminals[counter].press(scores[offer])
        else:
            tablets[counter].press(offer, scores[offer])

    with ThreadPoolExecutor(32) as fingers:
        done = wait([fingers.submit(press, c) for c in sorted(moments, key=lambda c: moments[c])])
    for one in done.done:
        one.result()
    return pressed


def _given(database: Path) -> list[e.RatingGiven]:
    conn = connect(database, read_only=True)
    try:
        entries = [row.entry().event for row in rows(conn)]
    finally:
        conn.close()
    return [event for event in entries if isinstance(event, e.RatingGiven)]
