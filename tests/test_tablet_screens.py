"""The tablet as a visitor meets it: a real window, a real broker, fingers on the glass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from queue_server.wire import messages as m
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language
from tablet_survey.main import TEXTS
from tablet_survey.settings import REASONS
from tests.tablet_room import Broker, PretendServer, TabletProcess, until

VI = Texts(TEXTS)


class Room:
    """A counter with its tablet, and the centre behind it. `spoken`: what the sound card was given."""

    spoken: Path

    def __init__(self, folder: Path, size: str = "1280x800", **settings: object) -> None:
        self.broker = Broker(folder)
        self.broker.start()
        self.server = PretendServer(self.broker.port)
        self.tablet = TabletProcess(
            folder, self.broker.port, size, thanks_seconds=0.6, away_seconds=0.5, **settings
        )
        self.server.start()
        self.server.setup()
        self.server.counter()
        self.tablet.start()

    def close(self) -> None:
        self.tablet.stop()
        self.server.stop()
        self.broker.stop()

    def asks(self, offer: str, language: Language = Language.VI, survey: str = "") -> None:
        self.server.offer(offer, language, survey=survey)
        self.tablet.until_shows("asking")

    def rates(self, face: int) -> None:
        """A good face, and no waiting for it to be sent by itself."""
        self.tablet.touch(f"face-{face}")
        self.tablet.until_shows("chosen")
        self.tablet.touch("send")

    def finds(self, name: str) -> None:
        """One finger explores what lies beneath it."""
        self.tablet.touch(name)
        until(lambda: self.tablet.do(state=True)["found"] == name, f"{name} found")

    def ratings(self, count: int) -> list[m.Rate]:
        until(lambda: len(self.server.said("rate")) >= count, f"rating {count}")
        return self.server.said("rate")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("room")
    (folder / "spoken").mkdir()
    player = f"sh -c 'cat > {folder}/spoken/$$.wav'"
    room = Room(folder, change_seconds=2.5, reading={"player": player, "corner": ""})
    room.spoken = folder / "spoken"
    yield room
    room.close()


@pytest.fixture
def room(shared: Room) -> Iterator[Room]:
    """The shared room between two visitors."""
    shared.server.withdraw()
    shared.tablet.until_shows("waiting")
    shared.server.asks.clear()
    shared.server.refuse.clear()
    return shared


def test_both_languages_have_the_same_words() -> None:
    assert VI.keys("vi") == VI.keys("en")
    assert {f"reason.{reason}" for reason in REASONS} <= VI.keys("vi")


def test_waiting_shows_counter_field_number_and_officer_but_no_visitor(room: Room) -> None:
    until(lambda: "B047" in room.tablet.texts(), "the number")
    texts = room.tablet.texts()
    assert {"3", "Đất đai – Xây dựng", "Nguyễn Thị Thu Hường"} <= set(texts)


def test_one_touch_of_a_good_face_is_a_rating(room: Room) -> None:
    room.asks("good")
    assert VI.say("ask.receipt", number="B047") in room.tablet.texts()
    room.tablet.touch("face-5")
    rating = room.ratings(1)[0]
    assert (rating.offer, rating.score, rating.reasons) == ("good", 5, ())
    assert rating.source == "tablet"


def test_a_poor_rating_with_reasons_and_words(room: Room) -> None:
    room.asks("poor")
    room.tablet.touch("face-2")
    room.tablet.until_shows("reasons")
    room.tablet.touch("reason-waiting")
    room.tablet.touch("reason-fees")
    room.tablet.touch("words")
    room.tablet.until_shows("words")
    for key in ("c", "h", "ơ", "huyền"):
        room.tablet.touch(f"key-{key}")
    room.tablet.touch("done")
    room.tablet.until_shows("reasons")
    room.tablet.touch("send")
    rating = room.ratings(1)[0]
    assert (rating.score, rating.reasons, rating.words) == (2, ("waiting", "fees"), "Chờ")
    room.tablet.until_shows("thanks")


def test_the_face_may_be_changed_before_it_is_sent(room: Room) -> None:
    room.asks("changed")
    room.tablet.touch("face-1")
    room.tablet.until_shows("reasons")
    room.tablet.touch("face-4")
    room.tablet.until_shows("chosen")
    room.tablet.touch("send")
    assert [r.score for r in room.ratings(1)] == [4]


def test_a_survey_is_answered_question_by_question(room: Room) -> None:
    room.asks("surveyed", survey="circular01")
    room.tablet.touch("face-4")
    room.tablet.until_shows("more-1")
    room.tablet.touch("option-1")
    room.tablet.until_shows("more-2")
    room.tablet.touch("next")
    room.tablet.until_shows("more-3")
    room.tablet.touch("back")
    room.tablet.until_shows("more-2")
    room.tablet.touch("option-0")
    room.tablet.until_shows("more-3")
    room.tablet.touch("send")
    rating = room.ratings(1)[0]
    assert (rating.score, rating.answers, rating.shown) == (4, {"i1": 1, "i3": 0}, 3)


def test_a_power_cut_in_a_survey_counts_what_was_answered(room: Room) -> None:
    room.asks("cut-survey", survey="sipas")
    room.tablet.touch("face-5")
    room.tablet.until_shows("more-1")
    room.tablet.touch("face-3")
    room.tablet.until_shows("more-2")
    room.tablet.kill()
    room.tablet.start()
    assert [(r.score, r.answers, r.shown) for r in room.ratings(1)] == [(5, {"access": 3}, 2)]
    room.tablet.until_shows("waiting")


def letters_of(room: Room, text: str) -> int:
    """The height in pixels that a text's box has."""
    found = {t["text"]: t["rect"][3] for t in room.tablet.do(state=True)["texts"]}
    height: int = found[text]
    return height


def test_larger_letters_and_contrast_are_hers_alone(room: Room) -> None:
    room.asks("large", survey="circular01")
    room.tablet.touch("face-5")
    room.tablet.until_shows("more-1")
    title = "Hồ sơ của Ông/Bà được giải quyết nhanh hay chậm so với giấy hẹn?"
    usual = letters_of(room, title)
    room.tablet.touch("access")
    room.tablet.until_shows("access")
    for wish in ("wish-letters", "wish-contrast", "wish-letters"):
        room.tablet.touch(wish)
    until(lambda: VI.say("access.letters_3") in room.tablet.texts(), "the largest letters")
    room.tablet.touch("access-done")
    room.tablet.until_shows("more-1")
    assert letters_of(room, title) > usual
    room.tablet.touch("send")
    room.ratings(1)
    room.asks("usual", survey="circular01")
    room.tablet.touch("face-5")
    room.tablet.until_shows("more-1")
    assert letters_of(room, title) == usual


def buttons(room: Room) -> set[str]:
    return {button["name"] for button in room.tablet.do(state=True)["buttons"]}


def test_who_does_not_see_explores_and_rates_by_ear(room: Room) -> None:
    room.asks("heard")
    room.tablet.touch("access")
    room.tablet.until_shows("access")
    room.tablet.touch("wish-reading")
    until(lambda: "wish-volume" in buttons(room), "the reading")
    until(lambda: list(room.spoken.iterdir()), "a voice")
    room.finds("access-done")
    room.tablet.touch("access-done", times=2)
    room.tablet.until_shows("asking")
    room.finds("face-4")
    assert room.tablet.shows() == "asking", "finding a face does not rate"
    room.tablet.touch("face-1", times=2)
    assert [r.score for r in room.ratings(1)] == [4]
    room.server.withdraw()
    room.tablet.until_shows("waiting")
    room.asks("seen")
    room.rates(5)
    assert [r.score for r in room.ratings(2)] == [4, 5], "the next visitor presses as ever"


def test_a_foreign_visitor_is_asked_in_english_and_may_switch(room: Room) -> None:
    room.asks("foreign", Language.EN)
    assert VI.say("ask.title", "en") in room.tablet.texts()
    room.tablet.touch("language-vi")
    until(lambda: VI.say("ask.title", "vi") in room.tablet.texts(), "Vietnamese")


def test_a_finger_that_slides_off_a_face_has_not_rated(room: Room) -> None:
    room.asks("slid")
    faces = {b["name"]: b["rect"] for b in room.tablet.do(state=True)["buttons"]}
    left, top, width, height = faces["face-1"]
    room.tablet.do(touch=[left + width // 2, top + height // 2], to=[left + width // 2, 5])
    assert room.tablet.shows() == "asking"


def test_a_refused_rating_is_not_sent_for_ever(room: Room) -> None:
    room.server.refuse["late"] = "no_offer"
    room.asks("late")
    room.rates(5)
    room.asks("next")
    room.rates(5)
    assert [r.offer for r in room.ratings(2)] == ["late", "next"]


def test_a_withdrawn_offer_leaves_the_screen(room: Room) -> None:
    room.asks("withdrawn")
    room.server.withdraw()
    room.tablet.until_shows("waiting")
    assert not room.server.said("stay_silent") and not room.server.said("rate")


def test_silence_is_told_to_the_server(room: Room) -> None:
    room.server.offer("unanswered", lasts_s=1.5)
    room.tablet.until_shows("asking")
    until(lambda: room.server.said("stay_silent"), "the silence")
    assert room.server.said("stay_silent")[0].offer == "unanswered"


def test_a_rating_while_the_broker_is_gone_arrives_later_and_once(room: Room) -> None:
    room.asks("offline")
    room.broker.stop()
    room.rates(5)
    room.tablet.until_shows("away")
    room.broker.start()
    assert [r.offer for r in room.ratings(1)] == ["offline"]
    room.server.counter()
    room.tablet.until_shows("waiting")
    room.asks("after")
    room.rates(4)
    assert [r.offer for r in room.ratings(2)] == ["offline", "after"]


def test_a_power_cut_between_press_and_send_loses_nothing_and_asks_nobody_twice(
    room: Room,
) -> None:
    room.asks("cut")
    room.tablet.touch("face-2")
    room.tablet.until_shows("reasons")
    room.tablet.touch("reason-late")
    room.tablet.kill()
    room.tablet.start()
    assert [(r.offer, r.score, r.reasons) for r in room.ratings(1)] == [("cut", 2, ("late",))]
    room.tablet.until_shows("waiting")


def test_it_ends_when_it_is_told_to(room: Room) -> None:
    assert room.tablet.stop() == 0
    until(lambda: room.server.presence[-1].state == "offline", "the farewell")
    room.tablet.start()


def test_no_word_is_cut_and_every_target_is_large_in_all_sizes_and_languages() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tablet_gallery"],
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
        cwd=Path(__file__).parent.parent,
    )
    assert json.loads(done.stdout) == []
