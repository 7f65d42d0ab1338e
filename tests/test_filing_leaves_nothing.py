"""A visit leaves nothing on the kiosk: neither in the memory of what lives on, nor in any file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from queue_server.dossiers.search import fold

from .child_room import Finger
from .kiosk_room import until

NAME, NUMBER = "xuzq kwyv", "042190997731"
CHUNK = 1 << 22
ROOT = Path(__file__).parent.parent


def marks() -> list[bytes]:
    """What must be found nowhere, in every way in which it could lie in memory or on a disk."""
    words = {
        NAME,
        NAME.upper(),
        NAME.title(),
        fold(NAME),
        NUMBER,
        " ".join(re.findall("...", NUMBER)),
    }
    found = [word.encode() for word in words] + [word.encode("utf-16-le") for word in words]
    return [*found, *(word.encode("utf-32-le") for word in words)]


def regions(process: int) -> Iterator[tuple[int, int]]:
    """Begin and end of the readable memory, without what is mapped of devices."""
    for line in Path(f"/proc/{process}/maps").read_text().splitlines():
        span, mode, *rest = line.split(maxsplit=5)
        path = rest[-1] if len(rest) == 4 else ""
        if "r" in mode and not path.startswith(("/dev/", "[vvar", "[vsyscall")):
            begin, _, end = span.partition("-")
            yield int(begin, 16), int(end, 16)


def in_memory(process: int, wanted: list[bytes]) -> set[bytes]:
    """Those of `wanted` that a process's memory holds; raises PermissionError where it may not be read."""
    pattern = re.compile(b"|".join(map(re.escape, wanted)))
    found: set[bytes] = set()
    overlap = max(map(len, wanted))
    with open(f"/proc/{process}/mem", "rb", 0) as memory:
        for begin, end in regions(process):
            at = begin
            while at < end:
                memory.seek(at)
                try:
                    piece = memory.read(min(CHUNK, end - at) + overlap)
                except (OSError, OverflowError):
                    break
                found |= set(pattern.findall(piece))
                at += CHUNK
    return found


def in_files(folders: list[Path], wanted: list[bytes], since: float) -> list[str]:
    pattern = re.compile(b"|".join(map(re.escape, wanted)))
    found = []
    for folder in folders:
        for within, _, names in os.walk(folder):  # of which others take files away meanwhile
            for path in (Path(within, name) for name in names):
                try:
                    if path.is_file() and not path.is_symlink() and path.stat().st_mtime >= since:
                        if pattern.search(path.read_bytes()) or pattern.search(path.name.encode()):
                            found.append(str(path))
                except OSError:
                    continue
    return found


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[tuple[Finger, int]]:
    """The kiosk's side in a process of its own, which knows the marks as little as a kiosk does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.filing_kiosk", str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"SDL_VIDEODRIVER": "offscreen"},
    )
    assert process.stdout is not None and process.stdout.readline() == b"shown\n"
    yield Finger(tmp_path / "child"), process.pid
    process.kill()
    process.wait()


def test_after_a_visit_nothing_of_it_is_left(kiosk: tuple[Finger, int], tmp_path: Path) -> None:
    finger, process = kiosk
    began = tmp_path.stat().st_mtime
    done = tmp_path / "over"
    finger.touch("begin", "agree", "without")
    finger.type(NUMBER)
    finger.touch("next", "option-number_only")
    finger.type(NAME)
    assert finger.says(NAME.upper())
    finger.touch("done")
    finger.until_shows("question:requester.born")
    (child,) = [int(p) for p in _children(process)]
    wanted = marks()
    finger.type("12051990")
    finger.touch("next", "option-female", "skip", "agree", "papers-done")
    until(lambda: finger.says("giấy tờ chưa có"), "the word of missing papers")
    finger.touch("papers-done", "submit")
    finger.until_shows("done")
    finger.touch("done")
    until(done.exists, "the end of the visit")
    assert not Path(f"/proc/{child}").exists()
    try:
        left = in_memory(process, wanted)
    except PermissionError:
        pytest.skip("the memory of another process may not be read here")
    assert left == set()
    places = [tmp_path, Path(tempfile.gettempdir()), Path.home() / ".kivy"]
    assert in_files(places, wanted, began) == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """The proof's own proof."""
    here = f"{NAME.upper()} is here"
    (tmp_path / "file").write_text(here)
    assert NAME.upper().encode() in in_memory(os.getpid(), marks())
    assert in_files([tmp_path], marks(), 0) == [str(tmp_path / "file")]


def _children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split() or [
        child
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
