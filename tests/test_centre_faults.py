"""What a visitor was told holds, whatever dies: server, broker, the machine; on NATS and on Mosquitto."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from queue_server.line import events as e
from queue_server.store.log import Log, load, rows
from queue_server.store.schema import connect
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.link import Refused, new_id
from queue_server.wire.words import DeviceKind
from tests.brokers import BOTH, wait_for
from tests.house import House, house, take, taken

SERVICES = ("ho_tich", "chung_thuc", "cu_tru")


@pytest.fixture(params=BOTH)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, request.param) as made:
        made.kiosks = [made.enrol(DeviceKind.KIOSK, f"kiosk-{n}") for n in range(4)]  # type: ignore[attr-defined]
        made.start()
        yield made


def burst(home: House, count: int) -> dict[str, object]:
    """Ask for `count` tickets at once over four kiosks; ask id → future."""
    links = [home.link(own) for own in home.kiosks]  # type: ignore[attr-defined]
    futures = {}
    for n in range(count):
        ask = take(SERVICES[n % 3])
        futures[ask.id] = links[n % 4].ask("take_ticket", ask, 60)
    return futures


def check_all(home: House, futures: dict[str, object]) -> None:
    """Every visitor has a number of her own, and the log holds exactly these, in order, without a gap."""
    told = {ask: taken(future.result(60)).number for ask, future in futures.items()}  # type: ignore[attr-defined]
    issued = home.issued()
    assert len(set(told.values())) == len(told)
    assert {x.ask.split("/")[1]: x.number for x in issued} == told
    for service, count in Counter(x.service for x in issued).items():
        ordinals = [x.ordinal for x in issued if x.service == service]
        assert ordinals == list(range(1, count + 1))


def test_kill_9_of_the_server_in_a_burst_of_200_loses_and_doubles_nothing(running: House) -> None:
    futures = burst(running, 200)
    assert wait_for(lambda: sum(f.done() for f in futures.values()) > 20, 20)  # type: ignore[attr-defined]
    running.kill_server()
    running.start_server()
    check_all(running, futures)


def test_kill_9_of_the_broker_in_a_burst_of_200_loses_and_doubles_nothing(running: House) -> None:
    futures = burst(running, 200)
    assert wait_for(lambda: sum(f.done() for f in futures.values()) > 20, 20)  # type: ignore[attr-defined]
    running.kill_broker()
    check_all(running, futures)


def test_the_same_ask_three_times_gives_one_number(running: House) -> None:
    link = running.link(running.kiosks[0])  # type: ignore[attr-defined]
    ask = take()
    numbers = {taken(link.ask("take_ticket", ask).result(20)).number for _ in range(3)}
    assert len(numbers) == 1
    assert len(running.issued()) == 1


def test_the_same_ask_after_a_restart_gives_the_same_answer(running: House) -> None:
    link = running.link(running.kiosks[0])  # type: ignore[attr-defined]
    ask = take()
    first = taken(link.ask("take_ticket", ask).result(20))
    running.kill_server()
    running.start_server()
    assert taken(link.ask("take_ticket", ask).result(20)) == first


def test_another_device_with_the_same_id_gets_a_number_of_its_own(running: House) -> None:
    one, other = (running.link(own) for own in running.kiosks[:2])  # type: ignore[attr-defined]
    ask = take()
    first = taken(one.ask("take_ticket", ask).result(20))
    second = taken(other.ask("take_ticket", ask).result(20))
    assert first.number != second.number
    assert first.token != second.token


def test_what_cannot_be_read_is_refused_by_its_id_and_stops_nobody(running: House) -> None:
    heard: list[tuple[str, bytes]] = []
    own = running.kiosks[0]  # type: ignore[attr-defined]
    link = running.link(own, heard)
    topic = topics.ASKS["take_ticket"].at(own.centre, device=own.device)
    client = link._client
    assert client is not None
    for payload in (b"", b"{", b"\xff\xfe", b'{"id":5}', b"[]", b'"x"', b"0" * 200_000):
        client.publish(topic, payload, 1)
    broken = m.encode({"id": new_id(), "service": 7})
    future = link.ask("take_ticket", take("no_such_service"))
    with pytest.raises(Refused) as refused:
        future.result(20)
    assert refused.value.refusal.code == "unknown_service"
    assert "no_such_service" in refused.value.refusal.vi
    named = m.decode(dict, broken)["id"]
    answers: list[str] = []
    receive = link._receive
    link._receive = lambda item: (answers.append(item.payload.decode()), receive(item))  # type: ignore[assignment,func-returns-value]
    client.publish(topic, broken, 1)
    assert wait_for(lambda: any(named in a and "unreadable" in a for a in answers), 10)
    assert taken(link.ask("take_ticket", take()).result(20)).number == "A001"


def test_a_withdrawn_ask_that_comes_late_makes_no_ticket(running: House) -> None:
    link = running.link(running.kiosks[0])  # type: ignore[attr-defined]
    ask = take()
    link.ask("withdraw_ticket", m.WithdrawTicket(id=new_id(), ask=ask.id)).result(20)
    with pytest.raises(Refused) as refused:
        link.ask("take_ticket", ask).result(20)
    assert refused.value.refusal.code == "withdrawn"
    assert running.issued() == []


def test_a_broker_that_is_down_at_start_and_comes_later(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        own = home.enrol(DeviceKind.KIOSK, "kiosk-0")
        home.broker.start(home.users())
        home.broker.stop()
        home.start_server()
        home.broker.start(home.users())
        assert taken(home.link(own).ask("take_ticket", take()).result(30)).number == "A001"


def test_retained_state_is_said_again_to_a_broker_that_lost_two_minutes(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        own = home.enrol(DeviceKind.KIOSK, "kiosk-0")
        home.start()
        link = home.link(own)
        taken(link.ask("take_ticket", take()).result(20))
        home.broker.stop()
        shutil.copytree(home.root / "broker", home.root / "older")
        home.broker.start(home.users())
        assert wait_for(lambda: link.connected, 20)
        for _ in range(3):
            taken(link.ask("take_ticket", take()).result(20))
        home.broker.stop()
        shutil.rmtree(home.root / "broker")
        shutil.copytree(home.root / "older", home.root / "broker")
        home.broker.start(home.users())
        heard: list[tuple[str, bytes]] = []
        home.link(home.enrol(DeviceKind.KIOSK, "kiosk-1"), heard)
        line = topics.LINE.at(own.centre)

        def waiting() -> set[int]:
            states = [m.decode(m.LineState, body) for topic, body in heard if topic == line]
            return {s.services[0].waiting for s in states}

        assert wait_for(lambda: 4 in waiting(), 20)


def test_a_power_cut_at_any_moment_leaves_a_log_that_fits_and_holds_what_was_answered(
    tmp_path: Path,
) -> None:
    """Copies of the files taken while 200 tickets are issued, the write-ahead log cut anywhere after
    what was surely on disk when the copy began, open again with every answered ticket in them."""
    with house(tmp_path) as home:
        own = home.enrol(DeviceKind.KIOSK, "kiosk-0")
        home.start()
        link = home.link(own)
        asks = [take(SERVICES[n % 3]) for n in range(200)]
        futures = [link.ask("take_ticket", ask, 60) for ask in asks]
        copies: list[tuple[Path, set[str]]] = []
        for n in range(8):
            wanted = n * 25
            assert wait_for(lambda w=wanted: sum(f.done() for f in futures) >= w, 30)  # type: ignore[misc]
            told = {taken(f.result()).ticket for f in futures if f.done()}
            place = tmp_path / f"cut{n}"
            place.mkdir()
            database = home.folder.database
            shutil.copyfile(f"{database}-wal", place / "centre.db-wal")
            shutil.copyfile(database, place / "centre.db")
            copies.append((place, told))
        chance = random.Random(7)
        for place, told in copies:
            wal = place / "centre.db-wal"
            with wal.open("ab") as file:  # a torn page that was being written at the cut
                file.write(chance.randbytes(chance.randrange(1, 5000)))
            log = Log(place / "centre.db")
            state = log.load()
            assert told <= set(state.tickets)
            before = b"\0" * 32
            for seq, row in enumerate(rows(log.conn), 1):
                assert row.seq == seq
                assert row.chained(before) == row.hash
                before = row.hash
            log.close()


def test_a_clock_set_back_by_an_hour_does_not_turn_time_round() -> None:
    from queue_server.desk.clock import Clock

    wall, steady = [1_795_480_200.0], [100.0]
    clock = Clock(0, lambda: wall[0], lambda: steady[0])
    first = clock.now()
    wall[0] -= 3600
    steady[0] += 60
    second = clock.now()
    assert second == first + 60_000
    assert clock.behind_ms > 3_500_000
    wall[0] += 7200
    assert clock.now() > second
    clock.now()
    assert clock.behind_ms == 0


def test_a_start_after_the_clock_was_set_back_goes_on_from_the_log(tmp_path: Path) -> None:
    from queue_server.desk.clock import Clock

    log = Log(tmp_path / "centre.db")
    later = int(time.time() * 1000) + 3_600_000
    with log.transaction():
        log.append(e.DayStarted(day="2026-11-24"), later, e.Actor(device="x"), "")
    assert Clock(log.load().at).now() >= later


def test_a_full_disk_refuses_with_a_word_and_changes_nothing(tmp_path: Path) -> None:
    """SQLite's own page limit stands for the disk: the same error, at the same place."""
    from tests.desk_room import DeskRoom

    room = DeskRoom(tmp_path)
    assert room.ask(take("a")).refusal is None
    room.desk.log.conn.execute("PRAGMA max_page_count=1")
    refusals = set()
    for _ in range(40):
        answer = room.ask(take("a"))
        refusals.add(answer.refusal.code if answer.refusal else "")
        if answer.refusal:
            break
    assert "not_saved" in refusals
    seq, tickets = room.desk.log.seq, len(room.desk.state.tickets)
    assert room.ask(take("a")).refusal is not None
    assert (room.desk.log.seq, len(room.desk.state.tickets)) == (seq, tickets)
    room.desk.log.conn.execute("PRAGMA max_page_count=1000000")
    assert room.ask(take("a")).refusal is None
    conn = connect(room.path, read_only=True)
    assert len(load(conn)[0].tickets) == tickets + 1
