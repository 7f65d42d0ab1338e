"""Kiosks without a server: numbers go on, nobody has two, none is given twice, each counts once."""

from __future__ import annotations

import datetime as dt
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from kiosk import reports as r
from kiosk.cut_off import CutOff
from kiosk.leases import open_leases
from kiosk.visit import Paper, Step, View, view
from queue_server.desk.desk import token_hash
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.store import keeping
from queue_server.store.heads import HeadKey
from queue_server.store.log import Log
from queue_server.wire import messages as m
from queue_server.wire.centre_time import Anchor, CentreTime, Machine, Moment
from queue_server.wire.link import Link
from queue_server.wire.words import DAY, MINUTE, SECOND, DeviceKind
from tests.brokers import make_broker, wait_for
from tests.house import House, take, taken
from tests.kiosk_room import Broker, KioskProcess, PretendServer, until
from tests.test_kiosk_journey import CHOICES, LONG, NOW, READY, REFUSAL, SETUP, after

HOUR = 60 * MINUTE


# --- the journey ----------------------------------------------------------------------------------

LEASED = replace(READY, leased={"civil": 5, "other": 0}, line=LONG)
ALONE, _ = after(LEASED, r.ConnectionChanged(NOW, False), r.Tick(NOW + 2 * SECOND))
LATER = NOW + 3 * SECOND
AT_CHECK, _ = after(ALONE, *(replace(x, at=LATER) for x in CHOICES))
OFFLINE = m.TicketTaken(
    ticket="t9", number="A980", service="civil", issued_at=NOW, ahead=20, token="x", offline=True
)


def of(kind: type, effects: list[Any]) -> list[Any]:
    return [x for x in effects if isinstance(x, kind)]


def test_alone_with_a_lease_the_visit_goes_on_without_asking_anybody() -> None:
    assert (view(ALONE), view(AT_CHECK)) == (View.WELCOME, View.CONFIRM)
    state, wanted = after(AT_CHECK, r.Confirmed(LATER, "ask1"))
    (want,) = of(r.TakeLeased, wanted)
    assert (want.message.service, want.message.priority) == ("civil", "elderly")
    assert (want.ahead, want.known_at) == (20, LONG.at)
    assert not of(r.AskTicket, wanted) and view(state) is View.WAITING


def test_a_leased_number_is_kept_before_it_is_shown_and_shown_before_it_is_printed() -> None:
    state, wanted = after(
        AT_CHECK, r.Confirmed(LATER, "ask1"), r.LeasedCame(LATER, "ask1", OFFLINE)
    )
    assert wanted[-2] == r.Tell("ask1", "t9")
    assert (view(state), state.taken, state.paper) == (View.TICKET, OFFLINE, Paper.AWAITED)
    _, printed = after(state, r.Tick(LATER + 300))
    assert [x.taken for x in of(r.Print, printed)] == [OFFLINE]


def test_a_number_that_could_not_be_kept_is_never_shown() -> None:
    state, _ = after(
        AT_CHECK,
        r.Confirmed(LATER, "ask1"),
        r.LeasedCame(LATER, "ask1", OFFLINE),
        r.Untold(LATER, "t9"),
    )
    assert (view(state), state.taken, state.last) == (View.NO_ANSWER, None, None)


def test_whoever_left_before_her_leased_number_came_is_in_no_line() -> None:
    state, wanted = after(
        AT_CHECK,
        r.Confirmed(LATER, "ask1"),
        r.WentHome(LATER),
        r.LeasedCame(LATER, "ask1", OFFLINE),
    )
    assert state.step is Step.WELCOME
    assert not of(r.Tell, wanted) and not of(r.Withdraw, wanted)


@pytest.mark.parametrize(("down_at", "given_at"), [(1, 4), (None, 30)])
def test_an_ask_without_an_answer_is_withdrawn_and_one_number_comes_from_the_lease(
    down_at: int | None, given_at: int
) -> None:
    """Seconds after the ask: three from when the line is known to be down, else the whole patience."""
    asked, _ = after(LEASED, *CHOICES, r.Confirmed(NOW, "ask1"))
    if down_at is not None:
        asked, _ = after(asked, r.ConnectionChanged(NOW + down_at * SECOND, False))
    _, early = after(asked, r.Tick(NOW + given_at * SECOND - 1))
    assert early == []
    state, wanted = after(asked, r.Tick(NOW + given_at * SECOND))
    assert wanted[0] == r.Withdraw("ask1")
    (want,) = of(r.TakeLeased, wanted)
    assert want.message.id != "ask1"
    _, late = after(state, r.TicketCame(NOW + 40 * SECOND, "ask1", OFFLINE))
    assert late == [r.Withdraw("ask1")]


def test_a_refusal_is_the_servers_word_and_no_lease_goes_round_it() -> None:
    asked, _ = after(LEASED, *CHOICES, r.Confirmed(NOW, "ask1"))
    state, wanted = after(asked, r.TicketRefused(NOW, "ask1", REFUSAL))
    assert (view(state), wanted) == (View.REFUSED, [])


def test_without_a_number_left_she_is_told_where_to_go() -> None:
    used = replace(ALONE, leased={"civil": 0, "other": 0})
    assert view(used) is View.AWAY
    one_left = replace(AT_CHECK, leased={"civil": 0, "other": 1})
    assert view(one_left) is View.STOPPED
    empty, _ = after(AT_CHECK, r.Confirmed(LATER, "ask1"), r.NoneLeft(LATER, "ask1"))
    assert view(empty) is View.NO_ANSWER


# --- the centre's time ----------------------------------------------------------------------------


@dataclass
class Clocks:
    """A machine's clocks, moved by hand (ms)."""

    real: int = 1_000_000_000
    wrong: int = 0
    boot: str = "one"
    started: int = 0

    def now(self) -> int:
        return self.real

    def machine(self) -> Machine:
        return Machine(
            lambda: self.now() + self.wrong, lambda: self.now() - self.started, self.boot
        )


@dataclass
class Running(Clocks):
    """Which go by themselves as well, beside a server whose clock does."""

    since: float = field(default_factory=time.monotonic)

    def now(self) -> int:
        return self.real + int((time.monotonic() - self.since) * 1000)


def test_a_clock_that_jumps_by_a_day_changes_no_time_of_this_start() -> None:
    clocks = Clocks(wrong=DAY)
    centre = CentreTime(clocks.machine())
    centre.heard(clocks.real, 1.0)
    moments = []
    for jump in (0, -3 * DAY, 2 * DAY):
        clocks.real += MINUTE
        clocks.wrong += jump
        moments.append(centre.moment())
        assert centre.now() == clocks.real
    assert centre.when(moments) == [x.told for x in moments]


def test_given_before_the_server_was_heard_it_is_dated_right_afterwards() -> None:
    clocks = Clocks(wrong=-DAY)
    centre = CentreTime(clocks.machine())
    given = clocks.real
    moments = [centre.moment()]
    assert moments[0].told == given - DAY
    clocks.real += HOUR
    centre.heard(clocks.real, 1.0)
    assert centre.when(moments) == [given]


@pytest.mark.parametrize(("wrong", "off"), [(DAY, DAY), (-40 * DAY, -HOUR)])
def test_after_a_power_cut_it_goes_by_the_offset_and_never_back_before_what_was_told(
    wrong: int, off: int
) -> None:
    """The clock was a day off before; after the cut its battery is dead in the second case."""
    clocks = Clocks(wrong=DAY)
    kept = CentreTime(clocks.machine()).heard(clocks.real, 1.0)
    told = clocks.real + MINUTE
    clocks = Clocks(clocks.real + HOUR, wrong, "two", clocks.real + HOUR)
    centre = CentreTime(clocks.machine(), kept, told)
    expected = clocks.real if wrong == DAY else told
    assert centre.now() == expected
    before, after_ = Moment(boot="one", steady=5, told=told), centre.moment()
    clocks.real += MINUTE
    centre.heard(clocks.real, 1.0)
    assert centre.when([before, after_]) == [told, clocks.real - MINUTE]


def test_times_stay_in_order_whatever_the_clock_said_before_a_power_cut() -> None:
    centre = CentreTime(Clocks(boot="two").machine(), Anchor(at=5, wall=5, steady=5, boot="one"))
    moments = [Moment(boot="one", steady=1, told=x) for x in (100, DAY * 99, 300)]
    found = centre.when(moments)
    assert found == sorted(found) == [100, 300, 300]


# --- the file -------------------------------------------------------------------------------------

GIVE = """
import sys
from pathlib import Path
from queue_server.wire.centre_time import CentreTime, Machine
from kiosk.leases import open_leases
from queue_server.wire import messages as m
leases, centre = open_leases(Path(sys.argv[1])), CentreTime(Machine())
while True:
    ask = m.HandOver(id=f"{sys.argv[2]}-{centre._machine.steady()}", number="", service="a",
                     day="", issued_at=0, token="x")
    given = leases.burn("2026-11-24", ask)
    leases.tell(given.id, centre.moment())
    print(given.number, flush=True)
"""


def lease(count: int, day: str = "2026-11-24") -> m.Leased:
    return m.Leased(day=day, numbers={"a": tuple(f"A{n:04}" for n in range(count))})


def wanted(ask: str) -> m.HandOver:
    return m.HandOver(id=ask, number="", service="a", day="", issued_at=0, token="x")


def test_killed_at_any_moment_it_gives_no_number_twice_and_loses_none_that_was_told(
    tmp_path: Path,
) -> None:
    path = tmp_path / "leases.db"
    leases = open_leases(path)
    leases.add(lease(9000))
    leases.stop()
    assert path.stat().st_mode & 0o777 == 0o600
    told: list[str] = []
    for cut, lines in enumerate((1, 5, 12)):
        child = subprocess.Popen(
            [sys.executable, "-c", GIVE, str(path), str(cut)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        assert child.stdout is not None
        seen = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        seen += child.stdout.readlines()
        child.wait()
        told += [x.decode().strip() for x in seen if x.endswith(b"\n")]
        leases = open_leases(path)
        kept = [x.message.number for x in leases.pending(0, "")]
        leases.stop()
        assert len(kept) == len(set(kept))
        assert [n for n in kept if n in told] == told
        assert (
            len(kept) - len(told) <= cut + 1
        )  # one a cut may have been kept and not yet read here


def test_burnt_and_not_told_it_is_skipped_for_good(tmp_path: Path) -> None:
    leases = open_leases(tmp_path / "leases.db")
    leases.add(lease(3))
    first = leases.burn("2026-11-24", wanted("x"))
    leases.stop()
    leases = open_leases(tmp_path / "leases.db")
    second = leases.burn("2026-11-24", wanted("y"))
    assert first is not None and second is not None
    assert (first.number, second.number) == ("A0000", "A0001")
    with pytest.raises(sqlite3.IntegrityError):
        leases.tell("x", Moment(boot="", steady=0, told=0))
    assert leases.pending(0, "") == []
    leases.stop()


def test_a_lease_is_good_for_its_day_alone_and_void_numbers_are_nobodys(tmp_path: Path) -> None:
    leases = open_leases(tmp_path / "leases.db")
    leases.add(lease(3))
    assert leases.left("2026-11-25") == {}
    assert leases.burn("2026-11-25", wanted("x")) is None
    leases.add(m.Leased(day="2026-11-24", void=("A0000", "A0001")))
    assert leases.left("2026-11-24") == {"a": 1}
    leases.add(lease(1, "2026-11-25"))
    assert (leases.left("2026-11-24"), leases.left("2026-11-25")) == ({}, {"a": 1})
    leases.stop()


def test_a_torn_file_is_laid_aside_and_a_full_disk_gives_no_number(tmp_path: Path) -> None:
    path = tmp_path / "leases.db"
    path.write_bytes(b"no database at all" * 100)
    leases = open_leases(path)
    assert (tmp_path / "leases.db.broken").exists()
    leases.add(lease(3000))
    full = CutOff(_Nobody(), leases, lambda *_, **__: None, Clocks().machine())
    full._day = "2026-11-24"
    leases._open().execute("PRAGMA max_page_count=1")
    outcomes = [full.take(r.TakeLeased(take("a"))) for _ in range(60)]
    assert outcomes[-1] is None
    given = [x.number for x in outcomes if x is not None]
    assert len(given) == len(set(given))
    leases.stop()


def test_a_start_without_a_server_knows_the_centre_and_the_lease_and_goes_on(
    tmp_path: Path,
) -> None:
    path, clocks, heard = tmp_path / "leases.db", Clocks(real=1_795_480_200_000), []

    def begun(clocks: Clocks) -> CutOff:
        heard.clear()
        hear = lambda kind, **values: heard.append((kind, values))  # noqa: E731
        cut_off = CutOff(_Nobody(), open_leases(path), hear, clocks.machine())
        cut_off.begin()
        return cut_off

    first = begun(clocks)
    first._leases.add(lease(2))
    first.setup_came(SETUP)
    first._leases.stop()
    again = begun(replace(clocks, boot="two"))
    assert heard[0] == (r.SetupCame, {"setup": SETUP})
    assert heard[1] == (r.LeaseChanged, {"left": {"a": 2}})
    asks = [r.TakeLeased(take("a")) for _ in range(3)]
    assert [getattr(again.take(x), "number", None) for x in asks] == ["A0000", "A0001", None]
    again._leases.stop()
    begun(replace(clocks, real=clocks.real + DAY, boot="three"))._leases.stop()
    assert heard[1] == (r.LeaseChanged, {"left": {}})


class _Nobody:
    def ask(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nobody is asked")


# --- two kiosks, an hour, and a server from its backup ----------------------------------------------


@dataclass
class Alone:
    """A kiosk's own parts without its screen: link, file, and clocks that can be moved."""

    link: Link
    path: Path
    clocks: Clocks
    left: dict[str, int] = field(default_factory=dict)
    given: list[tuple[str, int]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        self.leases = open_leases(self.path)
        self.cut_off = CutOff(self.link, self.leases, self._hear, self.clocks.machine())
        self.link.on_welcome = self.cut_off.heard
        self.link.on_connection = lambda up: None if up else self.cut_off.lost()
        self.cut_off.begin()

    def power_cut(self) -> None:
        self.leases.stop()
        self.clocks.boot, self.clocks.started = f"{self.clocks.boot}+", self.clocks.now()
        self.start()

    def _hear(self, kind: type, **values: Any) -> None:
        if kind is r.LeaseChanged:
            self.left = values["left"]

    def give(self, service: str) -> str:
        self.cut_off.beat()
        ask = take(service, priority="nguoi_cao_tuoi")
        ticket = self.cut_off.take(r.TakeLeased(ask))
        assert ticket is not None and ticket.offline and self.cut_off.tell(ask.id)
        assert self.cut_off.note_print(ticket.ticket, "confirmed")
        assert ticket.issued_at == pytest.approx(self.clocks.now(), abs=5 * SECOND)
        self.given.append((ticket.number, self.clocks.now()))
        self.tokens[ticket.number] = ticket.token
        return ticket.number


def online(link: Link) -> str:
    """A number from the server."""
    ask = structs.replace(take("ho_tich"), asked_at=link.now())
    return taken(link.ask("take_ticket", ask).result(20)).number


def nine_o_clock() -> int:
    """How far (ms) from now it is to the next Tuesday, 9:00 in Vietnam: no test runs over midnight."""
    now = dt.datetime.now(dt.UTC)
    days = (1 - now.weekday()) % 7 + 7
    there = (now + dt.timedelta(days=days)).replace(hour=2, minute=0, second=0, microsecond=0)
    return int((there - now).total_seconds() * 1000)


@dataclass
class Twice:
    """A house, and the one that is brought back from its backup an hour later."""

    root: Path
    houses: list[House] = field(default_factory=list)
    ahead: int = field(default_factory=nine_o_clock)

    def now(self) -> int:
        return int(time.time() * 1000) + self.ahead

    def open(self, name: str, ahead: int, port: int | None = None) -> House:
        (self.root / name).mkdir(exist_ok=True)
        house = House(self.root / name, ahead_ms=ahead)
        if port is not None:
            house.broker = make_broker("nats", house.root / "broker", port=port)
        self.houses.append(house)
        return house

    def back_up(self, house: House) -> Path:
        key = HeadKey.open(house.folder.head_key)
        to = self.root / "backups"
        return keeping.back_up(house.folder.root, to, None, key, self.now(), 3)[0]

    def bring_back(self, archive: Path, old: House, port: int) -> House:
        root = self.root / "two" / "var"
        at = self.now() + HOUR
        keeping.restore(archive, root, lambda last: max(last, at), keeping.Terms())
        key = Folder(root).master_key()
        key.parent.mkdir(parents=True)
        key.write_bytes(old.folder.master_key().read_bytes())
        return self.open("two", self.ahead + HOUR, port)


@pytest.fixture
def twice(tmp_path: Path) -> Iterator[Twice]:
    made = Twice(tmp_path)
    yield made
    for house in made.houses:
        house.stop()


def test_two_kiosks_cut_off_for_an_hour_and_the_server_from_its_backup(twice: Twice) -> None:
    """One kiosk's lease is in the copy and the other's is not; one loses power in the middle, the other's
    clock jumps by a day."""
    house = twice.open("one", twice.ahead)
    own = [house.enrol(DeviceKind.KIOSK, f"kiosk-{n}") for n in (1, 2)]
    house.start()
    kiosks = []

    def join(n: int) -> Alone:
        link = Link(own[n], "test")
        kiosk = Alone(link, twice.root / f"k{n}.db", Running(twice.now(), wrong=n * DAY))
        kiosk.start()
        link.start()
        house._links.append(link)
        kiosks.append(kiosk)
        assert wait_for(lambda: kiosk.left.get("ho_tich", 0) == 20, 20), house.said()
        return kiosk

    first = join(0)
    told = [online(first.link)]
    archive = twice.back_up(house)
    second = join(1)  # what it was leased is not in the copy
    told += [online(second.link)]
    port = house.broker.port
    assert port is not None
    house.kill_server()
    house.broker.stop()
    assert wait_for(lambda: not first.link.connected and not second.link.connected, 20)

    for minute in range(0, 60, 6):
        for kiosk in kiosks:
            kiosk.clocks.real += 6 * MINUTE
            kiosk.give("ho_tich" if minute % 4 else "chung_thuc")
        if minute == 24:
            first.power_cut()
            second.clocks.wrong -= 2 * DAY
    back = twice.bring_back(archive, house, port)
    back.start()
    for kiosk in kiosks:
        assert wait_for(lambda k=kiosk: k.link.connected, 20)  # type: ignore[misc]
        assert wait_for(lambda k=kiosk: (k.cut_off.beat(), k.leases.waiting())[1] == 0, 20)  # type: ignore[misc]

    issued = [x for x in back.issued() if x.offline]
    for n, kiosk in enumerate(kiosks, 1):
        mine = [x for x in issued if x.source == f"kiosk-{n}"]
        assert [x.number for x in mine] == [number for number, _ in kiosk.given]
        assert [x.token for x in mine] == [token_hash(kiosk.tokens[x.number]) for x in mine]
        for x, (_, at) in zip(mine, kiosk.given, strict=True):
            assert x.arrived == pytest.approx(at, abs=5 * SECOND)
    assert not any(x.doubled or x.late for x in issued)
    papers = told + [number for kiosk in kiosks for number, _ in kiosk.given]
    fresh = [online(first.link)]
    more = [
        n for k in kiosks for numbers in k.leases.held(k.cut_off._day).values() for n in numbers
    ]
    assert len(papers + fresh) == len(set(papers + fresh)) == 23
    assert len(more) == len(set(more)) and not set(more) & {*told, *fresh}
    prints = [x.event for x in back.log() if isinstance(x.event, e.TicketPrinted)]
    assert len(prints) == 20


def test_an_answer_that_was_lost_with_the_line_leaves_her_one_number(twice: Twice) -> None:
    """The server made a number, its answer never came: the withdrawal cancels that one."""
    house = twice.open("one", twice.ahead)
    own = house.enrol(DeviceKind.KIOSK, "kiosk-1")
    house.start()
    link = house.link(own)
    kiosk = Alone(link, twice.root / "k.db", Running(twice.now()))
    kiosk.start()
    kiosk.cut_off.heard(m.Welcome(at=twice.now(), epoch=1))
    assert wait_for(lambda: kiosk.left.get("ho_tich", 0) == 20, 20), house.said()
    ask = structs.replace(take("ho_tich"), asked_at=twice.now())
    link.ask("take_ticket", ask).result(20)
    kiosk.give("ho_tich")
    withdrawn = m.WithdrawTicket(id=f"withdraw-{ask.id}", ask=ask.id)
    link.ask("withdraw_ticket", withdrawn).result(20)
    kiosk.cut_off._hand_at = 0
    assert wait_for(lambda: (kiosk.cut_off.beat(), kiosk.leases.waiting())[1] == 0, 20)
    house.kill_server()
    log = Log(house.folder.database)
    state = log.load()
    log.close()
    stand = {t.number: t.status for t in state.tickets.values()}
    assert stand == {"A001": "cancelled", "A980": "waiting"}


# --- the whole kiosk --------------------------------------------------------------------------------


def test_the_screen_says_so_and_a_kill_between_number_and_paper_loses_nobody(
    tmp_path: Path,
) -> None:
    broker = Broker(tmp_path)
    broker.start()
    server = PretendServer(broker.port)
    server.lease = {"certify": ("B980", "B981", "B982")}
    server.start()
    kiosk = KioskProcess(tmp_path, broker.port, server.web)
    kiosk.start()
    choose = ("start-vi", "service-certify", "priority-none", "confirm")
    try:
        until(lambda: server.said("lease_numbers") and not server.lease, "the lease")
        until(lambda: len(_numbers(kiosk, "number.state = 'free'")) == 3, "the lease on the disk")
        broker.stop()
        until(lambda: kiosk.says("Đang mất kết nối"), "the calm remark")
        kiosk.go(*choose)
        kiosk.until_shows("ticket")
        assert kiosk.says("B980") and kiosk.says("Số cấp khi mất kết nối")
        assert kiosk.says("không rõ") and kiosk.says("chưa ước tính được")
        kiosk.kill()
        assert _numbers(kiosk, "given.state = 'told'") == ["B980"]
        assert len(_numbers(kiosk, "number.state = 'free'")) == 2
        assert server.said("take_ticket") == []
    finally:
        kiosk.kill()
        server.stop()
        broker.stop()


def _numbers(kiosk: KioskProcess, where: str) -> list[str]:
    """Numbers on the kiosk's disk."""
    with sqlite3.connect(f"file:{kiosk.data / 'leases.db'}?mode=ro", uri=True) as conn:
        rows = conn.execute(
            "SELECT number FROM number LEFT JOIN given ON given.ticket LIKE '%-' || number.number"
            f" WHERE {where} ORDER BY place"
        ).fetchall()
    return [row[0] for row in rows]
