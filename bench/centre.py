"""A whole centre in a folder of its own for a benchmark, and devices enrolled in it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import msgspec

from queue_server import settings
from queue_server.folder import Folder
from queue_server.up import Centre, Pace
from queue_server.wire.link import Credentials
from queue_server.wire.words import DeviceKind


@contextmanager
def centre(pace: Pace = Pace(), folder: Path | None = None, more: str = "") -> Iterator[Centre]:
    """The sample centre on free ports, `more` added to its settings; gone with its folder afterwards."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as made:
        root = folder or Path(made) / "var"
        text = settings.example().read_text("utf-8")
        text = text.replace("port = 18830", "port = 0").replace("port = 8080", "port = 0")
        path = Path(made) / "centre.toml"
        path.write_text(text + more)
        running = Centre(
            Folder(root), path, settings.read(path), pace, windows=False, say=lambda _: None
        )
        running.start()
        try:
            yield running
        finally:
            running.stop()


def devices(
    running: Centre, kind: DeviceKind, names: list[str], counters: list[int] | None = None
) -> list[Credentials]:
    """Enrolled devices, each for its counter if they are given, once the broker knows them."""
    places = [
        running.enrolled(name, kind, counter)
        for name, counter in zip_longest(names, counters or [])
    ]
    time.sleep(2.5)
    return [
        msgspec.json.decode((place / "device.json").read_bytes(), type=Credentials)
        for place in places
    ]
