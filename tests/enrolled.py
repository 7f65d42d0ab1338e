"""A bridge that has been enrolled: the file that lets it log in at a test's broker."""

from __future__ import annotations

from pathlib import Path

from queue_server.wire.link import Credentials
from queue_server.wire.words import DeviceKind


def enrol_bridge(
    data: Path, device: str, centre: str, port: int, counter: int | None = None
) -> None:
    Credentials(
        device=device,
        kind=DeviceKind.BRIDGE,
        centre=centre,
        host="127.0.0.1",
        port=port,
        username=device,
        password="secret",
        client_id=device,
        counter=counter,
    ).write(data / "device.json")
