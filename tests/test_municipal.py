"""Real visits as days, and estimates scored on real waits: inferred honestly, never from the future."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from queue_server.twin.day import Day, WrongDay, checked
from queue_server.twin.municipal.score import (
    COLUMNS,
    Asked,
    asked,
    foretell,
    last_wait,
    learn,
    office_estimates,
    over_days,
    score,
)
from queue_server.twin.municipal.trees import grow
from queue_server.twin.municipal.visits import (
    Snapshot,
    Visit,
    mean_minutes,
    municipal_days,
    read_snapshots,
    read_visits,
)

DATA = Path(__file__).parents[2] / "shared" / "data"
TICKETS = DATA / "municipal_tickets_reconstructed.csv.gz"
QUEUES = DATA / "municipal_queues_5min.csv.gz"
real = pytest.mark.skipif(
    not (TICKETS.exists() and QUEUES.exists()),
    reason="the municipal files are not part of the project; ../shared/data has none",
)

SEEN = """office,date,minute,gid,open,waiting,called,svc_min
Hall,2020-01-02,480,7,2,3,,10
Hall,2020-01-02,485,7,2,4,2,10
Hall,2020-01-02,490,7,2,2,4,10
Hall,2020-01-02,495,7,1,1,5,10
Hall,2020-01-02,500,7,0,0,6,10
Hall,2020-01-02,480,8,1,0,,5
Hall,2020-01-02,505,8,1,0,1,5
"""
CAME = """office,date,gid,k,arr,wait
Hall,2020-01-02,7,1,477.5,5
Hall,2020-01-02,7,2,477.5,5
Hall,2020-01-02,7,3,477.5,10
Hall,2020-01-02,7,4,482.5,5
Hall,2020-01-02,7,5,482.5,10
Hall,2020-01-02,7,6,482.5,15
Hall,2020-01-02,8,1,502.5,0
Hall,2020-01-03,7,1,502.5,0
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    tickets, queues = tmp_path / "tickets.csv.gz", tmp_path / "queues.csv"
    tickets.write_bytes(gzip.compress(CAME.encode()))
    queues.write_text(SEEN)
    return tickets, queues


def test_a_day_has_the_real_arrivals_calls_and_counters(files: tuple[Path, Path]) -> None:
    (day,) = municipal_days(*files, office="Hall", date="2020-01-02")
    assert [v.arrives for v in day.visitors] == [477.5] * 3 + [482.5] * 3 + [502.5]
    assert [v.called for v in day.visitors] == [482.5, 482.5, 487.5, 487.5, 492.5, 497.5, 502.5]
    spans = {(c.id, c.serves): c.open for c in day.counters}
    assert spans == {
        (1, ("7",)): ((480.0, 510.0),),  # stays to the end, so that nobody is left
        (2, ("7",)): ((480.0, 495.0),),
        (3, ("8",)): ((480.0, 510.0),),
    }
    assert "inferred" in day.day
    assert checked(day, False, "day") is day


def test_minutes_are_inferred_from_calls_while_people_wait(files: tuple[Path, Path]) -> None:
    """Three busy stretches: 27.5 minutes of counters for five calls, beside the belief of 5 calls of 8."""
    means = mean_minutes(read_snapshots(files[1]))
    assert means["Hall", "7"] == pytest.approx((40 + 27.5) / 10)
    one, again = municipal_days(*files, seed=3), municipal_days(*files, seed=3)
    assert one == again != municipal_days(*files, seed=4)


def test_without_snapshots_each_group_has_one_counter(files: tuple[Path, Path]) -> None:
    first, second = municipal_days(files[0])
    assert [c.open for c in first.counters] == [((477.5, 510.5),), ((502.5, 510.5),)]
    assert len(second.visitors) == 1


@pytest.mark.parametrize(
    "text, told",
    [
        ("office,date\n", "first line"),
        (CAME + "Hall,2020-01-02\n", "line 10"),
        (CAME + "Hall,2020-01-02,7,one,2,3\n", "one"),
        ("", "first line"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text(text)
    with pytest.raises(WrongDay, match=told):
        municipal_days(path)
    with pytest.raises(WrongDay, match=r"absent\.csv"):
        municipal_days(tmp_path / "absent.csv")


def test_what_is_seen_is_the_snapshot_before_she_came(files: tuple[Path, Path]) -> None:
    seen = asked(read_visits(files[0]), read_snapshots(files[1]))
    assert seen.wait.tolist() == [5, 10, 15]
    assert seen.column("waiting").tolist() == [3, 3, 3]
    assert seen.column("before_her").tolist() == [0, 1, 2]
    assert office_estimates(seen)["people × minutes ÷ counters"].tolist() == [15, 15, 15]
    assert last_wait(seen).tolist() == [0, 0, 0]


def test_last_wait_is_of_the_number_called_last() -> None:
    queue = ("Hall", "2020-01-02", "7")
    visits = {queue: [Visit(1, 480, 5), Visit(2, 481, 9), Visit(3, 488, 4), Visit(4, 492, 2)]}
    snapshots = {queue: [Snapshot(485, 1, 2, 0, 6), Snapshot(490, 1, 1, 2, 6)]}
    seen = asked(visits, snapshots)
    assert last_wait(seen).tolist() == [0, 9]
    assert seen.column("head_waits").tolist() == [5, 2]


def test_the_future_changes_nothing_that_is_seen(files: tuple[Path, Path]) -> None:
    visits, snapshots = read_visits(files[0]), read_snapshots(files[1])
    seen = asked(visits, snapshots)
    later = {
        queue: [s if s.minute < 482.5 else s._replace(open=9, waiting=50, called=90) for s in own]
        for queue, own in snapshots.items()
    }
    others = {
        queue: [v._replace(wait=v.wait + (40 if v.arrives + v.wait > 482.5 else 0)) for v in own]
        for queue, own in visits.items()
    }
    changed = asked(others, later)
    rows = changed.where(changed.column("minute") <= 482.5)
    assert rows.table.tolist() == seen.table.tolist()


def made(chance: np.random.Generator, visitors: int, days: int) -> Asked:
    """Queue 1 takes three times as long for each person ahead as queue 0."""
    table = np.zeros((visitors, len(COLUMNS)))
    table[:, 0] = chance.integers(1, 20, visitors)
    table[:, 2] = 1
    queue = chance.integers(0, 2, visitors)
    wait = table[:, 0] * np.where(queue == 1, 6.0, 2.0) * chance.lognormal(0, 0.3, visitors)
    return Asked(2, queue, chance.integers(0, days, visitors), table, wait)


def test_learned_estimates_know_the_queue_and_cover_what_they_say() -> None:
    chance = np.random.default_rng(1)
    past, later = made(chance, 6000, 9), made(chance, 3000, 7)
    told = foretell(learn(past), later)
    assert (np.diff(told, axis=1) >= 0).all()
    found = score(told, later.wait)
    assert found.covered == pytest.approx(0.8, abs=0.03)
    assert found.error < 1.1 * score(told * 0 + truth(later)[:, None], later.wait).error


def truth(seen: Asked) -> np.ndarray:
    found: np.ndarray = seen.column("waiting") * np.where(seen.queue == 1, 6.0, 2.0)
    return found


def test_a_forest_finds_the_quantile_of_each_side() -> None:
    chance = np.random.default_rng(2)
    table = np.column_stack([np.repeat([0.0, 1.0], 2000), chance.random(4000)])
    wanted = chance.normal(10 + 10 * table[:, 0], 1.0)
    low, high = grow(table, wanted, 0.9, chance).at(np.array([[0.0, 0.5], [1.0, 0.5]]))
    assert (low, high) == (pytest.approx(11.28, abs=0.4), pytest.approx(21.28, abs=0.4))


def test_an_interval_over_days_is_as_wide_as_the_days_differ() -> None:
    day = np.repeat(np.arange(10), 50)
    low, high = over_days(day.astype(float), day)
    assert 1.5 < low < 4.5 < high < 7.5
    assert over_days(np.ones(500), day) == (1.0, 1.0)


@real
def test_real_days_can_be_replayed() -> None:
    days = municipal_days(TICKETS, QUEUES, date="2020-01-08")
    assert len(days) == 10
    assert all(isinstance(checked(day, False, day.day), Day) for day in days)


@real
def test_ours_beats_the_office_and_the_last_wait_on_days_unseen() -> None:
    past, later = asked(read_visits(TICKETS), read_snapshots(QUEUES)).first_days(9)
    ours = score(foretell(learn(past), later), later.wait)
    offices = min(score(told, later.wait).error for told in office_estimates(later).values())
    assert ours.error < 0.65 * score(last_wait(later), later.wait).error
    assert ours.error < 0.45 * offices
    assert ours.covered is not None and 0.77 < ours.covered < 0.86
