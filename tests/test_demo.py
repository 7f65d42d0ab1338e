"""The demo: a day's plan that keeps to its rates, and one dense morning played through the real doors."""

from __future__ import annotations

import collections
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from queue_server import demo_command, settings
from queue_server.demo_command import Folder, NotADemo, ahead_ms, next_working_day, wipe
from queue_server.folder import AlreadyRunning
from queue_server.line import events as e
from queue_server.store.log import rows
from queue_server.store.schema import connect
from queue_server.twin.crowd import day, trouble
from queue_server.twin.crowd.manners import Manners, WrongRate, changed, names
from queue_server.twin.warm import warm
from queue_server.wire.words import DAY, MINUTE, local
from tests.brokers import wait_for

SETUP = settings.read(settings.example()).setup()
MONDAY = SETUP.hours.sessions["mon"]
SEEDS = st.integers(0, 10_000)
COMMAND = [sys.executable, "-m", "queue_server.command", "simulate", "--demo"]


@cache
def many_days() -> list[day.Visit]:
    return [v for seed in range(20) for v in day.plan(SETUP, Manners(), seed)]


# --- the plan ------------------------------------------------------------------------------------


@given(SEEDS)
@effort(max_examples=15, deadline=None)
def test_everybody_comes_in_order_and_within_the_opening_hours(seed: int) -> None:
    visits = day.plan(SETUP, Manners(), seed)
    assert visits == sorted(visits, key=lambda v: v.at)
    early, last = Manners().early, Manners().last
    for visit in visits:
        assert any(begin - early <= visit.at < end - last for begin, end in MONDAY)


@given(SEEDS)
@effort(max_examples=15, deadline=None)
def test_a_visit_asks_only_for_what_the_centre_has(seed: int) -> None:
    services = {s.id for s in SETUP.services}
    groups = {p.id for p in SETUP.priorities} | {None}
    for visit in day.plan(SETUP, Manners(), seed):
        assert {visit.asks, visit.needs} <= services
        assert {visit.priority, visit.late_priority} <= groups
        assert visit.minutes > 0
        assert visit.score is None or 1 <= visit.score <= 5
        assert not visit.reasons or visit.score in range(1, day.POOR + 1)


def test_the_same_seed_is_the_same_day() -> None:
    assert day.plan(SETUP, Manners(), 7) == day.plan(SETUP, Manners(), 7)
    assert day.plan(SETUP, Manners(), 7) != day.plan(SETUP, Manners(), 8)
    assert day.shifts(SETUP, Manners(), 7) == day.shifts(SETUP, Manners(), 7)


@pytest.mark.parametrize(
    ("rate", "has"),
    [
        ("priority", lambda v: v.priority is not None),
        ("no_show", lambda v: v.misses_call),
        ("wrong_choice", lambda v: v.asks != v.needs),
        ("leaves", lambda v: v.leaves_after is not None),
        ("abandons", lambda v: v.abandons),
        ("double_tap", lambda v: v.double_tap),
        ("help", lambda v: v.help),
        ("phone", lambda v: v.door == day.PHONE),
        ("by_guide", lambda v: v.door == day.GUIDE),
        ("answers", lambda v: v.score is not None),
        ("with_dossier", lambda v: v.dossiers > 0),
        ("accepts_later", lambda v: v.accepts_later),
    ],
)
def test_over_many_days_each_rate_is_what_it_is_set_to(rate: str, has) -> None:  # type: ignore[no-untyped-def]
    visits = many_days()
    share = sum(map(has, visits)) / len(visits)
    wanted = getattr(Manners(), rate)
    error = (wanted * (1 - wanted) / len(visits)) ** 0.5
    assert abs(share - wanted) < 4 * error


def test_two_peaks_stand_out_and_nobody_comes_at_lunch() -> None:
    visits = many_days()
    hours = collections.Counter(int(v.at // 60) for v in visits)
    assert hours[12] == 0
    assert min(hours[8], hours[9]) > 1.4 * hours[10]
    assert hours[14] > 1.4 * hours[16]


def test_service_times_have_the_services_own_mean() -> None:
    visits = many_days()
    for service in SETUP.services:
        times = [v.minutes for v in visits if v.needs == service.id]
        assert sum(times) / len(times) == pytest.approx(service.mean_minutes, rel=0.12)


def test_half_of_the_counters_stay_open_at_each_moment_of_lunch() -> None:
    shifts = day.shifts(SETUP, Manners(), 3)
    assert len(shifts) == len(SETUP.counters)
    for minute in (700, 725, 750, 780, 800):
        away = [s for s in shifts if any(r.begins <= minute < r.ends for r in s.rests)]
        assert len(away) == len(shifts) // 2
    for shift in shifts:
        assert all(a.ends <= b.begins for a, b in zip(shift.rests, shift.rests[1:], strict=False))


def calm(seed: int = 3) -> trouble.Morning:
    return trouble.Morning(
        visits=tuple(day.plan(SETUP, Manners(), seed)),
        shifts=tuple(day.shifts(SETUP, Manners(), seed)),
    )


def test_trouble_keeps_one_officer_away_another_late_and_brings_a_bus() -> None:
    morning = trouble.go_wrong(SETUP, Manners(), 3, calm())
    said = {m.what: m for m in morning.mishaps}
    service = trouble.crowded(SETUP)
    home = SETUP.counter(said["sick"].counter)
    assert home is not None and home.serves[0] == service == said["bus"].service
    before, after = ({s.counter: s for s in m.shifts} for m in (calm(), morning))
    assert before.keys() - after.keys() == {said["sick"].counter}
    late = said["late"].counter
    assert after[late].opens == before[late].opens + Manners().late == said["late"].until
    assert all(r.begins > after[late].opens for r in after[late].rests)
    assert all(after[k] == before[k] for k in after if k != late)


def test_the_bus_comes_when_it_is_told_to_and_the_others_come_as_ever() -> None:
    manners = changed(Manners(), ["bus=30", "bus_at=500"])
    morning = trouble.go_wrong(SETUP, manners, 3, calm())
    others = set(calm().visits)
    crowd = [v for v in morning.visits if v not in others]
    assert len(crowd) == 30 and len(morning.visits) == len(calm().visits) + 30
    assert all(500 <= v.at <= 500 + trouble.GETTING_OFF for v in crowd)
    assert {v.needs for v in crowd} == {trouble.crowded(SETUP)}
    assert list(morning.visits) == sorted(morning.visits, key=lambda v: v.at)


def test_trouble_can_be_left_out_piece_by_piece() -> None:
    nothing = changed(Manners(), ["sick=0", "late=0", "bus=0"])
    assert trouble.go_wrong(SETUP, nothing, 3, calm()) == calm()
    holiday = trouble.Morning(visits=(), shifts=())
    assert trouble.go_wrong(SETUP, Manners(), 3, holiday) == holiday


def test_a_rest_that_is_put_off_is_as_long_and_takes_the_place_of_one_it_runs_into() -> None:
    short, lunch = (
        day.Rest(begins=570, ends=576, why="short"),
        day.Rest(begins=690, ends=750, why="lunch"),
    )
    assert day.put_off([short, lunch], 600) == [
        day.Rest(begins=600, ends=606, why="short"),
        lunch,
    ]
    assert day.put_off([short, lunch], 688)[1:] == []
    assert day.put_off([short, lunch], 560) == [short, lunch]


def test_a_rate_is_changed_by_name_and_nonsense_is_named() -> None:
    assert changed(Manners(), ["no_show=0.2"]).no_show == 0.2
    assert "double_tap" in names()
    for wrong in ("nonsense=1", "no_show=x", "no_show=-1", "scores=1"):
        with pytest.raises(WrongRate):
            changed(Manners(), [wrong])


# --- its folder and its clock --------------------------------------------------------------------


def test_a_folder_that_is_no_demos_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "centre.db").write_text("real")
    done = subprocess.run(
        [*COMMAND, "--data", tmp_path], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "not a demo's folder" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["centre.db"]


def test_a_demos_folder_is_wiped_unless_a_demo_runs_on_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "var-demo")
    wipe(folder)
    (folder.root / "centre.db").write_text("yesterday")
    with folder.lock(), pytest.raises(AlreadyRunning):
        wipe(folder)
    assert (folder.root / "centre.db").exists()
    wipe(folder)
    assert not (folder.root / "centre.db").exists()
    (folder.root / demo_command.MARK).unlink()
    with pytest.raises(NotADemo):
        wipe(folder)


@given(now=st.integers(1_790_000_000, 1_820_000_000).map(lambda s: s * 1000))
@effort(max_examples=10, deadline=None)
def test_the_day_is_a_working_day_and_begins_before_its_doors_open(now: int) -> None:
    when = next_working_day(SETUP, now)
    assert when.weekday() < 5
    begins = now + ahead_ms(SETUP, when, now, 60)
    ready = local(int(begins + demo_command.START_S * 60_000), SETUP.rules.utc_offset_minutes)
    assert (ready.date(), f"{ready:%H:%M}") == (when, "07:25")
    assert ready > local(now, SETUP.rules.utc_offset_minutes)
    assert begins + DAY > now - MINUTE


# --- one dense morning, played -------------------------------------------------------------------

DENSE = {
    "load": 1.1,
    "service_factor": 0.15,
    "walking": 0.2,
    "touching": 0.15,
    "patience": 1.0,
    "no_show": 0.12,
    "comes_back": 1.0,
    "back_after": 0.5,
    "calls_again": 1.0,
    "leaves": 0.08,
    "wrong_choice": 0.12,
    "abandons": 0.08,
    "double_tap": 0.2,
    "double_press": 0.25,
    "help": 0.1,
    "parks": 0.08,
    "undo": 0.1,
    "late_priority": 0.06,
    "phone": 0.2,
}
SEEN_BY_THE_LOG = {
    e.TicketCancelled: 2,
    e.TicketTransferred: 2,
    e.TicketNoShow: 1,
    e.TicketPutBack: 1,
    e.TicketParked: 1,
    e.TicketResumed: 1,
    e.StepUndone: 1,
    e.HelpCalled: 1,
    e.HelpAnswered: 1,
    e.PriorityGranted: 1,
    e.RatingGiven: 20,
    e.RatingSilent: 5,
    e.ServiceFinished: 50,
}
"""How often each must have happened before the morning may end."""


@dataclass
class Morning:
    process: subprocess.Popen[str]
    data: Path

    def log(self) -> list[e.Entry]:
        conn = connect(self.data / "centre.db", read_only=True)
        try:
            return [row.entry() for row in rows(conn)]
        finally:
            conn.close()

    def dense(self) -> bool:
        """Everything has happened that is to happen."""
        if self.process.poll() is not None:
            return True
        if not (self.data / "addresses.json").exists():
            return False
        counts = collections.Counter(type(x.event) for x in self.log())
        return all(counts[kind] >= least for kind, least in SEEN_BY_THE_LOG.items())


@contextmanager
def morning(data: Path, *options: str) -> Iterator[Morning]:
    process = subprocess.Popen(
        [*COMMAND, "--speed", "60", "--data", str(data), "--no-windows", "--language=en", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "MOTCUA_WEB__PORT": "0", "MOTCUA_BROKER__PORT": "0"},
    )
    try:
        yield Morning(process, data)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def test_a_dense_morning_loses_nothing_doubles_nothing_and_ends_cleanly(tmp_path: Path) -> None:
    data = tmp_path / "var-demo"
    rates = [f"--rate={name}={value}" for name, value in DENSE.items()]
    with morning(data, "--calm", *rates) as played:
        assert wait_for(played.dense, 75), played.log()
        children = psutil.Process(played.process.pid).children(recursive=True)
        played.process.send_signal(signal.SIGINT)
        said, _ = played.process.communicate(timeout=60)
        facts = [entry.event for entry in played.log()]
    assert played.process.returncode == 0, said
    assert len(children) >= 6
    assert wait_for(lambda: not any(map(lives, children)), 10)
    assert "No ticket lost or doubled; each rating counted once." in said, said
    nothing_is_doubled(facts)
    for manner in ("touched twice", "next pressed twice", "rated by button", "cancelled by phone"):
        assert re.search(rf"{manner} [1-9]", said), said
    assert "call not heard" not in said
    assert "pressed called two" not in said
    for log in data.glob("*.log"):
        assert "Traceback" not in log.read_text("utf-8"), log.name


# --- a morning that goes wrong, played -----------------------------------------------------------

AT_ONCE = ("--rate=bus_at=447", "--rate=bus=30", "--rate=late=20")
"""The bus stands before the door as it opens: the test need not wait for it."""


def test_trouble_is_foretold_by_the_twin_and_put_right_by_the_manager(tmp_path: Path) -> None:
    warm()
    data = tmp_path / "var-demo"
    with morning(data, *AT_ONCE) as played:
        said = []
        for line in iter(lambda: played.process.stdout.readline(), ""):  # type: ignore[union-attr]
            said.append(line)
            if "ACCEPTED" in line and "Open until" in line:
                break
        assert wait_for(lambda: happened(played, e.CounterOpened, "canbo13"), 10)
        accepted = [x for x in played.log() if isinstance(x.event, e.MoveAccepted)]
        moves = [x.event.move for x in accepted if isinstance(x.event, e.MoveAccepted)]
        password = re.search(r"Password of all: +(\S+)", "".join(said))
        assert password, said
        end(data, password[1], moves[-1])
        assert wait_for(lambda: happened(played, e.MoveEnded), 10)
        played.process.send_signal(signal.SIGINT)
        rest, _ = played.process.communicate(timeout=30)
    proposed = [x for x in played.log() if isinstance(x.event, e.MoveProposed)]
    assert {x.actor.device for x in proposed} == {"twin"}
    assert {x.actor.account for x in accepted} == {demo_command.MANAGER}
    for words in ("has called in sick", "comes late", "A bus brings 30 people"):
        assert any(words in line for line in said), said
    assert re.search(r"Moves: +[1-9]\d* proposed, [1-9]", rest), rest


def happened(played: Morning, kind: type[e.Fact], account: str = "") -> bool:
    found = (x for x in played.log() if isinstance(x.event, kind))
    return any(account in ("", x.actor.account) for x in found)


def end(data: Path, password: str, move: str) -> None:
    """A person stops a move that is under way."""
    web = msgspec.json.decode((data / "addresses.json").read_bytes())["web"]
    with httpx.Client(base_url=web, trust_env=False) as http:
        login = {"account": demo_command.MANAGER, "password": password}
        token = http.post("/api/session", json=login).raise_for_status().json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        http.post(f"/api/moves/{move}/refuse", headers=headers, json={}).raise_for_status()


def nothing_is_doubled(facts: list[e.Event]) -> None:
    issued = [f for f in facts if isinstance(f, e.TicketIssued)]
    assert len({f.number for f in issued}) == len(issued)
    asked = [f.ask for f in issued if f.ask]
    assert len(set(asked)) == len(asked)
    rated = [f.offer for f in facts if isinstance(f, e.RatingGiven)]
    assert len(set(rated)) == len(rated)
    called = {f.ticket for f in facts if isinstance(f, e.TicketCalled)}
    served = [f.ticket for f in facts if isinstance(f, e.ServiceFinished)]
    undone = [
        f.ticket for f in facts if isinstance(f, e.StepUndone) and f.step == "ServiceFinished"
    ]
    assert set(served) <= called
    for ticket in set(served):  # undone in the last moment, she is finished no more
        assert served.count(ticket) - undone.count(ticket) in (0, 1)


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_what_it_prints_has_words_for_all_that_may_happen() -> None:
    from queue_server.twin.crowd.tally import TEXTS

    sources = "".join(p.read_text("utf-8") for p in Path(day.__file__).parent.glob("*.py"))
    noted = set(re.findall(r'happened\[\s*"(\w+)"', sources)) | {"wrong_press", "double_press"}
    assert {f"happened.{what}" for what in noted} <= TEXTS.keys("vi")
    assert msgspec.structs.fields(Manners)
