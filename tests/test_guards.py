"""Guards: docs, texts, settings and commands stay in step with the code."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

from queue_server import command, settings
from queue_server.desk.verbs import PEOPLE_GIVE, VERBS
from queue_server.doors.web.api import roles_of
from queue_server.dossiers.feedback import FeedbackKind, FeedbackStatus
from queue_server.line import events as e
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.asyncapi import document
from queue_server.wire.settings import SettingsError
from queue_server.wire.texts import LANGUAGES, Texts
from queue_server.wire.words import DeviceKind, Estimate, Names
from tests.house import take

ROOT = Path(__file__).parent.parent
PROGRAMS = ("kiosk", "queue_server", "tablet_survey", "firmware_bridge")


def sources() -> list[Path]:
    return [path for program in PROGRAMS for path in (ROOT / program).rglob("*.py")]


def text_folders() -> list[Path]:
    return sorted({path.parent for p in PROGRAMS for path in (ROOT / p).rglob("vi.toml")})


def test_the_wire_is_described_as_it_is() -> None:
    written = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text("utf-8"))
    made = yaml.safe_load(yaml.safe_dump(document()))
    assert written == made, "run `make docs`"


@pytest.mark.parametrize(
    "message",
    [
        take("ho_tich", then=("dat_dai",)),
        m.Offer(offer="x", counter=3, at=1, expires=2),
        m.Rate(id="1", offer="x", score=5, pressed_at=0),
        m.LineState(
            at=1,
            day="2026-11-24",
            state="open",
            services=(
                m.ServiceLine(
                    id="a",
                    state="open",
                    waiting=2,
                    estimate=Estimate(minutes=1.0, low=0.0, high=3.0),
                ),
            ),
            counters=(m.CounterLine(id=1, state="open"),),
        ),
        m.CounterState(counter=1, name=Names(vi="a", en="b"), state="open", at=1),
        m.Presence(device="kiosk-1", kind="kiosk", state="online"),
    ],
)
def test_what_is_sent_fits_its_description(message: msgspec.Struct) -> None:
    schemas = document()["components"]["schemas"]
    schema = {**schemas[type(message).__name__], "components": {"schemas": schemas}}
    jsonschema.validate(msgspec.json.decode(m.encode(message)), schema)


def test_every_topic_is_written_once() -> None:
    """No program spells out a topic: all say it by `wire.topics`."""
    spelled = [
        path
        for path in sources()
        if re.search(r'"motcua/|motcua/\{', path.read_text("utf-8"))
        and path.relative_to(ROOT).parts[:2] != ("queue_server", "wire")
    ]
    allowed = {"broker.py", "mqtt.py"}  # the server's own user and its two wildcards
    assert {path.name for path in spelled} <= allowed


@pytest.mark.parametrize("folder", text_folders(), ids=lambda p: str(p.relative_to(ROOT)))
def test_all_languages_have_the_same_words_to_fill(folder: Path) -> None:
    texts = Texts(folder)
    assert set(LANGUAGES) <= set(texts.languages())
    for language in texts.languages():
        assert texts.keys(language) == texts.keys("vi")
        for key in texts.keys("vi"):
            holes = [set(re.findall(r"{(\w*)", texts.say(key, x))) for x in ("vi", language)]
            assert holes[0] == holes[1], key


def test_every_refusal_and_reason_has_its_words() -> None:
    texts = Texts(ROOT / "queue_server" / "texts")
    for path in (ROOT / "queue_server").rglob("*.py"):
        source = path.read_text("utf-8")
        if "wire" in path.parts:
            continue
        for code in re.findall(r'\bRefused\(\s*"(\w+)"', source):
            assert f"refusal.{code}" in texts.keys("vi"), f"{path.name}: {code}"
        for code in re.findall(r'\b_?reason\(\s*"(\w+)"', source):
            assert f"reason.{code}" in texts.keys("vi"), f"{path.name}: {code}"


def test_every_key_that_a_staff_page_says_has_its_words() -> None:
    folder = ROOT / "queue_server" / "doors" / "web" / "staff"
    known = Texts(folder / "texts").keys("vi")
    for path in folder.glob("*.py"):
        source = path.read_text("utf-8")
        for key in re.findall(r'\bpage\.say\(\s*"([\w.-]+)"', source):
            assert key in known, f"{path.name}: {key}"
        if path.name == "satisfaction_view.py":
            for key in re.findall(r'self\._say\(\s*"(\w+)"[,)]', source):
                assert f"satisfaction.{key}" in known, f"{path.name}: {key}"


def test_every_event_and_feedback_step_has_its_words_on_the_staff_pages() -> None:
    known = Texts(ROOT / "queue_server" / "doors" / "web" / "staff" / "texts").keys("vi")
    assert not {f"event.{kind.__name__}" for kind in e.Event.__args__} - known
    assert not {f"inbox.is_{status}" for status in FeedbackStatus} - known
    assert not {f"inbox.kind_{kind}" for kind in FeedbackKind} - known


def test_nobody_waits_in_a_way_that_can_swallow_the_end() -> None:
    """`asyncio.wait_for` of Python 3.11 loses a cancellation that comes as what it waits for is done."""
    for folder in ("kiosk", "queue_server", "tablet_survey", "firmware_bridge"):
        for path in (ROOT / folder).rglob("*.py"):
            assert "asyncio.wait_for(" not in path.read_text("utf-8"), path


def test_every_order_of_a_person_names_the_roles_that_may_give_it() -> None:
    for verb in PEOPLE_GIVE:
        assert roles_of(verb), verb
    assert set(PEOPLE_GIVE) <= set(VERBS)


def test_every_ask_names_the_devices_that_may_speak_it() -> None:
    for topic in topics.ASKS.values():
        assert topic.kinds
    for kind in DeviceKind:
        for path in topics.may_publish("c", "d", kind):
            assert "+" not in path
            assert "#" not in path


@pytest.mark.parametrize("name", ["", "A", "a/b", "a.b", "a+b", "a#", "a\n", "-a", "a" * 41])
def test_names_that_would_leave_their_topic_are_no_names(name: str) -> None:
    assert topics.SAFE.match(name) is None


@pytest.mark.parametrize("name", ["up", *command.PROGRAMS])
def test_every_command_helps_and_refuses_nonsense(name: str) -> None:
    run = [sys.executable, "-m", "queue_server.command", name]
    helped = subprocess.run([*run, "--help"], capture_output=True, text=True, timeout=60)
    assert helped.returncode == 0, helped.stderr
    assert "usage: motcua" in helped.stdout
    wrong = subprocess.run([*run, "--no-such-option"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode not in (0, None)
    assert "Traceback" not in wrong.stderr


def test_importing_the_server_loads_no_kivy_and_the_kiosk_no_server() -> None:
    code = (
        "import sys, queue_server.server, queue_server.doors.web.main;"
        "print([m for m in sys.modules if m.split('.')[0] in ('kivy','kiosk','cv2')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert said.stdout.strip() == "[]", said.stdout + said.stderr


SETTINGS = """\
[centre]
id = "thu"

[[services]]
id = "a"
letter = "A"
name = { vi = "a", en = "a" }

[[services]]
id = "b"
letter = "B"
name = { vi = "b", en = "b" }
"""


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        ("colour = 1\n", 13, "unknown key `services.colour`"),
        ("[rules]\ntarget = 15\n", 14, "unknown key `rules.target`"),
        ("[web]\nport = 'x'\n", 14, "`web.port`"),
        ("[nonsense]\na = 1\n", 13, "unknown key `nonsense`"),
    ],
)
def test_a_wrong_setting_is_named_with_file_key_and_line(
    tmp_path: Path, more: str, line: int, words: str
) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(SETTINGS + more)
    with pytest.raises(SettingsError) as wrong:
        settings.read(path)
    assert str(wrong.value).startswith(f"{path}:{line}: ")
    assert words in str(wrong.value)


def test_settings_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "centre.toml"
    counter = '[[counters]]\nid = 1\nname = { vi = "1", en = "1" }\nserves = ["zzz"]\n'
    path.write_text(SETTINGS + counter)
    with pytest.raises(SettingsError, match="counters: 1: serves"):
        settings.read(path)


def test_a_setting_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(SETTINGS)
    monkeypatch.setenv("MOTCUA_WEB__PORT", "9999")
    monkeypatch.setenv("MOTCUA_RULES__TARGET_MINUTES", "20")
    file = settings.read(path)
    assert (file.web.port, file.rules.target_minutes) == (9999, 20.0)


def test_the_sample_centre_is_what_it_is_said_to_be() -> None:
    file = settings.read(settings.example())
    assert len(file.counters) == 12
    assert len(file.services) == 8
    assert sum(c.priority for c in file.counters) == 2
    served = {s for c in file.counters for s in c.serves}
    assert served == {s.id for s in file.services}
    assert sum(o.counter is None for o in file.officers) == 1  # the reserve
    home = {c.id: set(c.serves) for c in file.counters}
    assert (
        sum(bool(set(o.skills) - home.get(o.counter or 0, set(o.skills))) for o in file.officers)
        >= 3
    )


def test_sources_name_no_registry_and_no_place_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "debian" + ".org")
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if not name or not path.is_file() or path.stat().st_size > 2_000_000:
            continue
        text = path.read_bytes().decode("utf-8", "ignore")
        assert not any(host in text for host in hosts), name


def test_the_clock_of_a_demo_runs_alike_in_every_process() -> None:
    from queue_server.desk.clock import Clock

    origin = int(time.time() * 1000) - 1000
    one = Clock(speed=60, ahead_ms=5000, origin=origin)
    time.sleep(0)
    other = Clock(speed=60, ahead_ms=5000, origin=origin)
    assert abs(one.now() - other.now()) < 3000
