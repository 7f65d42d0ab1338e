"""`motcua simulate --demo`: a whole centre with simulated visitors, who come through the real doors."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .folder import Folder
from .line.setup import WEEKDAYS, Setup
from .wire.words import MINUTE

if TYPE_CHECKING:
    from .doors.child import Child
    from .settings import CentreFile
    from .twin.crowd.play import Cast, Play
    from .up import Centre

DATA = Path("var-demo")
MARK = "demo-folder"
MARKED = "Made by `motcua simulate --demo`, and wiped at its next start.\n"
START_S = 12.0
"""Real seconds that a centre may take to come up before the first visitor stands at the door."""
BEFORE_OPENING = 5.0
"""The first visitor is there so many minutes before the doors open."""
KIOSKS = 3
GUIDE, MANAGER = "huongdan01", "quanly01"
BRIDGE, TERMINAL = "bridge-1", "nut-bam"


class NotADemo(Exception):
    """The data folder is not one that a demo may wipe."""


def run(args: argparse.Namespace) -> int:
    """Play until Ctrl-C or `--until`. Exit code 0, or 1 with one line why not."""
    from .doors.broker import BrokerMissing
    from .doors.child import ChildFailed, PortTaken
    from .folder import AlreadyRunning
    from .store.schema import CannotOpen
    from .twin.crowd.devices import NoAnswer
    from .twin.crowd.manners import WrongRate
    from .twin.crowd.play import NotReady
    from .wire.settings import SettingsError

    refused = (
        AlreadyRunning,
        BrokerMissing,
        CannotOpen,
        ChildFailed,
        NoAnswer,
        NotADemo,
        NotReady,
        OSError,
        PortTaken,
        SettingsError,
        WrongRate,
    )
    try:
        demo = Demo.of(args)
        demo.play()
    except refused as error:
        print(f"motcua: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


# --- its folder, its settings, its day -----------------------------------------------------------


def wipe(folder: Folder) -> None:
    """Make the folder an empty demo folder. Raises NotADemo, AlreadyRunning; then nothing was touched."""
    root = folder.root
    if root.exists() and any(root.iterdir()) and not (root / MARK).exists():
        raise NotADemo(f"{root} is not a demo's folder: nothing was touched; choose another --data")
    folder.open()
    with folder.lock() as lock:
        (root / MARK).write_text(MARKED)
        for path in root.iterdir():
            if path.name not in (MARK, Path(lock.name).name):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def free_ports(file: CentreFile) -> dict[str, str]:
    """Settings for a machine on which another centre has the usual ports; {} when they are free."""
    from .doors.child import PortTaken, free_port, wait_free

    changed: dict[str, str] = {}
    for section, host, port in (
        ("BROKER", file.broker.host, 0 if file.outside_broker.host else file.broker.port),
        ("WEB", file.web.host, file.web.port),
    ):
        try:
            if port:
                wait_free(host, port, 0.0)
        except PortTaken:
            changed[f"MOTCUA_{section}__PORT"] = str(free_port(host))
    web = changed.get("MOTCUA_WEB__PORT")
    if web and file.web.public_url.endswith(f":{file.web.port}"):
        url = file.web.public_url.removesuffix(str(file.web.port)) + web
        changed["MOTCUA_WEB__PUBLIC_URL"] = url
    return changed


def next_working_day(setup: Setup, now: int) -> dt.date:
    """The first working day of the centre's hours whose beginning is still to come at `now` (ms UTC)."""
    from .store.holidays import days_off
    from .wire.words import local

    moment = local(now, setup.rules.utc_offset_minutes)
    day, minute = moment.date(), moment.hour * 60 + moment.minute
    off = days_off([day.year, day.year + 1]).holidays
    for ahead in range(60):
        one = day + dt.timedelta(days=ahead)
        sessions = setup.hours.sessions.get(WEEKDAYS[one.weekday()], ())
        begun = ahead == 0 and sessions and minute >= sessions[0][0] - BEFORE_OPENING
        if one not in off and len(sessions) > 1 and not begun:
            return one
    raise NotADemo("the centre's [hours] have no working day with a morning and an afternoon")


def ahead_ms(setup: Setup, day: dt.date, now: int, speed: float) -> int:
    """How far a demo's clock is ahead at its start, so that the first visitor comes when all is up."""
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1000
    midnight -= setup.rules.utc_offset_minutes * MINUTE
    opening = setup.hours.sessions[WEEKDAYS[day.weekday()]][0][0]
    begins = midnight + (opening - BEFORE_OPENING) * MINUTE - START_S * 1000 * speed
    return int(begins - now)


# --- the demo ------------------------------------------------------------------------------------


@dataclass
class Demo:
    """One run: a centre in a folder of its own, its companions, and the people."""

    args: argparse.Namespace
    file: CentreFile
    settings_path: Path
    environment: dict[str, str]
    _children: list[Child] = field(default_factory=list)

    @classmethod
    def of(cls, args: argparse.Namespace) -> Demo:
        """Raises what `run` answers with one line."""
        from . import settings
        from .twin.crowd.manners import Manners, changed

        changed(Manners(), args.rate)
        path = args.settings or settings.example()
        file = settings.read(path)
        environment = free_ports(file)
        os.environ.update(environment)
        return cls(args, settings.read(path), path, environment)

    def play(self) -> None:
        """Until it is over; ends all that it started, however it ends."""
        from .up import Centre, Pace, has_display

        args, setup = self.args, self.file.setup()
        folder = Folder(args.data or DATA)
        wipe(folder)
        windows = has_display() if args.windows is None else args.windows
        now = int(time.time() * 1000)
        day = next_working_day(setup, now)
        pace = Pace(args.speed, ahead_ms(setup, day, now, args.speed), now)
        say(args, "demo.start", day=day.isoformat(), speed=f"{args.speed:g}")
        centre = Centre(folder, self.settings_path, self.file, pace, windows)
        with self._companions(folder, windows):
            try:
                centre.start()
                self._play_on(centre, day, windows)
            finally:
                centre.stop()

    def _play_on(self, centre: Centre, day: dt.date, windows: bool) -> None:
        play = self._prepared(centre, day, windows)
        play.on_news = lambda line: print(f"  {line}", flush=True)
        play.on_playing = lambda: self._print_addresses(centre, play.cast.password)
        try:
            asyncio.run(self._until_the_end(play))
        finally:
            if play.tally.told:
                self._print_tally(centre.folder, play)

    async def _until_the_end(self, play: Play) -> None:
        """The day, then open pages; Ctrl-C, `kill` or `--until` end either."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, ended.set)
        day = asyncio.create_task(play.run())
        over: list[asyncio.Task[Any]] = [asyncio.create_task(ended.wait())]
        if self.args.until is not None:
            over.append(asyncio.create_task(play.timing.until(self.args.until)))
        await asyncio.wait([day, *over], return_when=asyncio.FIRST_COMPLETED)
        if not any(task.done() for task in over) and day.exception() is None:
            from .twin.crowd.timing import clock_text

            say(self.args, "demo.over", time=clock_text(play.timing.minute))
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        for task in (day, *over):
            task.cancel()
        for outcome in await asyncio.gather(day, *over, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise first_cause(outcome)

    # --- the cast ---

    def _prepared(self, centre: Centre, day: dt.date, windows: bool) -> Play:
        from .desk.clock import Clock
        from .twin.crowd import day as days
        from .twin.crowd.manners import Manners, changed
        from .twin.crowd.play import Play
        from .twin.crowd.timing import Timing
        from .twin.crowd.trouble import Morning, go_wrong

        args, setup = self.args, self.file.setup()
        manners = changed(Manners(), args.rate)
        weekday = WEEKDAYS[day.weekday()]
        pace = centre.pace
        clock = Clock(speed=pace.speed, ahead_ms=pace.ahead_ms, origin=pace.origin)
        morning = Morning(
            visits=tuple(days.plan(setup, manners, args.seed, weekday)),
            shifts=tuple(days.shifts(setup, manners, args.seed, weekday)),
        )
        if not args.calm:
            morning = go_wrong(setup, manners, args.seed, morning)
        return Play(
            cast=self._cast(centre, setup, windows),
            visits=list(morning.visits),
            shifts=[s for s in morning.shifts if s.counter not in args.leave],
            mishaps=tuple(m for m in morning.mishaps if m.counter not in args.leave),
            manager_accepts=args.manager == "accept",
            language=args.language,
            manners=manners,
            timing=Timing.of(clock, setup.rules.utc_offset_minutes),
            seed=args.seed,
        )

    def _cast(self, centre: Centre, setup: Setup, windows: bool) -> Cast:
        from .doors.broker import is_loopback
        from .store.people import random_password
        from .twin.crowd.people import Site
        from .twin.crowd.play import Cast
        from .wire.link import Credentials
        from .wire.words import DeviceKind

        def device(name: str, kind: DeviceKind, counter: int | None = None) -> Credentials:
            return Credentials.read(centre.enrolled(name, kind, counter) / "device.json")

        terminal = setup.counters[-1].id
        first = setup.counters[0].id if windows else None
        told = msgspec.json.decode(centre.folder.first_login.read_bytes())
        bridge = self._bridge(centre, terminal)
        return Cast(
            setup=setup,
            site=Site(
                centre.web,
                "" if is_loopback(self.file.web.host) else centre.authority.pem,
            ),
            kiosks=[device(f"kiosk-{n}", DeviceKind.KIOSK) for n in range(2, 2 + KIOSKS)],
            tablets=[
                device(f"tablet-{c.id}", DeviceKind.TABLET, c.id)
                for c in setup.counters
                if c.id not in (terminal, first)
            ],
            logins={account: one["password"] for account, one in told.items()},
            password=random_password(),
            guide=GUIDE,
            manager=MANAGER,
            agency=self.file.centre.agency or "H19.15",
            press=bridge.press,
            terminals=frozenset({terminal}),
        )

    # --- companions: pretend printer, pretend button terminal and its bridge ---

    @contextlib.contextmanager
    def _companions(self, folder: Folder, windows: bool) -> Iterator[None]:
        """The printer before the windows that print; ended last."""
        from .doors.child import free_port

        try:
            if windows:
                port = free_port()
                where = f"tcp://127.0.0.1:{port}"
                paper = folder.root / "paper"
                self._run(
                    folder,
                    "printer",
                    port,
                    "kiosk.pretend_printer",
                    "--port",
                    str(port),
                    "--save",
                    str(paper),
                )
                os.environ["MOTCUA_KIOSK__PRINTER__ADDRESS"] = where
                say(self.args, "demo.printer", more=f"{where} → {paper}")
            yield
        finally:
            while self._children:
                self._children.pop().stop()

    def _run(self, folder: Folder, name: str, port: int, module: str, *options: str) -> Child:
        from .doors.child import Child

        command = [sys.executable, "-m", module, *options]
        child = Child(name, command, "127.0.0.1", port, folder.root / f"{name}.log")
        child.start()
        self._children.append(child)
        return child

    def _bridge(self, centre: Centre, counter: int) -> Buttons:
        """A real bridge on a pretended line with one terminal, at this counter."""
        from firmware_bridge.settings import make_key

        from .wire.words import DeviceKind

        place = centre.enrolled(BRIDGE, DeviceKind.BRIDGE)
        line, key = place / "line", place / "terminals" / f"{TERMINAL}.key"
        make_key(key)
        (place / "bridge.toml").write_text(
            f'[bridge]\nport = "{line}"\n\n[[bridge.terminals]]\n'
            f'name = "{TERMINAL}"\naddress = 1\ncounter = {counter}\n'
        )
        terminal = self._run(
            centre.folder,
            "terminal",
            0,
            "firmware_bridge.pretend_terminal",
            "--link",
            str(line),
            "--address",
            "1",
            "--key-file",
            str(key),
        )
        self._run(
            centre.folder,
            "bridge",
            0,
            "queue_server.command",
            "bridge",
            "--data",
            str(place),
            "--settings",
            str(place / "bridge.toml"),
        )
        return Buttons(terminal)

    # --- what is printed ---

    def _print_addresses(self, centre: Centre, password: str) -> None:
        from .up import print_addresses

        setup = self.file.setup()
        print_addresses(centre)
        accounts = (
            f"{setup.officers[0].account} … {setup.officers[-1].account}, {GUIDE}, {MANAGER} …"
        )
        say(self.args, "demo.accounts", more=accounts)
        say(self.args, "demo.password", more=password)
        if self.args.leave:
            say(self.args, "demo.free", more=", ".join(map(str, self.args.leave)))
        if self.args.manager == "watch":
            say(self.args, "demo.watch", account=MANAGER)
        if self.args.speed > 1:
            say(self.args, "demo.silent")
        print(flush=True)

    def _print_tally(self, folder: Folder, play: Play) -> None:
        from .twin.crowd.tally import figures, lines

        seen = figures(folder.database, play.tally)
        for line in lines(
            play.tally,
            seen,
            play.timing.late,
            play.timing.minute,
            self.file.rules.target_minutes,
            self.args.speed,
            self.args.language,
        ):
            print(line, flush=True)


@dataclass
class Buttons:
    """The faces of the pretended terminal, which takes presses as signals."""

    terminal: Child

    async def press(self, _counter: int, score: int) -> None:
        self.terminal.tell(signal.SIGRTMIN + score)


def first_cause(error: BaseException) -> BaseException:
    """What stands behind a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def say(args: argparse.Namespace, key: str, more: str = "", **values: object) -> None:
    from .twin.crowd.tally import TEXTS

    text = TEXTS.say(key, args.language, **values)
    print(f"  {text + ':':<22}{more}" if more else f"  {text}", flush=True)
