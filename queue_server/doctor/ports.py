"""Who listens where: MQTT and HTTP asked in their own words, and the owner of a port that is taken."""

from __future__ import annotations

import os
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from ..doors.child import reachable

CONNECT = bytes.fromhex("10 14 0004 4d515454 04 02 0005 0008") + b"doctor-0"
"""An MQTT 3.1.1 CONNECT without a password: any broker answers it, if only to refuse."""
WITHIN_S = 5.0
LISTENS = "0A"


def trust(ca: Path | None) -> ssl.SSLContext | None:
    """TLS by the centre's own authority; None for a plain line."""
    if ca is None:
        return None
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = False
    return context


def speaks_mqtt(host: str, port: int, ca: Path | None) -> bool:
    """Whether a broker answers there; a refusal, or a polite end of the line, is an answer."""
    context = trust(ca)
    try:
        with socket.create_connection((reachable(host), port), WITHIN_S) as plain:
            line = context.wrap_socket(plain) if context is not None else plain
            line.sendall(CONNECT)
            said = line.recv(4)
    except (OSError, ssl.SSLError):
        return False
    return said[:1] in (b"\x20", b"")


def is_healthy(url: str, ca: Path | None) -> bool:
    """Whether the pages answer and have the line in reach."""
    context = trust(ca)
    handlers = [urllib.request.HTTPSHandler(context=context)] if context is not None else []
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
    try:
        with opener.open(f"{url}/healthz", timeout=WITHIN_S) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def owner(port: int) -> str:
    """`name (process n)` of who listens on `port`; empty when nobody does, `?` when he is hidden."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        if any(_leads_to(link) in inodes for link in (process / "fd").glob("*")):
            return f"{(process / 'comm').read_text().strip()} ({process.name})"
    return "?"


def _leads_to(link: Path) -> str:
    """Files come and go while they are looked at."""
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _listening(port: int) -> list[str]:
    found = []
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            part = line.split()
            if part[3] == LISTENS and int(part[1].rsplit(":", 1)[1], 16) == port:
                found.append(part[9])
    return found
