"""`motcua simulate`: a day replayed under a rule; what it promises of its output, and what it refuses."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from queue_server.command import main
from queue_server.line.rule import Weights
from queue_server.twin.baselines import KINDS
from queue_server.twin.day import Day, DayCounter, DayService, DayVisitor, written
from queue_server.twin.foretell import replay_fast, replay_telling
from queue_server.twin.generate import FAMILIES, generate
from queue_server.twin.history import as_history
from queue_server.twin.learn import learned
from queue_server.twin.replay import Called, replay

DESK = DayService(id="S0", name="Chứng thực", mean_minutes=4.0)
OTHER = DayService(id="S1", name="Hộ tịch", mean_minutes=10.0)


def day_of(*visitors: DayVisitor, counters: tuple[DayCounter, ...] = ()) -> Day:
    one = DayCounter(id=1, serves=("S0", "S1"), open=((480, 960),))
    return Day(services=(DESK, OTHER), counters=counters or (one,), visitors=visitors)


def comes(at: float, minutes: float = 3.0, service: str = "S0", **more: Any) -> DayVisitor:
    return DayVisitor(arrives=at, service=service, minutes=minutes, **more)


def simulate(folder: Path, day: Day | dict[str, Any] | str, *more: str) -> dict[str, Any]:
    path, out = folder / "day.json", folder / "out.json"
    text = day if isinstance(day, str) else json.dumps(day) if isinstance(day, dict) else None
    path.write_bytes(text.encode() if text is not None else written(day))  # type: ignore[arg-type]
    assert main(["simulate", "--day", str(path), "--json", str(out), *more]) == 0
    found: dict[str, Any] = json.loads(out.read_text())
    return found


# --- what a replay is ------------------------------------------------------------------------------


def test_a_row_a_visitor_in_the_order_of_the_input(tmp_path: Path) -> None:
    out = simulate(tmp_path, day_of(comes(500, 3), comes(490, 20)), "--no-estimates")
    late, early = out["visitors"]
    assert (early["called"], early["finished"], early["wait"]) == (490, 510, 0)
    assert (late["called"], late["counter"], late["wait"]) == (510, 1, 10)
    assert out["summary"]["mean"] == 5.0
    assert late["reason"] and late["estimate"] is None


def test_a_counter_that_closes_ends_the_visit_in_hand_first() -> None:
    counters = (
        DayCounter(id=1, serves=("S0",), open=((480, 490), (520, 960))),
        DayCounter(id=2, serves=("S1",), open=((480, 960),)),
    )
    first, second = replay(day_of(comes(485, 30), comes(486, 3), counters=counters))
    assert first[0].finished == 515
    assert second[0].called == 520


def test_after_the_last_closing_the_open_counters_serve_until_the_line_is_empty() -> None:
    counters = (
        DayCounter(id=1, serves=("S0",), open=((480, 600),)),
        DayCounter(id=2, serves=("S0",), open=((480, 500),)),
    )
    found = replay(day_of(*[comes(598, 10) for _ in range(4)], counters=counters))
    assert [errands[0].counter for errands in found] == [1, 1, 1, 1]
    assert max(errands[0].called for errands in found) == 628


def test_whom_no_open_counter_can_serve_is_never_called(tmp_path: Path) -> None:
    counters = (DayCounter(id=1, serves=("S0",), open=((480, 960),)),)
    out = simulate(tmp_path, day_of(comes(500, service="S1"), counters=counters), "--no-estimates")
    assert out["visitors"][0]["called"] is None
    assert out["summary"]["uncalled"] == 1


def test_a_booked_visitor_is_never_ahead_of_her_time_and_keeps_her_place_when_a_little_late() -> (
    None
):
    early = comes(490, booked=520.0)
    late = comes(530, booked=520.0)
    walk_in = comes(525, 3)
    busy = comes(519, 20)
    found = replay(day_of(early, busy, walk_in, late))
    assert found[0][0].called >= 520
    assert found[3][0].called < found[2][0].called  # her place is 520, the walk-in's 525


def test_who_does_not_show_costs_the_set_minutes() -> None:
    absent, next_one = replay(day_of(comes(480, 9, shows=False), comes(480, 3)))
    assert absent[0].finished - absent[0].called == 1.0
    assert next_one[0].called == 481.0


def test_a_visit_of_several_errands_goes_where_the_line_is_lightest() -> None:
    counters = (
        DayCounter(id=1, serves=("S0",), open=((480, 960),)),
        DayCounter(id=2, serves=("S1",), open=((480, 960),)),
    )
    crowd = [comes(481, 8) for _ in range(5)]
    found = replay(day_of(*crowd, comes(482, 4, "S0", then=("S1",)), counters=counters))
    first, second = found[-1]
    assert (first.service, first.wait) == ("S1", 0.0)
    assert second.service == "S0"
    assert second.called >= first.finished


def test_speed_divides_the_minutes_of_that_counter_alone() -> None:
    slow = DayCounter(id=1, serves=("S0",), open=((480, 960),), speed={"S0": 0.5})
    assert replay(day_of(comes(480, 4), counters=(slow,)))[0][0].finished == 488


# --- what no rule may see --------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cut=st.floats(485, 900), seed=st.integers(0, 50), policy=st.sampled_from(sorted(KINDS)))
def test_what_the_rule_cannot_know_changes_no_earlier_decision(
    cut: float, seed: int, policy: str
) -> None:
    """Minutes not yet seen, absences not yet found out, visitors yet to come, and true speeds elsewhere."""
    day = small_day("slower", seed)
    chance = Random(seed)
    before = replay(day, policy)

    def changed(visitor: DayVisitor, errands: list[Called]) -> DayVisitor | None:
        if visitor.arrives > cut:
            return None if chance.random() < 0.5 else replace(visitor, minutes=50.0, shows=False)
        if not errands or errands[0].called >= cut:
            return replace(visitor, minutes=chance.uniform(1, 60), shows=chance.random() < 0.5)
        return visitor

    kept = [changed(v, c) for v, c in zip(day.visitors, before, strict=True)]
    other = replace(day, visitors=tuple(v for v in kept if v is not None))
    after = iter(replay(other, policy))
    for visitor, errands in zip(kept, before, strict=True):
        if visitor is None:
            continue
        again = next(after)
        if visitor.arrives <= cut and errands and errands[0].called < cut:
            assert decision(again[0]) == decision(errands[0])


def decision(call: Called) -> tuple[float, int, int]:
    return call.called, call.counter, call.why


def small_day(family: str, seed: int) -> Day:
    day = generate(family, 0.9, seed)
    return replace(day, visitors=day.visitors[:150], counters=day.counters[:6])


def test_estimates_know_nothing_of_what_is_to_come() -> None:
    day = small_day("mixed", 3)
    cut = 560.0
    _, run, told = replay_telling(day, "balanced", Weights(), many=8)
    visitors = tuple(
        replace(v, minutes=40.0, shows=not v.shows) if v.arrives > cut or run.called[k] > cut else v
        for k, v in enumerate(day.visitors)
    )
    _, _, again = replay_telling(replace(day, visitors=visitors), "balanced", Weights(), many=8)
    early = [k for k, v in enumerate(day.visitors) if v.arrives < cut]
    assert len(early) > 20
    assert [told[k] for k in early] == [again[k] for k in early]


# --- the rules, and the two ways to play them ------------------------------------------------------


@pytest.mark.parametrize("policy", sorted(KINDS))
def test_compiled_and_plain_python_make_the_same_calls(policy: str) -> None:
    day = small_day("appointments", 5)
    assert replay_fast(day, policy) == replay(day, policy)


@settings(max_examples=30, deadline=None)
@given(
    policy=st.sampled_from(sorted(KINDS)),
    family=st.sampled_from(sorted(set(FAMILIES) - {"roster"})),
    seed=st.integers(0, 1000),
)
def test_every_rule_calls_everyone_once_where_she_can_be_served(
    policy: str, family: str, seed: int
) -> None:
    day = small_day(family, seed)
    counters = {c.id: c for c in day.counters}
    served = {s for c in day.counters for s in c.serves}
    found = replay(day, policy)
    spans: dict[int, list[tuple[float, float]]] = {}
    for visitor, errands in zip(day.visitors, found, strict=True):
        if visitor.service not in served:
            assert errands == []
            continue
        (call,) = errands
        assert call.called >= max(visitor.arrives, visitor.booked or 0.0)
        assert visitor.service in counters[call.counter].serves
        spans.setdefault(call.counter, []).append((call.called, call.finished))
    for busy in spans.values():
        busy.sort()
        assert all(one[1] <= two[0] for one, two in itertools.pairwise(busy))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    most=st.integers(0, 6),
    by_priority=st.integers(0, 4),
    family=st.sampled_from(("mixed", "priority30", "full")),
)
def test_nobody_is_passed_more_often_than_the_bound(
    seed: int, most: int, by_priority: int, family: str
) -> None:
    """Once at the bound she is called before all who came later, at each counter that may serve her."""
    weights = Weights(max_passed=float(most), max_passed_by_priority=float(by_priority))
    day = small_day(family, seed)
    found = replay(day, "balanced", weights)
    assert max(errands[0].passed for errands in found if errands) <= most


def test_priority_comes_first_and_the_shortest_of_equals_next() -> None:
    day = day_of(comes(480, 10), comes(481, 9), comes(481, 3), comes(482, 3, priority="elderly"))
    long = replace(day.visitors[1], service="S1")
    day = replace(day, visitors=(day.visitors[0], long, *day.visitors[2:]))
    order = sorted(range(4), key=lambda k: replay(day)[k][0].called)
    assert order == [0, 3, 2, 1]


def test_a_counter_leaves_a_service_that_it_is_slow_at_to_the_counter_that_is_at_home_in_it() -> (
    None
):
    home = DayCounter(id=1, serves=("S0", "S1"), open=((480, 960),))
    other = DayCounter(id=2, serves=("S1", "S0"), open=((480, 960),))
    found = replay(
        day_of(comes(480, service="S1"), comes(480, service="S0"), counters=(home, other))
    )
    assert [errands[0].counter for errands in found] == [2, 1]


def test_a_reason_is_true_of_the_rule_that_called(tmp_path: Path) -> None:
    """Another rule's call out of turn is its own, not "the longest wait"; an unnamed group has no blank."""
    day = day_of(comes(480, 10), comes(481, 9, "S1"), comes(482, 3), comes(483, 3, priority=True))
    out = simulate(tmp_path, day, "--policy", "shortest", "--no-estimates", "--language", "en")
    reasons = [row["reason"] for row in out["visitors"]]
    assert reasons[2] == reasons[3] == "By the calling rule “shortest”"
    ours = simulate(tmp_path, day, "--no-estimates", "--language", "en")["visitors"]
    assert ours[3]["reason"] == "Priority visitor (has waited 7 min)"
    assert ours[2]["reason"].startswith(
        "This is quick (about 5 min)"
    )  # the first visit took long: learned


def test_a_day_played_compiled_tells_no_reason_that_it_cannot_know(tmp_path: Path) -> None:
    crowd = [
        comes(480 + k / 10, 1.0, priority="elderly" if k % 50 == 0 else None) for k in range(1_600)
    ]
    out = simulate(tmp_path, day_of(*crowd), "--no-estimates", "--language", "en")
    told = {row["reason"].split(":")[0].split(" (")[0] for row in out["visitors"]}
    assert "By the calling rule “balanced”" in told
    assert "Priority visitor" in told
    assert not any("Has waited longest" in reason or "passed by 0" in reason for reason in told)


# --- what past days teach --------------------------------------------------------------------------


def test_paces_and_minutes_are_learned_from_what_was_seen() -> None:
    past = [
        as_history(d, replay(d, "fifo")) for d in (generate("slower", 0.7, s) for s in range(8))
    ]
    known = learned(past)
    centre_means = {s.id: s.mean_minutes for s in past[0].services}
    assert known.helps == pytest.approx(1 / 0.85, rel=0.06)
    for service, mean in known.means.items():
        assert mean == pytest.approx(centre_means[service], rel=0.15)


def test_one_endless_visit_teaches_little() -> None:
    usual = [comes(480 + 5 * k, 4.0) for k in range(60)]
    endless = replace(usual[0], minutes=400.0)
    plain, spoiled = (
        learned([as_history(d, replay(d))]) for d in (day_of(*usual), day_of(endless, *usual[1:]))
    )
    assert spoiled.means["S0"] < plain.means["S0"] * 1.12


def test_what_the_kiosk_knows_shortens_the_expected_minutes() -> None:
    chance = Random(4)
    visitors = []
    for k in range(300):
        copies, prepared = chance.randint(1, 9), chance.random() < 0.5
        minutes = 4.0 * (0.6 if prepared else 1.0) * (1.0 + 0.1 * (copies - 5))
        visitors.append(comes(480 + k, minutes, copies=copies, prepared=prepared))
    day = day_of(*visitors)
    known = learned([as_history(day, replay(day))])
    ready = known.minutes_of(day_of(comes(500, prepared=True, copies=2)), 0, "S0")
    bare = known.minutes_of(day_of(comes(500, copies=8)), 0, "S0")
    assert ready < 0.6 * bare


# --- what is refused, in one line --------------------------------------------------------------------


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    day = json.loads(written(day_of(comes(480))))
    change(day)
    return day  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (broken(lambda d: d["visitors"][0].update(service="X")), "visitor 0: unknown service X"),
        (broken(lambda d: d["counters"][0].update(serves=[])), "counter 1 serves nothing"),
        (broken(lambda d: d["visitors"][0].update(minutes=-2)), "visitor 0: minutes is -2"),
        (broken(lambda d: d["visitors"][0].pop("minutes")), "visitor 0 has no minutes"),
        (broken(lambda d: d["counters"][0].update(open=[[500, 490]])), "open from 500 to 490"),
        (broken(lambda d: d["services"].append(d["services"][0])), "service S0 stands there twice"),
        ('{"services": [', "truncated"),
        ('{"services": [], "counters": [], "visitors": [{"arrives": NaN}]}', "malformed"),
    ],
)
def test_a_day_that_cannot_be_replayed_is_refused_in_one_line(
    day: dict[str, Any] | str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "day.json"
    path.write_text(day if isinstance(day, str) else json.dumps(day))
    assert main(["simulate", "--day", str(path)]) == 1
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


def test_an_empty_day_has_an_empty_answer(tmp_path: Path) -> None:
    out = simulate(tmp_path, Day(services=(), counters=()))
    assert out["visitors"] == []
    assert out["summary"]["count"] == 0


def test_ten_thousand_visitors_are_answered(tmp_path: Path) -> None:
    chance = Random(2)
    crowd = [comes(chance.uniform(480, 950), chance.expovariate(1 / 6)) for _ in range(10_000)]
    day = day_of(*(replace(v, minutes=round(v.minutes or 1, 3)) for v in crowd))
    out = simulate(tmp_path, day, "--no-estimates")
    assert out["summary"]["uncalled"] == 0


# --- files in and out ---------------------------------------------------------------------------------


def test_a_made_day_a_past_and_a_roster_go_through_files(tmp_path: Path) -> None:
    made, past, plan = tmp_path / "made.json", tmp_path / "past.json", tmp_path / "plan.json"
    assert (
        main(
            ["simulate", "--generate", "mixed", "--load", "0.6", "--seed", "3", "--json", str(made)]
        )
        == 0
    )
    day = made.read_text()
    simulate(tmp_path, day, "--policy", "fifo", "--no-estimates", "--record", str(past))
    counters = json.loads(day)["counters"]
    plan.write_text(json.dumps({"counters": [{**c, "open": [[480, 900]]} for c in counters[:10]]}))
    out = simulate(tmp_path, day, "--history", str(past), "--roster", str(plan), "--language", "en")
    assert out["summary"]["counter_minutes"] == 4200
    assert {row["counter"] for row in out["visitors"]} <= {c["id"] for c in counters[:10]}
    told = out["summary"]["estimates"]
    assert told["count"] == out["summary"]["count"]
    assert 0.6 < told["coverage"] < 0.97


def test_a_wrong_policy_or_family_is_told_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "--generate", "nowhere"]) == 1
    assert "mixed" in capsys.readouterr().err
    assert main(["simulate", "--day", "x.json", "--policy", "luck"]) == 1
    assert "balanced" in capsys.readouterr().err
