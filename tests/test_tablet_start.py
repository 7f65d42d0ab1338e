"""What the technician meets who starts a tablet wrongly: one line that says what to do."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from kiosk.touch.window import NoDisplay, require_display
from queue_server.wire.link import Credentials
from queue_server.wire.settings import SettingsError
from queue_server.wire.words import DeviceKind
from tablet_survey import main, settings
from tablet_survey.survey import pace_of


@pytest.fixture(autouse=True)
def display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "offscreen")


def start(*words: str) -> int:
    parser = argparse.ArgumentParser()
    main.add_parser(parser.add_subparsers())
    args = parser.parse_args(["tablet", *words])
    code: int = args.run(args)
    return code


def written(folder: Path, text: str) -> Path:
    path = folder / "centre.toml"
    path.write_text(text)
    return path


def test_the_table_of_the_tablet_is_read_from_the_centres_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[broker]\nport = 1\n[tablet]\nanswer_seconds = 20\nwords = false\n")
    pace = pace_of(settings.read(path))
    assert (pace.answer, pace.words_length, pace.thanks) == (20_000, 0, 4_000)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("anser_seconds = 20", "unknown key `tablet.anser_seconds`"),
        ("answer_seconds = 0", "must be above 0"),
        ('reasons = ["weather"]', "no such reason `weather`"),
        ('language = "fr"', "tablet.language"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings.read(written(tmp_path, f"[tablet]\n{line}\n"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "enrol with --server and --code"),
        (["--code", "X"], "give both --server and --code"),
        (["--server", "https://centre", "--code", "X"], "the code is not complete"),
        (["--size", "big"], "big"),
        (["--settings", "nowhere.toml"], "No such file"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert start("--data", str(tmp_path), *words) == 1
    text = capsys.readouterr().err
    assert said in text and text.count("\n") == 1


def test_without_a_display_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoDisplay):
        require_display({}, dri=tmp_path / "none")
    require_display({"DISPLAY": ":0"}, dri=tmp_path / "none")
    require_display({}, dri=tmp_path)


def test_a_tablet_without_a_counter_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Credentials(
        device="tablet-1",
        kind=DeviceKind.TABLET,
        centre="test",
        host="127.0.0.1",
        port=1,
        username="tablet-1",
        password="x",
        client_id="x",
    )
    own.write(tmp_path / "device.json")
    assert start("--data", str(tmp_path)) == 1
    assert "names no counter" in capsys.readouterr().err
