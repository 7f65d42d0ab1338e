"""What each device may say and hear, proved by delivery on both brokers; crashes, reloads, TLS."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from queue_server.doors import broker as b
from queue_server.doors.authority import Authority
from queue_server.doors.child import ChildFailed, PortTaken
from queue_server.doors.mosquitto import (
    ACCESS,
    MosquittoSettings,
    OutsideMosquitto,
    mosquitto_conf,
    mosquitto_files,
)
from queue_server.store.devices import Device, hash_password
from queue_server.wire import topics
from queue_server.wire.words import DeviceKind

from .brokers import BOTH, CENTRE, MOSQUITTO, NATS, Client, Room, make_broker, wait_for

KIOSK, OTHER, TABLET = "kiosk-1", "kiosk-2", "tablet-3"
SERVER = f"server.{CENTRE}"
PASSWORDS = {name: f"password of {name}" for name in (KIOSK, OTHER, TABLET, SERVER)}
TO_OTHER = f"motcua/{CENTRE}/answer/{OTHER}"
END = f"motcua/{CENTRE}/answer/{KIOSK}"


def device(name: str, kind: DeviceKind = DeviceKind.KIOSK, counter: int | None = None) -> Device:
    passwords = hash_password(PASSWORDS.get(name, name))
    return Device(name=name, kind=kind, added_at=0, counter=counter, passwords=passwords)


def users(*more: Device) -> list[b.BrokerUser]:
    known = [device(KIOSK), device(OTHER), device(TABLET, DeviceKind.TABLET, 3), *more]
    server = b.server_user(CENTRE, hash_password(PASSWORDS[SERVER]))
    return [*b.device_users(CENTRE, known), server]


@pytest.fixture(scope="module", params=BOTH)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    """One broker for all the stories that leave it as it was; a device for each pair of ears."""
    ears = [device(ear(number)) for number in range(len(FORBIDDEN_TO_HEAR))]
    folder = tmp_path_factory.mktemp("broker")
    room = Room(make_broker(request.param, folder), PASSWORDS, users(*ears))
    room.broker.start(room.users)
    yield room
    room.close()


@pytest.fixture
def shared(running: Room) -> Iterator[Room]:
    yield running
    running.empty()


@pytest.fixture(params=BOTH)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    """A broker of one's own, to kill and reload."""
    restarts = threading.Semaphore(0)
    broker = make_broker(request.param, tmp_path / "broker", on_restart=restarts.release)
    room = Room(broker, PASSWORDS, users())
    room.restarts = restarts
    room.broker.start(room.users)
    yield room
    room.close()


def ear(number: int) -> str:
    return f"ear-{number}"


def own_filters(name: str = OTHER) -> list[str]:
    return topics.may_subscribe(CENTRE, name, DeviceKind.KIOSK, None)


# --- what is open ---


def test_a_device_asks_and_hears_its_answer_and_the_public_topics(shared: Room) -> None:
    kiosk = shared.client(KIOSK, *own_filters(KIOSK))
    server = shared.client(SERVER, f"motcua/{CENTRE}/#")
    for topic in topics.may_publish(CENTRE, KIOSK, DeviceKind.KIOSK):
        kiosk.say(topic, b"mine")
        assert server.hears(topic, b"mine")
    for topic in own_filters(KIOSK):
        server.say(topic, b"for you")
        assert kiosk.hears(topic, b"for you")


def test_a_tablet_hears_its_own_counter_and_no_other(shared: Room) -> None:
    tablet = shared.client(TABLET, *[f"motcua/{CENTRE}/offer/{n}" for n in (3, 4, "+")])
    server = shared.client(SERVER)
    server.say(f"motcua/{CENTRE}/offer/4", b"not yours")
    server.say(f"motcua/{CENTRE}/offer/3", b"yours")
    assert tablet.hears(f"motcua/{CENTRE}/offer/3", b"yours")
    assert {payload for _, payload in tablet.heard} == {b"yours"}


# --- what is not ---

FORBIDDEN_TO_SAY = [
    TO_OTHER,
    f"motcua/{CENTRE}/answer/{KIOSK}",
    f"motcua/{CENTRE}/ask/{OTHER}/hello",
    f"motcua/{CENTRE}/ask/{KIOSK}/rate",
    f"motcua/{CENTRE}/ask/{KIOSK}/hello/more",
    f"motcua/{CENTRE}/presence/{OTHER}",
    f"motcua/{CENTRE}/line",
    f"motcua/{CENTRE}/setup",
    f"motcua/{CENTRE}/calls",
    f"motcua/{CENTRE}/line/",
    f"motcua/{CENTRE}",
    f"motcua/{CENTRE}/ask/*/hello",
    f"motcua/{CENTRE}/>",
    f"motcua.{CENTRE}.answer.{OTHER}",
    f"motcua/{CENTRE}.answer.{OTHER}",
    f"$MQTT/msgs/{TO_OTHER}",
    f"$MQTT/msgs/{TO_OTHER.replace('/', '.')}",
    f"$MQTT/rmsgs/motcua/{CENTRE}/line",
    "$MQTT/deliver/x",
    "$JS/API/STREAM/DELETE/$MQTT_msgs",
    "$SYS/REQ/SERVER/PING",
]


def test_nothing_forbidden_that_a_device_says_is_delivered(shared: Room) -> None:
    other = shared.client(OTHER, *own_filters())
    server = shared.client(SERVER, f"motcua/{CENTRE}/#")
    kiosk = shared.client(KIOSK)
    before = len(server.heard)
    for topic in FORBIDDEN_TO_SAY:
        for qos, retain in ((0, False), (1, False), (1, True), (2, True)):
            kiosk.say(topic, b"forged", qos, retain)
    # What comes after on the same lines has come: nothing of the above is still on its way.
    kiosk.say(f"motcua/{CENTRE}/ask/{KIOSK}/hello", b"end")
    assert server.hears(f"motcua/{CENTRE}/ask/{KIOSK}/hello", b"end")
    server.say(TO_OTHER, b"end")
    assert other.hears(TO_OTHER, b"end")
    assert b"forged" not in {payload for _, payload in server.heard[before:] + other.heard}
    server.stop()  # and nothing of it was retained
    late = shared.client(SERVER, f"motcua/{CENTRE}/#")
    late.say(f"motcua/{CENTRE}/calls", b"end")
    assert late.hears(f"motcua/{CENTRE}/calls", b"end")
    assert b"forged" not in {payload for _, payload in late.heard}


@pytest.mark.parametrize("topic", FORBIDDEN_TO_SAY[:9])
def test_a_will_says_no_more_than_its_device_may(shared: Room, topic: str) -> None:
    other = shared.client(OTHER, *own_filters())
    server = shared.client(SERVER, f"motcua/{CENTRE}/#")
    forger = shared.client(KIOSK, will=(topic, b"forged", 1, True))
    honest = shared.client(TABLET, will=(f"motcua/{CENTRE}/presence/{TABLET}", b"gone", 1, False))
    forger.vanish()
    assert forger.went.wait(5)
    honest.vanish()
    assert server.hears(f"motcua/{CENTRE}/presence/{TABLET}", b"gone")
    server.say(TO_OTHER, b"end")
    assert other.hears(TO_OTHER, b"end")
    assert b"forged" not in {payload for _, payload in server.heard + other.heard}


FORBIDDEN_TO_HEAR = [
    "#",
    "+/#",
    "motcua/#",
    "+/+/+/+",
    f"motcua/{CENTRE}/#",
    f"motcua/{CENTRE}/+/+",
    "motcua/+/answer/+",
    f"motcua/{CENTRE}/answer/#",
    TO_OTHER,
    f"{TO_OTHER}/#",
    f"motcua/{CENTRE}/answer/*",
    f"motcua/{CENTRE}/>",
    f"motcua/{CENTRE}/presence/+",
    f"motcua/{CENTRE}/ask/{OTHER}/hello",
    ">",
    "$SYS/#",
    "$MQTT/#",
    "$MQTT/+/#",
    "$MQTT/msgs/#",
    f"$MQTT/msgs/{TO_OTHER}",
    "$MQTT/rmsgs/#",
    "$MQTT/sub/#",
    "$MQTT/sess/#",
    "$MQTT.>",
    "$JS/#",
    "_INBOX/#",
    "$share/x/#",
]


def test_nothing_reaches_a_device_that_listens_where_it_may_not(shared: Room) -> None:
    server = shared.client(SERVER)
    server.say(f"motcua/{CENTRE}/presence/{TABLET}", b"private", retain=True)
    other = shared.client(OTHER, *own_filters())
    ears = [
        shared.guest(ear(n), ear(n), f"motcua/{CENTRE}/answer/{ear(n)}", forbidden)
        for n, forbidden in enumerate(FORBIDDEN_TO_HEAR)
    ]
    assert all(wait_for(lambda e=e: e.came.is_set() or e.went.is_set()) for e in ears)
    for qos in (0, 1):
        server.say(TO_OTHER, b"private", qos)
        other.say(f"motcua/{CENTRE}/ask/{OTHER}/hello", b"private", qos)
        other.say(f"motcua/{CENTRE}/presence/{OTHER}", b"private", qos)
    assert other.hears(TO_OTHER, b"private")
    for listener in ears:  # a broker may hang up on a filter; the others have heard all there was
        server.say(f"motcua/{CENTRE}/answer/{listener.name}", b"end")
        own = f"motcua/{CENTRE}/answer/{listener.name}"
        assert wait_for(lambda e=listener, t=own: (t, b"end") in e.heard or e.went.is_set())
    assert sum(not e.went.is_set() for e in ears) > len(ears) // 2
    leaks = {e.filters[1]: e.heard for e in ears if {p for _, p in e.heard} - {b"end"}}
    assert leaks == {}


# --- who gets in ---


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (KIOSK, "wrong"),
        (KIOSK, ""),
        (KIOSK, PASSWORDS[OTHER]),
        ("nobody", "x"),
        ("", ""),
        (KIOSK, users()[0].passwords.bcrypt),
        (KIOSK, users()[0].passwords.pbkdf2),
    ],
    ids=["wrong", "none", "of another", "nobody's", "nobody", "its bcrypt hash", "its pbkdf2 hash"],
)
def test_who_does_not_know_the_password_stays_out(shared: Room, name: str, password: str) -> None:
    guest = shared.guest(name, password)
    assert guest.refused.wait(5) or guest.went.is_set()
    assert not guest.came.is_set()


def test_anothers_client_id_gives_no_access_to_her_session(room: Room) -> None:
    secret_id = "0123456789abcdef"
    victim = room.client(OTHER, TO_OTHER, client_id=secret_id, clean=False)
    victim.stop()
    server = room.client(SERVER)
    server.say(TO_OTHER, b"kept for the other")
    thief = room.client(KIOSK, END, client_id=secret_id, clean=False)
    server.say(TO_OTHER, b"said to the other")
    server.say(END, b"end")
    assert thief.hears(END, b"end")
    assert {payload for _, payload in thief.heard} == {b"end"}


def test_a_second_login_takes_the_place_of_the_first(shared: Room) -> None:
    first = shared.client(TABLET, client_id="same-secret-id")
    first.paho.on_connect = None
    shared.client(TABLET, client_id="same-secret-id")
    assert first.went.wait(5)


def test_mosquitto_lets_nobody_throw_off_another_by_client_id(tmp_path: Path) -> None:
    room = Room(make_broker(MOSQUITTO, tmp_path), PASSWORDS, users())
    room.broker.start(room.users)
    other = room.client(OTHER, TO_OTHER, client_id="known")
    room.client(KIOSK, client_id="known")
    room.client(SERVER).say(TO_OTHER, b"still here")
    assert other.hears(TO_OTHER, b"still here")
    assert not other.went.is_set()
    room.close()


def test_no_user_may_use_nats_own_port(tmp_path: Path) -> None:
    room = Room(make_broker(NATS, tmp_path), PASSWORDS, users())
    room.broker.start(room.users)
    log = (tmp_path / "nats.log").read_text()
    line = next(line for line in log.splitlines() if "Listening for client connections" in line)
    host, port = line.rsplit(" ", 1)[1].rsplit(":", 1)
    assert host == "127.0.0.1"
    with socket.create_connection((host, int(port)), 5) as native:
        said = native.recv(4096)
        hello = f'CONNECT {{"user":"{SERVER}","pass":"{PASSWORDS[SERVER]}","verbose":true}}\r\n'
        native.sendall(hello.encode() + b"PING\r\n")
        said += native.recv(4096)
    assert b"Authorization Violation" in said
    room.close()


# --- crash, restart, reload ---


def test_retained_and_durable_messages_outlive_kill_9(room: Room) -> None:
    server = room.client(SERVER)
    durable = room.client(OTHER, TO_OTHER, client_id="durable", clean=False)
    durable.stop()
    server.say(f"motcua/{CENTRE}/line", b"line", retain=True)
    server.say(TO_OTHER, b"kept")
    if not isinstance(room.broker, b.Nats):
        room.broker.save()  # Mosquitto writes every 30 s, or when told
        saved = room.broker.folder / "mosquitto.db"
        assert wait_for(lambda: saved.exists() and b"kept" in saved.read_bytes())
    server.came.clear()
    first = room.broker.pid
    os.kill(first, signal.SIGKILL)
    assert room.restarts.acquire(timeout=20)
    assert room.broker.pid not in (None, first)
    assert server.came.wait(10), "clients find their way back"
    back = room.client(OTHER, f"motcua/{CENTRE}/line", client_id="durable", clean=False)
    assert back.hears(f"motcua/{CENTRE}/line", b"line")
    assert back.hears(TO_OTHER, b"kept")


def test_reload_adds_and_removes_users_without_dropping_the_others(room: Room) -> None:
    stays, goes = room.client(KIOSK, END), room.client(OTHER, TO_OTHER)
    assert room.guest("kiosk-9", "kiosk-9").refused.wait(5)
    room.broker.reload([u for u in users(device("kiosk-9")) if u.name != OTHER])
    assert goes.went.wait(5)
    assert wait_for(lambda: _gets_in(room, "kiosk-9", "kiosk-9"))
    assert room.guest(OTHER, PASSWORDS[OTHER]).refused.wait(5)
    room.client(SERVER).say(END, b"still here")
    assert stays.hears(END, b"still here")
    assert not stays.went.is_set()


def _gets_in(room: Room, name: str, password: str) -> bool:
    guest = room.guest(name, password)
    wait_for(lambda: guest.came.is_set() or guest.refused.is_set(), 2)
    return guest.came.is_set()


def test_a_reload_of_a_dead_broker_is_done_by_its_restart(room: Room) -> None:
    os.kill(room.broker.pid, signal.SIGKILL)
    assert wait_for(lambda: room.broker.pid is None)
    room.broker.reload(users(device("kiosk-9")))
    assert room.restarts.acquire(timeout=20)
    assert _gets_in(room, "kiosk-9", "kiosk-9")


def test_stop_ends_the_child_and_may_be_said_twice(room: Room) -> None:
    pid = room.broker.pid
    room.broker.stop()
    room.broker.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_broker_dies_with_its_parent(tmp_path: Path) -> None:
    story = f"""
        import sys, threading, time
        from pathlib import Path
        from queue_server.doors.broker import BrokerSettings, Nats
        nats = Nats(BrokerSettings(port=0), Path({str(tmp_path)!r}))
        starter = threading.Thread(target=nats.start, args=([],))
        starter.start(); starter.join()
        print(nats.pid, flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(story)]
    root = Path(__file__).parent.parent
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True)
    child = int(parent.stdout.readline())
    os.kill(child, 0)  # it has outlived the thread that started it
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


# --- ports, files, refusals ---


@pytest.mark.parametrize("which", BOTH)
def test_a_taken_port_is_named(which: str, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            make_broker(which, tmp_path / "broker", port=port).start([])


def test_port_0_takes_a_free_one_and_keeps_it_over_a_crash(tmp_path: Path) -> None:
    again = threading.Event()
    nats = b.Nats(b.BrokerSettings(port=0), tmp_path, on_restart=again.set)
    nats.start([])
    port = nats.port
    os.kill(nats.pid, signal.SIGKILL)
    assert port and again.wait(20)
    assert nats.port == port
    nats.stop()


def test_a_configuration_that_nats_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    nats = b.Nats(b.BrokerSettings(port=0, sync_interval="often"), tmp_path)
    with pytest.raises(ChildFailed, match="sync_interval"):
        nats.start([])


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(b.BrokerMissing, match="no-such"):
        b.nats_program(str(tmp_path / "no-such"))


def test_files_with_hashes_are_for_their_owner_only(tmp_path: Path) -> None:
    nats = b.Nats(b.BrokerSettings(port=0), tmp_path / "broker")
    nats.start(users())
    config = tmp_path / "broker" / "nats.conf"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert PASSWORDS[KIOSK] not in config.read_text()
    nats.stop()


@pytest.mark.parametrize(
    "topic", ["a.b", "a b", "a//b", "/a", "$MQTT/x", "a/*", "a/>", "", "a/#/b"]
)
def test_only_plain_topics_can_be_granted(topic: str) -> None:
    with pytest.raises(ValueError):
        b.subjects(topic)


def test_a_tree_is_granted_with_its_root() -> None:
    assert b.subjects("motcua/demo/#") == ["motcua.demo", "motcua.demo.>"]
    assert b.subjects("motcua/demo/counter/+") == ["motcua.demo.counter.*"]


def test_foreign_devices_get_no_foot_into_the_centre() -> None:
    own = hash_password("x")
    assert b.foreign_user("zigbee", own, ["zigbee2mqtt"]).publish == ["zigbee2mqtt/#"]
    for prefix in ("motcua", "#", "+", "$SYS", "motcua/demo", ""):
        with pytest.raises(ValueError):
            b.foreign_user("zigbee", own, [prefix])


def test_plain_mqtt_is_refused_beyond_loopback(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="TLS"):
        b.nats_config(b.BrokerSettings(host="0.0.0.0"), [], tmp_path)
    with pytest.raises(ValueError, match="TLS"):
        mosquitto_conf("0.0.0.0", 1883, tmp_path)


def test_an_outside_mosquitto_is_given_its_files_and_told(tmp_path: Path) -> None:
    told = tmp_path / "told"
    settings = MosquittoSettings(folder=str(tmp_path), reload_command=("touch", str(told)))
    OutsideMosquitto(settings).reload(users())
    assert told.exists()
    assert (tmp_path / ACCESS).read_text() == mosquitto_files(users())[1]
    failing = MosquittoSettings(folder=str(tmp_path), reload_command=("false",))
    with pytest.raises(b.ReloadFailed):
        OutsideMosquitto(failing).reload(users())


# --- TLS ---


@pytest.mark.parametrize("which", BOTH)
def test_tls_is_verified_by_our_authority_and_plain_is_refused(which: str, tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    authority = Authority.open(tmp_path / "own", CENTRE, now)
    made = authority.server_certificate([], now)
    tls = b.Tls(made.certificate, made.key)
    room = Room(make_broker(which, tmp_path / "broker", tls), PASSWORDS, users())
    room.broker.start(room.users)
    kiosk = room.client(KIOSK, END, ca=authority.pem)
    room.client(SERVER, ca=authority.pem).say(END, b"sealed")
    assert kiosk.hears(END, b"sealed")
    plain = room.guest(KIOSK, PASSWORDS[KIOSK])
    assert plain.went.wait(10) and not plain.came.is_set()
    stranger = Authority.open(tmp_path / "stranger", CENTRE, now)
    with pytest.raises(ssl.SSLCertVerificationError):
        _serial(room.port, stranger.pem)
    room.close()


@pytest.mark.parametrize("which", BOTH)
def test_a_renewed_certificate_is_shown_after_a_reload(which: str, tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    authority = Authority.open(tmp_path / "own", CENTRE, now)
    made = authority.server_certificate([], now)
    tls = b.Tls(made.certificate, made.key)
    room = Room(make_broker(which, tmp_path / "broker", tls), PASSWORDS, users())
    room.broker.start(room.users)
    kiosk = room.client(KIOSK, END, ca=authority.pem)
    before = _serial(room.port, authority.pem)
    assert authority.server_certificate(["new.example"], now).renewed
    room.broker.reload(room.users)
    assert wait_for(lambda: _serial(room.port, authority.pem) != before)
    assert not kiosk.went.is_set()
    room.close()


def _serial(port: int, ca: str) -> str:
    context = ssl.create_default_context(cadata=ca)
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as sealed,
    ):
        return str(sealed.getpeercert()["serialNumber"])


# --- bursts ---


def test_a_burst_of_a_thousand_asks_arrives_whole(shared: Room) -> None:
    asks = f"motcua/{CENTRE}/ask/{KIOSK}/hello"
    server = shared.client(SERVER, f"motcua/{CENTRE}/ask/+/+")
    kiosk = shared.client(KIOSK, in_flight=2_000)
    began = time.perf_counter()
    for number in range(1_500):
        kiosk.paho.publish(asks, b"burst %d" % number, 1)
    assert wait_for(lambda: sum(p.startswith(b"burst") for _, p in server.heard) >= 1_500, 20)
    assert time.perf_counter() - began < 10
    assert len({p for _, p in server.heard if p.startswith(b"burst")}) == 1_500


def test_a_client_of_the_tests_can_fail(shared: Room) -> None:
    """The stories above prove silence; this one proves that these ears can hear."""
    everyone = Client(shared.port, SERVER, PASSWORDS[SERVER], filters=[f"motcua/{CENTRE}/#"])
    shared.clients.append(everyone.start())
    assert everyone.came.wait(5)
    shared.client(OTHER).say(f"motcua/{CENTRE}/presence/{OTHER}", b"heard")
    assert everyone.hears(f"motcua/{CENTRE}/presence/{OTHER}", b"heard")
