"""Answers of the tablet outlive power cuts and a server that is away, and count once."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from queue_server.wire.centre_time import CentreTime, Machine
from queue_server.wire.link import Refused
from queue_server.wire.messages import Answer, Refusal, Welcome
from queue_server.wire.words import DAY, Frozen
from tablet_survey import main
from tablet_survey.journey import Rating
from tablet_survey.post import INTERNAL_TRIES, Post
from tablet_survey.store import COUNTED, AnswerStore, Pending, open_store
from tests.tablet_room import until

NOW = 1_800_000_000_000
ROOT = Path(__file__).parent.parent
RATE_UNTIL_KILLED = """
import itertools, pathlib, sys
from tablet_survey.journey import Rating
from tablet_survey.store import open_store
store = open_store(pathlib.Path(sys.argv[1]))
for n in itertools.count():
    rating = Rating(offer=f"o{n}", score=4, pressed_at=n)
    store.keep_rating(rating, n)
    print(f"o{n}", flush=True)
    store.hand_in_rating(rating, n)
"""


def rating(offer: str = "o1", score: int = 4, words: str = "") -> Rating:
    return Rating(offer=offer, score=score, pressed_at=NOW, words=words)


@pytest.fixture
def store(tmp_path: Path) -> AnswerStore:
    return open_store(tmp_path / "answers.db", keep_answers=5)


def due(store: AnswerStore) -> Pending:
    pending = store.next()
    assert pending is not None
    return pending


def drained(store: AnswerStore) -> list[Pending]:
    """All that waits, in the order in which it would be sent."""
    out = []
    while (pending := store.next()) is not None:
        out.append(pending)
        store.close(pending.message.id, COUNTED, NOW)
    return out


def test_a_rating_keeps_its_id_while_it_is_changed_and_handed_in(store: AnswerStore) -> None:
    store.keep_rating(rating(score=1), NOW)
    assert store.next() is None
    store.stop()
    store.start()
    first = due(store).message.id
    assert [p.message.id for p in drained(store)] == [first]


def test_the_last_score_is_the_one_that_is_sent(store: AnswerStore) -> None:
    store.keep_rating(rating(score=1), NOW)
    store.hand_in_rating(rating(score=5), NOW)
    assert [(p.verb, p.message.score) for p in drained(store)] == [("rate", 5)]  # type: ignore[union-attr]


def test_an_offer_has_one_answer(store: AnswerStore) -> None:
    store.hand_in_rating(rating(), NOW)
    store.hand_in_silence("o1", NOW)
    store.hand_in_rating(rating(score=1), NOW)
    assert [(p.verb, p.message.score) for p in drained(store)] == [("rate", 4)]  # type: ignore[union-attr]


def test_an_unfinished_rating_is_never_turned_into_a_silence(store: AnswerStore) -> None:
    store.keep_rating(rating(), NOW)
    store.hand_in_silence("o1", NOW)
    store.hand_in_rating(rating(), NOW)
    assert [p.verb for p in drained(store)] == ["rate"]


def test_answers_leave_in_the_order_in_which_they_came(store: AnswerStore) -> None:
    store.hand_in_rating(rating("a"), NOW)
    store.hand_in_silence("b", NOW)
    store.hand_in_rating(rating("c"), NOW)
    assert [p.message.offer for p in drained(store)] == ["a", "b", "c"]


def test_a_closed_answer_keeps_its_outcome_and_forgets_what_was_said(
    store: AnswerStore, tmp_path: Path
) -> None:
    store.hand_in_rating(rating(words="chờ quá lâu"), NOW)
    store.close(due(store).message.id, "rated_already", NOW)
    assert store.outcomes() == {"o1": "rated_already"} and store.waiting() == 0
    rows = sqlite3.connect(tmp_path / "answers.db").execute("SELECT message FROM answer").fetchall()
    assert rows == [(None,)]


def test_a_closed_answer_is_remembered_for_a_week(store: AnswerStore) -> None:
    store.hand_in_rating(rating("old"), NOW)
    drained(store)
    assert store.answered() == ("old",)
    store.hand_in_rating(rating("new"), NOW)
    store.close(due(store).message.id, COUNTED, NOW + 8 * DAY)
    assert store.answered() == ("new",)


def test_when_there_is_no_room_closed_answers_go_before_waiting_ones(store: AnswerStore) -> None:
    for name in "abcde":
        store.hand_in_rating(rating(name), NOW)
    store.close(due(store).message.id, COUNTED, NOW)
    store.hand_in_rating(rating("f"), NOW)
    assert store.answered() == tuple("bcdef")
    store.hand_in_rating(rating("g"), NOW)
    assert [p.message.offer for p in drained(store)] == list("cdefg")


def test_nothing_that_was_saved_is_lost_by_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    process = subprocess.Popen(
        [sys.executable, "-c", RATE_UNTIL_KILLED, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read().split()
    process.wait()
    found = [p.message.offer for p in drained(open_store(path))]
    assert found[: len(said)] == said and len(found) <= len(said) + 1
    assert found == [f"o{n}" for n in range(len(found))]


def test_a_damaged_file_is_laid_aside(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    path.write_bytes(b"not a database" * 100)
    own = open_store(path)
    own.hand_in_rating(rating(), NOW)
    assert own.waiting() == 1
    assert path.with_name("answers.db.broken").exists()


def test_others_on_the_device_cannot_read_it(store: AnswerStore, tmp_path: Path) -> None:
    assert (tmp_path / "answers.db").stat().st_mode & 0o077 == 0


class Line:
    """A line whose answers the test gives by hand."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Frozen, Future[Answer]]] = []

    def ask(self, verb: str, message: Frozen, for_seconds: float) -> Future[Answer]:
        self.asked.append((verb, message, Future()))
        return self.asked[-1][2]

    def now(self) -> int:
        return NOW

    def offers(self) -> list[str]:
        return [message.offer for _, message, _ in self.asked]  # type: ignore[attr-defined]

    def ids(self) -> list[str]:
        return [message.id for _, message, _ in self.asked]  # type: ignore[attr-defined]


def accepted() -> Answer:
    return Answer(id="", verb="rate", at=NOW)


def test_what_has_gathered_leaves_together_and_in_order(store: AnswerStore) -> None:
    line = Line()
    post = Post(store, line)
    for name in "abc":
        store.hand_in_rating(rating(name), NOW)
        post.send()
    assert line.offers() == ["a"]
    line.asked[0][2].set_result(accepted())
    assert line.offers() == ["a", "b", "c"]
    line.asked[2][2].set_result(accepted())
    assert store.waiting() == 2, "a batch is closed as a whole"
    line.asked[1][2].set_exception(refused("rated_already"))
    assert store.outcomes() == {"a": COUNTED, "b": "rated_already", "c": COUNTED}


def test_of_a_batch_only_what_was_put_off_is_asked_again(store: AnswerStore) -> None:
    line = Line()
    for name in "ab":
        store.hand_in_rating(rating(name), NOW)
    Post(store, line, rest_s=0.01).send()
    line.asked[0][2].set_exception(refused("not_saved"))
    line.asked[1][2].set_result(accepted())
    until(lambda: len(line.asked) == 3, "the next try")
    assert line.offers() == ["a", "b", "a"] and line.ids()[0] == line.ids()[2]
    line.asked[2][2].set_result(accepted())
    assert store.outcomes() == {"a": COUNTED, "b": COUNTED}


def test_an_answer_that_goes_for_want_of_room_is_counted(store: AnswerStore) -> None:
    for name in "abcdefg":
        store.hand_in_rating(rating(name), NOW)
    assert (store.dropped(), store.waiting()) == (2, 5)
    health = main._health(store, Post(store, Line()), CentreTime(Machine()))
    assert health["answers_dropped"] == "2"
    drained(store)
    store.hand_in_rating(rating("h"), NOW)
    assert store.dropped() == 2, "a closed one is no loss"


@pytest.mark.parametrize(
    "hand",
    [
        "UPDATE answer SET message = replace(CAST(message AS TEXT), '\"score\":2', '\"score\":5')"
        " WHERE offer = 'b'",
        "UPDATE answer SET signature = NULL WHERE offer = 'b'",
        "UPDATE answer SET seq = 99 WHERE offer = 'b'",
        "UPDATE answer SET message = x'7b' WHERE offer = 'b'",
    ],
)
def test_a_row_that_another_hand_has_changed_is_not_sent_and_is_told(
    store: AnswerStore, tmp_path: Path, hand: str
) -> None:
    for name in "abc":
        store.hand_in_rating(rating(name, 2), NOW)
    with closing(sqlite3.connect(store._path)) as conn, conn:
        assert conn.execute(hand).rowcount == 1
    assert [pending.message.offer for pending in store.oldest(10)] == ["a", "c"]
    assert store.outcomes() == {"b": "altered"}
    health = main._health(store, Post(store, Line()), CentreTime(Machine()))
    assert (health["answers_altered"], health["answers_waiting"]) == ("1", "2")


def test_answers_of_a_version_that_did_not_sign_are_signed_and_go(store: AnswerStore) -> None:
    store.hand_in_rating(rating("a"), NOW)
    store.stop()
    with closing(sqlite3.connect(store._path)) as conn, conn:
        conn.execute("ALTER TABLE answer DROP COLUMN signature")
        conn.execute("PRAGMA user_version = 3")
    store.start()
    assert [pending.message.offer for pending in store.oldest(10)] == ["a"]
    assert stat.S_IMODE(store._path.with_suffix(".key").stat().st_mode) == 0o600


def test_without_an_answer_it_is_asked_again_under_the_same_id(store: AnswerStore) -> None:
    line = Line()
    store.hand_in_rating(rating(), NOW)
    Post(store, line).send()
    line.asked[0][2].set_exception(TimeoutError())
    assert len(line.asked) == 2 and len(set(line.ids())) == 1
    assert store.waiting() == 1


def refused(code: str) -> Refused:
    return Refused(Refusal(code=code))


def test_a_server_that_cannot_save_is_asked_again_under_the_same_id(store: AnswerStore) -> None:
    line = Line()
    store.hand_in_rating(rating(), NOW)
    Post(store, line, rest_s=0.01).send()
    for number in range(8):
        until(lambda n=number: len(line.asked) > n, "the next try")  # type: ignore[misc]
        line.asked[number][2].set_exception(refused("not_saved"))
    until(lambda: len(line.asked) == 9, "the last try")
    line.asked[8][2].set_result(accepted())
    assert len(set(line.ids())) == 1 and store.outcomes() == {"o1": COUNTED}


def test_an_answer_on_which_the_server_stumbles_does_not_hold_up_the_others(
    store: AnswerStore,
) -> None:
    line = Line()
    store.hand_in_rating(rating("bad"), NOW)
    store.hand_in_rating(rating("good"), NOW)
    Post(store, line, rest_s=0.01).send()
    line.asked[1][2].set_result(accepted())
    line.asked[0][2].set_exception(refused("internal"))
    for number in range(2, INTERNAL_TRIES + 1):
        until(lambda n=number: len(line.asked) > n, "the next try")  # type: ignore[misc]
        line.asked[number][2].set_exception(refused("internal"))
    assert store.outcomes() == {"bad": "internal", "good": COUNTED}


def test_a_disk_that_fails_does_not_make_the_post_ask_without_end(store: AnswerStore) -> None:
    line = Line()
    post = Post(store, line)
    store.hand_in_rating(rating(), NOW)
    post.send()
    store.stop()
    line.asked[0][2].set_result(accepted())
    assert post.failed and len(line.asked) == 1


# --- a clock that is wrong ------------------------------------------------------------------------


@dataclass
class Clocks:
    """A tablet's clocks in ms: `wall` may be wrong and jump, `steady` runs since the start `boot`."""

    wall: int
    steady: int = 5_000
    boot: str = "first"

    def time(self, store: AnswerStore) -> CentreTime:
        machine = Machine(lambda: self.wall, lambda: self.steady, self.boot)
        return CentreTime(machine, store.anchor())

    def pass_ms(self, ms: int) -> None:
        self.wall, self.steady = self.wall + ms, self.steady + ms

    def press(self, offer: str, store: AnswerStore, time: CentreTime) -> None:
        pressed = Rating(offer=offer, score=4, pressed_at=time.now(), pressed_own=time.steady())
        store.hand_in_rating(pressed, time.now(), time.boot)


def pressed(line: Line) -> list[int]:
    return [message.pressed_at - NOW for _, message, _ in line.asked]  # type: ignore[attr-defined]


def hears(post: Post, store: AnswerStore, time: CentreTime, at: int) -> None:
    main._clock_heard(Welcome(at=at, epoch=1), store, post, time)


def test_a_press_before_the_servers_clock_was_heard_is_dated_by_it_later(
    store: AnswerStore,
) -> None:
    clocks, line = Clocks(wall=0), Line()
    time = clocks.time(store)
    post = Post(store, line, time)
    clocks.press("a", store, time)
    post.send()
    assert not line.asked, "nothing is sent while it cannot be dated"
    clocks.pass_ms(60_000)
    clocks.press("b", store, time)
    clocks.pass_ms(1_000)
    hears(post, store, time, NOW)
    assert pressed(line) == [-61_000, -1_000]
    assert main._health(store, post, time)["clock"] == "skew"


def test_a_clock_that_is_put_right_in_between_moves_no_press(store: AnswerStore) -> None:
    clocks, line = Clocks(wall=NOW - 10 * DAY), Line()
    time = clocks.time(store)
    post = Post(store, line, time)
    hears(post, store, time, NOW)
    clocks.press("a", store, time)
    clocks.wall += 10 * DAY
    clocks.pass_ms(2_000)
    clocks.press("b", store, time)
    post.send()
    assert pressed(line) == [0, 2_000]
    hears(post, store, time, NOW + 2_000)
    assert "clock" not in main._health(store, post, time)


def test_after_a_power_cut_a_press_keeps_the_time_that_was_believed_then(
    store: AnswerStore,
) -> None:
    clocks = Clocks(wall=NOW - 3_600_000)
    time = clocks.time(store)
    hears(Post(store, Line(), time), store, time, NOW)
    clocks.pass_ms(30_000)
    clocks.press("before", store, time)
    again, line = Clocks(wall=clocks.wall + 60_000, steady=10, boot="second"), Line()
    time = again.time(store)
    post = Post(store, line, time)
    again.press("between", store, time)
    hears(post, store, time, NOW + 92_000)
    assert pressed(line) == [30_000, 92_000]
