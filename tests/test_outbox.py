"""What a visitor was told is done reaches the centre, once: through a centre away, a power cut, a full disk."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kiosk.filing.packing import CannotPack, write_draft
from kiosk.outbox import NoRoom, Outbox, Verdict
from queue_server.wire.filing import Filed, Filing, Package, encode_package
from queue_server.wire.sealed import seal

from .child_room import PUBLIC, PretendCentre, credentials


@pytest.fixture
def centre() -> Iterator[PretendCentre]:
    made = PretendCentre()
    made.start()
    yield made
    made.stop()


class Told:
    """Who listens to the outbox."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[str, Verdict]] = []

    def __call__(self, filing: str, verdict: Verdict) -> None:
        self.verdicts.append((filing, verdict))


def box(folder: Path, port: int, told: Told | None = None) -> Outbox:
    """An outbox whose rounds the test begins."""
    made = Outbox(folder / "outbox", credentials(port), told or Told(), least_free=0)
    made.folder.mkdir(exist_ok=True)
    return made


def hand_in(outbox: Outbox, filing: str = "filing-0001") -> str:
    """A package as the child makes it; its number."""
    number = outbox.number()
    package = Package(filing=Filing(id=filing, procedure="1", service="c", submitted_at=1))
    draft = write_draft(outbox.folder, filing, seal(encode_package(package), PUBLIC, filing))
    outbox.adopt(draft, filing, number)
    return number


def test_a_package_goes_once_and_is_gone(tmp_path: Path, centre: PretendCentre) -> None:
    told = Told()
    outbox = box(tmp_path, centre.port, told)
    hand_in(outbox)
    assert outbox.send() and outbox.send()
    assert centre.posts == ["/api/filings/filing-0001"]
    assert centre.logins == ["Basic a2lvc2stMTpzZWNyZXQ="]
    assert isinstance(told.verdicts[0][1].filed, Filed) and outbox.waiting() == []


def test_while_the_centre_is_away_all_waits_in_order(tmp_path: Path, centre: PretendCentre) -> None:
    outbox = box(tmp_path, 1)
    for place in range(3):
        hand_in(outbox, f"filing-000{place}")
    assert not outbox.send()
    assert [w.id for w in outbox.waiting()] == [f"filing-000{n}" for n in range(3)]
    assert box(tmp_path, centre.port).send()
    assert [p.filing.id for p in centre.packages] == [f"filing-000{n}" for n in range(3)]


def test_an_answer_that_is_no_http_is_no_answer(tmp_path: Path) -> None:
    """As of a captive portal, or a line that is cut within it: the thread that sends must outlive it."""
    said = (b"never heard of it\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for words in said:
                line, _ = server.accept()
                with line:
                    line.recv(65536)
                    line.sendall(words)

        thread = threading.Thread(target=answer)
        thread.start()
        outbox = box(tmp_path, server.getsockname()[1])
        hand_in(outbox)
        assert [outbox.send() for _ in said] == [False, False]
        thread.join(10)
    assert len(outbox.waiting()) == 1


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503, 507])
def test_what_may_change_is_asked_again(tmp_path: Path, centre: PretendCentre, status: int) -> None:
    told = Told()
    outbox = box(tmp_path, centre.port, told)
    hand_in(outbox)
    centre.status = status
    assert not outbox.send() and told.verdicts == []
    centre.status = 200
    assert outbox.send() and len(centre.packages) == 1


def test_a_refusal_is_told_in_its_words_and_kept_aside(
    tmp_path: Path, centre: PretendCentre
) -> None:
    told = Told()
    outbox = box(tmp_path, centre.port, told)
    hand_in(outbox)
    refusal = {"code": "form_not_checked", "vi": "Chưa đối chiếu.", "en": "Not checked."}
    centre.status, centre.body = 409, msgspec.json.encode({"refusal": refusal})
    assert outbox.send()
    assert told.verdicts[0][1].refusal is not None
    assert told.verdicts[0][1].refusal.vi == "Chưa đối chiếu."
    assert outbox.waiting() == [] and len(list((outbox.folder / "refused").iterdir())) == 1
    assert outbox.number().endswith("000002")


def test_one_that_the_centre_stumbles_over_holds_up_no_other(
    tmp_path: Path, centre: PretendCentre
) -> None:
    outbox = box(tmp_path, centre.port)
    hand_in(outbox, "filing-bad1")
    first = outbox.waiting()[0]
    first.path.write_bytes(b"torn")  # the pretend centre fails on it, as a real one must not
    hand_in(outbox, "filing-good")
    outbox.send()
    outbox.send()
    assert {p.filing.id for p in centre.packages} <= {"filing-good"}


def test_a_power_cut_before_the_answer_was_noted_sends_it_again_and_loses_nothing(
    tmp_path: Path, centre: PretendCentre
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    outbox = box(tmp_path, centre.port)
    hand_in(outbox)
    outbox.on_verdict = dies
    with pytest.raises(KeyboardInterrupt):
        outbox.send()
    again = box(tmp_path, centre.port)
    assert again.send() and again.waiting() == []
    assert centre.posts == ["/api/filings/filing-0001"] * 2


def test_a_draft_that_nobody_was_told_of_is_thrown_away_at_the_start(tmp_path: Path) -> None:
    outbox = box(tmp_path, 1)
    write_draft(outbox.folder, "visit-0001", b"sealed")
    outbox.start()
    outbox.stop()
    assert not list(outbox.folder.glob("*.draft"))
    assert (outbox.folder.stat().st_mode & 0o777) == 0o700


def test_a_number_is_never_given_twice_even_if_the_counter_is_torn(tmp_path: Path) -> None:
    outbox = box(tmp_path, 1)
    assert hand_in(outbox, "filing-0001") == "T-KIOSK-1-000001"
    (outbox.folder / "counter").write_bytes(b"\x00\x00")
    assert box(tmp_path, 1).number() == "T-KIOSK-1-000002"


def test_with_a_disk_nearly_full_no_number_is_given(tmp_path: Path) -> None:
    outbox = box(tmp_path, 1)
    outbox._least_free = 1 << 60
    with pytest.raises(NoRoom):
        outbox.number()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_said_before_anybody_is_told_that_it_is_done(tmp_path: Path) -> None:
    (tmp_path / "visit-0001.draft").symlink_to("/dev/full")
    with pytest.raises(CannotPack) as refused:
        write_draft(tmp_path, "visit-0001", b"sealed")
    assert refused.value.why == "disk" and not list(tmp_path.iterdir())
