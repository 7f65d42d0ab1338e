"""Rosters: every plan keeps every rule, and moved hours beat fixed ones on days not learned from."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server import command
from queue_server.twin.day import (
    Day,
    DayCounter,
    DayService,
    DayVisitor,
    Roster,
    RosterCounter,
    read_roster,
    with_roster,
    written,
)
from queue_server.twin.generate import generate
from queue_server.twin.history import as_history
from queue_server.twin.replay import replay
from queue_server.twin.roster.plan import Effort, plan_roster
from queue_server.twin.roster.search import changed
from queue_server.twin.roster.seed import first_plan
from queue_server.twin.roster.shifts import (
    NoPlan,
    Officers,
    Plan,
    RosterOfficer,
    ShiftRules,
    Site,
    broken,
    site_of,
)

FEW = Effort(evaluations=30, days=6)
SKILLS = (("A", "B"), ("B", "C"), ("C", "A"), ("A",), ("B", "A"), ("C", "B"), ("A", "C"), ("B",))
HOURS = ((450.0, 930.0),)


def small_day(seed: int = 0, hours: tuple[tuple[float, float], ...] = HOURS) -> Day:
    """Three services, eight counters, some hundred and twenty visitors, most of them early."""
    rng = np.random.default_rng(seed)
    at = hours[0][0] + (hours[-1][1] - hours[0][0] - 20) * np.sort(rng.beta(1.2, 2.5, 120))
    return Day(
        services=tuple(
            DayService(id=s, mean_minutes=m) for s, m in (("A", 5), ("B", 9), ("C", 12))
        ),
        counters=tuple(
            DayCounter(id=k + 1, serves=s, open=hours, priority=k < 2, officer=f"o{k}")
            for k, s in enumerate(SKILLS)
        ),
        visitors=tuple(
            DayVisitor(
                arrives=float(t),
                service="ABC"[int(rng.integers(3))],
                minutes=float(rng.gamma(2.0, 4.0)) + 0.5,
                priority="elderly" if rng.random() < 0.1 else None,
            )
            for t in at
        ),
    )


def been(day: Day) -> Day:
    return as_history(day, replay(day, "strict"))


def history_of(hours: tuple[tuple[float, float], ...] = HOURS) -> list[Day]:
    return [been(small_day(seed, hours)) for seed in range(3)]


def assert_keeps(roster: Roster, day: Day, rules: ShiftRules, minutes: float) -> None:
    """Every rule again, in minutes and without the planner's own words."""
    own = {c.id: c for c in day.counters}
    hours = day.counters[0].open
    assert sum(b - a for c in roster.counters for a, b in c.open) <= minutes
    for c in roster.counters:
        assert set(c.serves) == set(own[c.id].serves)
        assert 1 <= len(c.open) <= rules.most_spans
        assert all(b - a >= rules.shortest_span for a, b in c.open)
        assert all(e % rules.grid_minutes == 0 for span in c.open for e in span)
        assert all(any(f <= a and b <= t for f, t in hours) for a, b in c.open)
        assert sum(b - a for a, b in c.open) <= rules.paid_minutes
        assert c.open[-1][1] - c.open[0][0] <= rules.longest_shift
        assert all(
            two[0] - one[1] >= rules.shortest_break
            for one, two in zip(c.open, c.open[1:], strict=False)
        )
        assert not rules.lunch_break or rested(c, rules)
    assert sum(c.serves[0] != own[c.id].serves[0] for c in roster.counters) <= rules.home_changes
    for begin, end in hours:
        for t in np.arange(begin, end, 5.0):
            here = [c for c in roster.counters if any(a <= t < b for a, b in c.open)]
            assert not rules.most_open or len(here) <= rules.most_open
            assert sum(c.priority for c in here) >= rules.least_priority
            for service in "ABC":
                assert sum(service in c.serves for c in here) >= rules.least_per_service


def rested(counter: RosterCounter, rules: ShiftRules) -> bool:
    if counter.open[0][0] >= rules.lunch_from or counter.open[-1][1] <= rules.lunch_to:
        return True
    gaps = zip(counter.open, counter.open[1:], strict=False)
    return any(
        min(b[0], rules.lunch_to) - max(a[1], rules.lunch_from) >= rules.lunch_break
        for a, b in gaps
    )


@pytest.mark.parametrize(
    "rules",
    [
        ShiftRules(),
        ShiftRules(grid_minutes=30, lunch_break=30, lunch_from=690, lunch_to=780),
        ShiftRules(most_spans=1, paid_minutes=300, home_changes=0),
        ShiftRules(most_open=5, longest_shift=360),
        ShiftRules(shortest_span=90, shortest_break=60, lunch_break=45, home_changes=8),
    ],
    ids=["default", "lunch", "one span", "few at once", "short spans"],
)
def test_a_plan_keeps_every_rule(rules: ShiftRules) -> None:
    history = history_of()
    planned = plan_roster(history, 1900, rules, effort=FEW)
    assert_keeps(planned.first, history[0], rules, 1900)
    assert_keeps(planned.roster, history[0], rules, 1900)
    assert planned.minutes > 1700  # the minutes given are used
    assert planned.expected.cost <= planned.expected_first.cost


def test_a_plan_keeps_the_sessions_of_the_centre() -> None:
    history = history_of(((450.0, 690.0), (780.0, 1020.0)))
    planned = plan_roster(history, 1900, effort=FEW)
    assert_keeps(planned.roster, history[0], ShiftRules(), 1900)


def test_an_officer_is_at_one_counter_at_a_time_within_her_hours() -> None:
    shared = RosterOfficer(name="An", counters=(4, 8), paid_minutes=240, earliest=480, latest=840)
    history = history_of()
    planned = plan_roster(history, 1900, officers=Officers(officers=(shared,)), effort=FEW)
    hers = [c for c in planned.roster.counters if c.id in (4, 8)]
    spans = sorted(span for c in hers for span in c.open)
    assert all(c.officer == "An" for c in hers)
    assert sum(b - a for a, b in spans) <= 240
    assert all(a >= 480 and b <= 840 for a, b in spans)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(spans))


@pytest.fixture(scope="module")
def walked() -> tuple[Site, Plan]:
    history = history_of()
    site = site_of(history, ShiftRules(lunch_break=30, most_open=7))
    work = np.full((3, 32), 4.0)
    return site, first_plan(site, work, np.ones((3, 8)), 1900, 20)


@given(st.integers(0, 10**9))
@settings(max_examples=25, deadline=None)
def test_no_change_of_the_search_breaks_a_rule(walked: tuple[Site, Plan], seed: int) -> None:
    (site, plan), chance = walked, Random(seed)
    for _ in range(15):
        plan = changed(site, plan, 1900 // 15, chance) or plan
        assert broken(site, plan, 1900) == ""


def test_the_same_seed_gives_the_same_plan() -> None:
    history = history_of()
    one, two = (plan_roster(history, 1900, effort=FEW).roster for _ in range(2))
    assert written(one) == written(two)


def test_moved_hours_beat_fixed_hours_on_days_not_learned_from() -> None:
    def day(seed: int) -> Day:
        return generate("roster", 0.9, seed, volume=5700)

    def fixed(made: Day) -> Day:
        return msgspec.structs.replace(made, counters=made.counters[:12])

    history = [
        msgspec.structs.replace(been(fixed(day(seed))), counters=day(seed).counters)
        for seed in range(6)
    ]
    roster = plan_roster(history, 5700, effort=Effort(evaluations=20, days=8)).roster
    unseen = [day(seed) for seed in range(100, 106)]
    moved = mean_wait([with_roster(one, roster) for one in unseen])
    assert moved < 0.7 * mean_wait([fixed(one) for one in unseen])  # 0.45 here


def mean_wait(days: list[Day]) -> float:
    return float(np.mean([c.wait for day in days for v in replay(day) for c in v]))


def files(folder: Path, days: list[Day]) -> list[str]:
    paths = [folder / f"day{k}.json" for k in range(len(days))]
    for path, day in zip(paths, days, strict=True):
        path.write_bytes(written(day))
    return [str(path) for path in paths]


def test_the_command_writes_a_roster_that_simulate_reads(tmp_path: Path) -> None:
    days, out = files(tmp_path, history_of()), tmp_path / "roster.json"
    rules = tmp_path / "rules.toml"
    rules.write_text("grid_minutes = 30\n")
    arguments = ["roster", "--history", *days, "--counter-minutes", "1900", "--json", str(out)]
    assert command.main([*arguments, "--rules", str(rules), "--evaluations", "4"]) == 0
    day = small_day(9)
    tomorrow = read_roster(out, day)
    assert sum(b - a for c in tomorrow.counters for a, b in c.open) <= 1900
    assert all(e % 30 == 0 for c in tomorrow.counters for span in c.open for e in span)


@pytest.mark.parametrize(
    ("minutes", "rules", "officers", "said"),
    [
        ("600", "", "", "too few: the rules need about"),
        ("-5", "", "", "-5 counter-minutes"),
        ("1900", "shortest_spam = 60", "", "shortest_spam"),
        ("1900", "grid_minutes = 20", "", "grid_minutes is 20"),
        ("1900", "least_per_service = 7", "", "the rules leave service"),
        ("1900", "", '[[officers]]\nname = "An"\ncounters = [77]', "counter 77"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    minutes: str,
    rules: str,
    officers: str,
    said: str,
) -> None:
    (tmp_path / "rules.toml").write_text(rules)
    (tmp_path / "officers.toml").write_text(officers)
    days = files(tmp_path, [been(small_day())])
    more = ["--rules", str(tmp_path / "rules.toml"), "--officers", str(tmp_path / "officers.toml")]
    arguments = ["roster", "--history", *days, "--json", str(tmp_path / "r.json"), *more]
    assert command.main([*arguments, "--counter-minutes", minutes]) == 1
    told = capsys.readouterr().err.strip()
    assert said in told and "\n" not in told


def test_history_that_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--counter-minutes", "1900", "--json", str(tmp_path / "r.json")]
    (tmp_path / "odd.json").write_text(written(small_day()).decode().replace('"A"', '"X"', 1))
    for given_days in ([], ["absent.json"], [str(tmp_path / "odd.json")]):
        assert command.main(["roster", "--history", *given_days, *out]) == 1
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_service_that_nobody_can_serve_is_refused() -> None:
    day = small_day()
    lacking = msgspec.structs.replace(day, counters=(day.counters[3], day.counters[7]))
    with pytest.raises(NoPlan, match="no counter of the history serves C"):
        plan_roster([lacking], 1900)
