"""`make bench`: what this machine reaches, beside the aims; as a table and as `bench/results.json`.

Times depend on the machine and on what else it does, so the ask is measured beside a floor in the
same run: bare paho and one synchronous SQLite commit through the same broker.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil

from queue_server.folder import ServerSecret
from queue_server.up import Centre
from queue_server.wire.words import DeviceKind

from .asks import measure_asks, measure_floor, quantiles
from .burst import Crowd
from .capacity import FAMILIES, measure_capacity, measure_limit, print_capacities
from .centre import centre, devices
from .decisions import measure_decisions
from .handover import measure_handover
from .kiosk import kiosk_rows
from .moves import measure_moves
from .municipal import DATA, measure_municipal
from .paint import Officer, measure_paint
from .presses import press_rows
from .ratings import ratings_rows
from .roster import measure_roster
from .scan import measure_scan
from .search import measure_search
from .start import measure_start
from .terminals import terminal_rows
from .waits import CASES, measure_waits

RESULTS = Path(__file__).parent / "results.json"
Row = tuple[str, str, str]


def asks(running: Centre, count: int) -> tuple[dict[str, Any], list[Row]]:
    """(a) Ours and the floor by turns, so that both meet the same machine; the twin busy beside it
    (all counters open, and nobody calls: each of its passes plays the whole growing line)."""
    open_counters(running)
    own = devices(running, DeviceKind.KIOSK, ["kiosk-a"])[0]
    secret = msgspec.json.decode(running.folder.secret.read_bytes(), type=ServerSecret)
    bare = msgspec.structs.replace(
        own, username=f"server.{running.file.centre.id}", password=secret.password
    )
    ours: list[float] = []
    floor: list[float] = []
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        place = Path(folder) / "device.json"
        for turn in range(3):
            msgspec.structs.replace(bare, client_id=f"floor-server-{turn}").write(place)
            asking = msgspec.structs.replace(bare, client_id=f"floor-{turn}")
            turn_folder = Path(folder) / str(turn)
            turn_folder.mkdir()
            floor += measure_floor(place, asking, turn_folder, count // 3)
            ours += measure_asks(own, count // 3)
    (p50, p99), (floor50, floor99) = quantiles(ours), quantiles(floor)
    found = {
        "ask_p50_ms": p50,
        "ask_p99_ms": p99,
        "floor_p50_ms": floor50,
        "floor_p99_ms": floor99,
        "samples": len(ours),
    }
    return found, [
        (
            "(a) kiosk ask → answer, p50",
            f"{p50:.2f} ms = {p50 / floor50:.2f} × floor",
            "≤ 2.5 × floor",
        ),
        (
            "(a) kiosk ask → answer, p99",
            f"{p99:.2f} ms = {p99 / floor99:.2f} × floor",
            "≤ 3 × floor",
        ),
    ]


def open_counters(running: Centre) -> None:
    for officer in running.file.officers:
        if officer.counter is None or officer.account == "canbo03":
            continue  # a reserve officer, and the officer of the painted calls
        Officer(running, officer.account).post("/api/orders/open-counter", counter=officer.counter)


def burst(running: Centre, kiosks: int, each: int) -> tuple[dict[str, Any], list[Row]]:
    """(c)"""
    own = devices(running, DeviceKind.KIOSK, [f"kiosk-c{n}" for n in range(kiosks)])
    crowd = Crowd(own, each)
    took = crowd.run()
    crowd.stop()
    rate = len(crowd.numbers) / took
    doubled = len(crowd.numbers) - len(set(crowd.numbers))
    lost = kiosks * each - len(crowd.numbers)
    found = {"tickets_per_s": rate, "tickets": len(crowd.numbers), "doubled": doubled, "lost": lost}
    told = f"{rate:,.0f} tickets/s; {doubled} doubled, {lost} lost"
    return found, [(f"(c) {kiosks} kiosks at once, all durable", told, "≥ 1,000/s")]


def memory(running: Centre) -> tuple[dict[str, Any], list[Row]]:
    """(e) of every process of the centre, after the morning's rest."""
    names = {
        "nats-server": "broker",
        "queue_server.server": "server",
        "queue_server.doors.web": "web",
        "queue_server.twin": "twin",
    }
    found: dict[str, float] = {}
    for child in psutil.Process().children(recursive=True):
        words = " ".join(child.cmdline())
        name = next((name for word, name in names.items() if word in words), child.name())
        found[name] = found.get(name, 0.0) + child.memory_info().rss / 2**20
    total = sum(found.values())
    parts = ", ".join(f"{n} {mb:.0f}" for n, mb in sorted(found.items()))
    row = ("(e) resident memory, idle centre", f"{total:.0f} MB ({parts})", "–")
    return {"memory_mb": found, "memory_total_mb": total}, [row]


def start(events: int) -> tuple[dict[str, Any], list[Row]]:
    """(d)"""
    found = measure_start(events)
    total = found["import_s"] + found["load_s"]
    told = f"{total:.2f} s ({found['load_s'] * 1000:.0f} ms of it the log), {found['memory_mb']:.0f} MB"
    return found, [(f"(d) start with {int(found['seq']):,} events", told, "≤ 3 s, ≤ 300 MB")]


def paint(running: Centre, calls: int) -> tuple[dict[str, Any], list[Row]]:
    """(b)"""
    own = devices(running, DeviceKind.KIOSK, ["kiosk-b"])[0]
    times = measure_paint(running, own, calls)
    p50, p99 = quantiles(times)
    told = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms over {len(times)} calls"
    return {"paint_p50_ms": p50, "paint_p99_ms": p99}, [
        ("(b) call pressed → painted on the board", told, "–")
    ]


def capacities(small: bool) -> tuple[dict[str, Any], list[Row]]:
    """(f)"""
    seeds, families = (range(100, 104), ("mixed",)) if small else (range(100, 140), FAMILIES)
    found, rows = measure_capacity(families, seeds)
    print_capacities(found)
    limit, more = measure_limit(families[:1], seeds) if small else measure_limit()
    return {"rules": found, "limit": limit}, rows + more


def municipal(small: bool) -> tuple[dict[str, Any], list[Row]]:
    """(j) Where the data is: it never enters the project."""
    if small or not (DATA / "municipal_tickets_reconstructed.csv.gz").exists():
        return {}, []
    found, rows = measure_municipal()
    return found, [
        (f"(j) municipal, real waits: {r[0]}", " · ".join(r[1:]), "ours below") for r in rows
    ]


TWIN: dict[str, Callable[[bool], tuple[dict[str, Any], list[Row]]]] = {
    "decisions": lambda small: measure_decisions(300 if small else 3_000),
    "capacity": capacities,
    "waits": lambda small: measure_waits(CASES[:1], range(100, 101)) if small else measure_waits(),
    "roster": lambda small: ({}, []) if small else measure_roster(),
    "moves": lambda small: ({}, []) if small else measure_moves(),
    "municipal": municipal,
    "search": measure_search,
    "scan": measure_scan,
    "kiosk": kiosk_rows,
    "terminals": terminal_rows,
    "presses": press_rows,
    "ratings": ratings_rows,
    "handover": lambda small: measure_handover(400 if small else 20_000),
}
"""What needs no running centre, or one of its own; each by itself with `--only`."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    centre_parts = ["asks", "paint", "burst", "start", "memory"]
    parser.add_argument("--only", choices=[*centre_parts, *TWIN])
    parser.add_argument("--quick", action="store_true", help="small samples, to see that it runs")
    args = parser.parse_args(arguments)
    small = args.quick
    parts: dict[str, Callable[[Centre], tuple[dict[str, Any], list[Row]]]] = {
        "memory": memory,
        "paint": lambda c: paint(c, 5 if small else 40),
        "asks": lambda c: asks(c, 60 if small else 1500),
        "burst": lambda c: burst(c, 50, 4 if small else 80),
    }
    wanted = [p for p in parts if args.only in (None, p)]
    results: dict[str, Any] = {
        "machine": platform.machine(),
        "cores": psutil.cpu_count(),
        "at": time.strftime("%Y-%m-%d"),
    }
    rows: list[Row] = []
    if wanted:
        with centre() as running:
            time.sleep(3)
            for part in wanted:
                found, told = parts[part](running)
                results[part] = found
                rows += told
    if args.only in (None, "start"):
        results["start"], told = start(50_000 if small else 1_000_000)
        rows += told
    for name, measure in TWIN.items():
        if args.only in (None, name):
            print(f"… {name}", file=sys.stderr)
            results[name], told = measure(small)
            rows += told
    RESULTS.write_text(json.dumps(results, indent=1))
    print_table(sorted(rows))
    return 0


def print_table(rows: list[Row]) -> None:
    widths = [max(len(row[n]) for row in [*rows, ("what", "reached", "aim")]) for n in range(3)]
    for row in [("what", "reached", "aim"), tuple("─" * w for w in widths), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
