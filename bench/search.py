"""The kiosk's search: how long a key's results take over 6,000 procedures, and how often the right one comes.

The procedures are real records of the national portal, varied until there are enough of them; where these
data are absent, the sample catalogue's, and nothing is said of how right the results are.
"""

from __future__ import annotations

import random
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil

from queue_server.dossiers.finder import Findable, Finder, findable
from queue_server.dossiers.search import fold
from queue_server.store.catalogue import Catalogue, import_procedures
from queue_server.store.catalogue_file import import_sample, procedures, read_settings

ROOT = Path(__file__).parents[1]
PORTAL = ROOT.parent / "shared" / "data" / "portal_procedures_commune.jsonl.gz"
QUERIES = ROOT / "tests" / "data" / "everyday_queries.toml"
MANY, FIRST = 6_000, 3
Row = tuple[str, str, str]


class Query(msgspec.Struct):
    """What somebody says, and the codes of the procedures that answer it."""

    text: str
    right: tuple[str, ...]
    who: str
    tune: bool


def queries() -> list[Query]:
    return msgspec.convert(tomllib.loads(QUERIES.read_text("utf-8"))["query"], list[Query])


def real_entries(folder: Path) -> list[Findable]:
    """The sample catalogue with the portal's records over it, as a centre imports them."""
    import_sample(folder)
    if PORTAL.exists():
        import_procedures(folder, procedures(PORTAL, read_settings()))
    return [findable(line) for line in Catalogue(folder).summaries()]


def varied(entries: list[Findable], many: int) -> list[Findable]:
    """All entries, and more made of them: the words of one with some of another's behind, under another code."""
    chance, made = random.Random(7), list(entries)
    while len(made) < many:
        one, other = chance.choice(entries), chance.choice(entries)
        borrowed = " ".join(chance.sample(other.name.split(), min(3, len(other.name.split()))))
        made.append(
            msgspec.structs.replace(
                one, code=f"9.{len(made):06}", name=f"{one.name} {borrowed}", keywords=()
            )
        )
    return made


def share(finder: Finder, asked: Iterable[Query], typed: Callable[[str], str] = str) -> float:
    """The share of queries that have a right procedure among the first `FIRST`."""
    hits = [
        any(hit.code in query.right for hit in finder.find(typed(query.text), FIRST))
        for query in asked
    ]
    return sum(hits) / len(hits)


def keystrokes(texts: Iterable[str], step: int) -> Iterator[str]:
    """What stands in the field after each key (of each `step`-th one)."""
    for text in texts:
        for typed in (text, fold(text)):
            yield from (typed[:n] for n in range(1, len(typed) + 1, step))


def measure_search(small: bool = False) -> tuple[dict[str, Any], list[Row]]:
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        entries = real_entries(Path(folder))
    asked = queries()
    found, rows = _speed(varied(entries, MANY), asked, step=15 if small else 2)
    if PORTAL.exists():
        shares = _shares(Finder(entries), asked)
        found["first_three"] = shares
        told = ", ".join(f"{name} {value:.1%}" for name, value in shares.items())
        rows.append(
            (f"(l) search: right in the first {FIRST}, {len(asked)} queries", told, "≥ 95 %")
        )
    return found, rows


def _speed(
    entries: list[Findable], asked: list[Query], step: int
) -> tuple[dict[str, Any], list[Row]]:
    process = psutil.Process()
    before, began = process.memory_info().rss, time.perf_counter()
    finder = Finder(entries)
    built = time.perf_counter() - began
    memory = (process.memory_info().rss - before) / 2**20
    took = []
    for typed in keystrokes((query.text for query in asked), step):
        began = time.perf_counter()
        finder.find(typed)
        took.append(1000 * (time.perf_counter() - began))
    took.sort()
    p50, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
    found = {
        "procedures": len(entries), "keys": len(took), "p50_ms": p50, "p95_ms": p95,
        "worst_ms": took[-1], "build_s": built, "memory_mb": memory,
    }  # fmt: skip
    key = f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, worst {took[-1]:.0f} ms of {len(took):,} keys"
    return found, [
        (f"(l) search: a key's results, {len(entries):,} procedures", key, "p95 ≤ 50 ms"),
        ("(l) search: index built", f"{built:.2f} s, {memory:.0f} MB", "< 1.5 s"),
    ]


def _shares(finder: Finder, asked: list[Query]) -> dict[str, float]:
    held = [query for query in asked if not query.tune]
    return {
        "with marks": share(finder, asked),
        "without": share(finder, asked, fold),
        "held out with": share(finder, held),
        "held out without": share(finder, held, fold),
    }
