"""A dossier filed at a kiosk: taken once, named by the centre's way, due when it must be, kept no longer."""

from __future__ import annotations

import datetime as dt
import errno
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from queue_server.desk import commands as c
from queue_server.dossiers.codes import parse
from queue_server.dossiers.life import CodeRule, CodeWay
from queue_server.dossiers.life import DossierStatus as S
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.state import State, apply
from queue_server.store import dossiers, keeping, papers
from queue_server.store.heads import HeadKey
from queue_server.store.keeping import Terms
from queue_server.store.log import Log, rows
from queue_server.store.papers import ORPHAN_S, Papers
from queue_server.store.schema import connect
from queue_server.store.verify import verify
from queue_server.wire import messages as m
from queue_server.wire.filing import FiledPaper
from queue_server.wire.link import new_id
from queue_server.wire.words import DAY, DeviceKind, Role, local
from tests.desk_room import ok
from tests.filing_room import HERS, FilingRoom, paper, pdf
from tests.house import take

FRIDAY = int(dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC).timestamp() * 1000) - 7 * 3_600_000
"""A Friday, nine in the morning in Vietnam; Tuesday 24 November is a holiday."""


@pytest.fixture
def room(tmp_path: Path) -> FilingRoom:
    made = FilingRoom(tmp_path)
    made.now = FRIDAY
    return made


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["refusal"]["code"]


def move(room: FilingRoom, dossier: str, status: S, words: str = "") -> Any:
    return room.give(c.MoveDossier(dossier=dossier, status=status, words=words), "hoa")


# --- once, and whole ------------------------------------------------------------------------------


def test_a_dossier_sent_three_times_is_filed_once_and_answered_alike(room: FilingRoom) -> None:
    filing_id, body = room.package()
    answers = [room.post(filing_id, body).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["code"] == "H19.15-261120-0001"
    assert answers[0]["url"] == "https://mc.example/lookup?code=H19.15-261120-0001"
    assert (answers[0]["place"], answers[0]["papers"]) == (1, 1)
    assert len(room.filed()) == 1
    assert len(room.folders()) == 1
    room.later(40)  # the log has forgotten its answers by then
    room.desk.log.prune(room.now)
    assert room.post(filing_id, body).json() == answers[0]


def test_no_sum_of_a_sealed_paper_stands_plain_beside_it(room: FilingRoom) -> None:
    room.file()
    assert room.desk.log.conn.execute("SELECT sha FROM papers").fetchall() == [("",)]


def test_nothing_personal_is_in_the_log_or_plain_on_the_disk(room: FilingRoom) -> None:
    room.file()
    log = b"".join(row.body for row in rows(room.desk.log.conn))
    room.desk.log.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    disk = b"".join(p.read_bytes() for p in room.folder.root.rglob("*") if p.is_file())
    for secret in ("001185000123", "Nguyễn Thị Mai", "Trần An", "a page that was filed"):
        assert secret.encode() not in log
        assert secret.encode() not in disk


def test_a_crash_between_files_and_log_leaves_nothing_for_long(room: FilingRoom) -> None:
    filing_id, body = room.package()
    room.away = True
    assert refusal(room.post(filing_id, body)) == (503, "server_away")
    (left,) = room.folders()
    room.away = False
    assert room.post(filing_id, body).json()["code"] == "H19.15-261120-0001"
    assert len(room.folders()) == 2
    files, conn = Papers(room.folder.root), room.desk.log.conn
    now = (room.folder.root / "papers" / left).stat().st_mtime
    assert files.tidy(papers.living(conn), now + 1) == 0, "perhaps it is still being filed"
    assert files.tidy(papers.living(conn), now + ORPHAN_S + 60) == 1
    assert room.folders() == [room.filed()[0].sealed]


def test_a_full_disk_is_told_and_leaves_nothing_half(
    room: FilingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, filing_id_body = os.fsync, room.package()

    def full(handle: int) -> None:
        if os.readlink(f"/proc/self/fd/{handle}").endswith("01.sealed"):
            raise OSError(errno.ENOSPC, "no space")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    assert refusal(room.post(*filing_id_body)) == (507, "disk_full")
    assert room.folders() == []
    assert list((room.folder.root / "papers" / ".coming").iterdir()) == []
    monkeypatch.undo()
    assert room.post(*filing_id_body).status_code == 200


# --- what is not taken ----------------------------------------------------------------------------


def test_what_was_not_sealed_for_this_centre_and_filing_is_refused(room: FilingRoom) -> None:
    filing_id, body = room.package()
    torn = body[:-1]
    changed = body[:100] + bytes([body[100] ^ 1]) + body[101:]
    for given in (torn, changed, b"", b"PK\x03\x04"):
        assert refusal(room.post(filing_id, given)) == (400, "filing_unreadable")
    assert refusal(room.post("filing-another", body)) == (400, "filing_unreadable")
    assert refusal(room.post("x", body)) == (400, "filing_unreadable")
    assert room.filed() == []
    assert not (room.folder.root / "papers").exists() or room.folders() == []


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (b"PK\x03\x04 a zip", {}),
        (b"%PDF-1.7\ncut off", {}),
        (pdf(), {"sha256": "0" * 64}),
        (pdf(), {"pages": 0}),
        (pdf() + b"x" * 1_300_000 + pdf(), {}),
        (pdf(), {"kind": "program"}),
        (pdf(), {"held": "a.1"}),
    ],
)
def test_a_paper_that_is_not_what_it_says_is_refused(
    room: FilingRoom, file: bytes, told: dict[str, Any]
) -> None:
    answer = room.post(*room.package(room.filing(paper(file, **told)), file))
    assert refusal(answer) == (400, "bad_paper")
    assert "thứ 1" in answer.json()["refusal"]["vi"]
    assert room.filed() == []


def test_too_large_a_package_is_not_even_read(room: FilingRoom) -> None:
    headers = {"Content-Length": "50000000"}
    answer = room.call(
        "POST", "/api/filings/filing-1", content=b"x", headers=headers, auth=room.kiosk
    )
    assert refusal(answer) == (413, "filing_too_large")


def test_only_a_kiosk_with_its_password_files(room: FilingRoom) -> None:
    filing_id, body = room.package()
    assert room.call("POST", f"/api/filings/{filing_id}", content=body).status_code == 401
    assert refusal(room.post(filing_id, body, ("kiosk-1", "wrong"))) == (401, "device_unknown")
    tablet = room.enrol("tablet-9", DeviceKind.TABLET)
    assert refusal(room.post(filing_id, body, tablet)) == (403, "not_allowed")
    other = room.enrol("kiosk-2")
    room.web.devices.revoke("kiosk-2", 1)
    assert refusal(room.post(filing_id, body, other)) == (401, "device_unknown")
    for _ in range(8):
        last = room.post(filing_id, body, ("kiosk-1", "guessed"))
    assert refusal(last) == (429, "slow_down")


def test_a_form_that_nobody_has_checked_is_not_filed(tmp_path: Path) -> None:
    room = FilingRoom(tmp_path, sample=False)
    form = room.web.forms.offered({}).forms[0] if room.web.forms.offered({}).forms else None
    named = {"form": form.form.id, "form_version": form.form.version} if form else {}
    filing_id, body = room.package(room.filing(paper(pdf()), **named))
    assert refusal(room.post(filing_id, body)) == (409, "form_not_checked")
    assert room.folders() == []
    if form is not None and not form.form.presence:
        mark = o.MarkForm(form=form.form.id, version=form.form.version, sha=form.sha)
        ok(room.give(mark, role=Role.MANAGER))
        told = room.post(filing_id, body).json()
        assert "sample" not in told


def test_the_sample_centre_files_unchecked_forms_as_samples(room: FilingRoom) -> None:
    assert room.file()["sample"] is True


# --- codes and dates ------------------------------------------------------------------------------


def test_codes_count_by_the_day_and_never_twice(room: FilingRoom) -> None:
    codes = [room.file()["code"] for _ in range(2)]
    room.later(0.7)  # past midnight
    codes.append(room.file()["code"])
    assert codes == ["H19.15-261120-0001", "H19.15-261120-0002", "H19.15-261121-0001"]
    late = room.filing(paper(pdf()), submitted_at=FRIDAY)
    assert room.file(late)["code"] == "H19.15-261121-0002", "a day's serials are given on that day"


def test_a_band_of_the_province_is_kept_to(tmp_path: Path) -> None:
    rule = CodeRule(way=CodeWay.BAND, agency="H19.15", width=4, first=501, last=502)
    room = FilingRoom(tmp_path, rule)
    room.now = FRIDAY
    told = [room.file() for _ in range(3)]
    assert [parse(x["code"]).serial for x in told[:2]] == [501, 502]
    assert "code" not in told[2]
    assert told[2]["provisional"] == "TAM-261120-0001"
    assert told[2].get("due_at") is None


def test_the_provinces_code_takes_the_place_of_the_provisional_number(tmp_path: Path) -> None:
    room = FilingRoom(tmp_path, CodeRule(way=CodeWay.PROVINCE, agency="H19.15"))
    room.now = FRIDAY
    kept = room.file(room.filing(paper(pdf()), provisional="K1-0007"))
    assert (kept.get("code"), kept["provisional"], kept.get("due_at")) == (None, "K1-0007", None)
    code = "H19.15-261120-0975"
    room.later(1)
    ok(room.give(c.GiveDossierCode(dossier=kept["dossier"], code=code.lower()), "hoa"))
    line = dossiers.find(room.desk.log.conn, code)
    assert line is not None
    assert line.due_at is not None and line.due_at < room.now, "counted from the time of submitting"
    other = room.file()
    taken = room.give(c.GiveDossierCode(dossier=other["dossier"], code=code), "hoa")
    assert taken.refusal is not None and taken.refusal.code == "dossier_code_taken"


def test_a_restored_centre_gives_no_code_of_today_again(room: FilingRoom, tmp_path: Path) -> None:
    room.file()
    key = HeadKey.open(room.folder.head_key)
    at = room.desk.clock.now()
    archive, _ = keeping.back_up(room.folder.root, tmp_path / "copies", None, key, at, 3)
    given = [parse(room.file()["code"]).serial for _ in range(3)]
    keeping.restore(archive, tmp_path / "again", lambda last: at + 3_600_000, Terms())
    conn = connect(tmp_path / "again" / "centre.db", read_only=True)
    found = verify(conn, key.public, master=room.key.read_bytes(), files=Papers(tmp_path / "again"))
    assert (found.faults, found.dossiers) == ((), 1)
    state = State()
    for row in rows(conn):
        entry = row.entry()
        apply(state, entry.event, entry.at, entry.actor)
    assert state.dossiers_from > max(given)
    once, later = state.dossiers_from, at + 3_700_000
    log = Log(tmp_path / "again" / "centre.db")
    with log.transaction():
        keeping.jump(log, state, later, at + 3_600_000, Terms(), "again")
    log.close()
    assert state.dossiers_from > once, "a second restore of the day lies above the first"


def test_a_dossier_forgotten_while_a_backup_runs_is_left_out_of_it(
    room: FilingRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        room.file()
    there, copy = Papers(room.folder.root), keeping._copy

    def purged_meanwhile(source: str, target: str) -> str:
        if source.endswith(".sealed"):
            for other in room.filed():
                if other.sealed != Path(source).parent.name:
                    there.drop(other.sealed)
        return copy(source, target)

    monkeypatch.setattr(keeping, "_copy", purged_meanwhile)
    key = HeadKey.open(room.folder.head_key)
    archive, manifest = keeping.back_up(room.folder.root, tmp_path / "to", None, key, room.now, 3)
    assert archive.exists()
    assert sum(x.name.startswith("papers/") for x in manifest.members) == 1


def test_codes_given_at_the_counter_count_for_a_restore_too(room: FilingRoom) -> None:
    prepared = []
    for _ in range(3):
        prepared.append(room.file(room.filing(paper(pdf()), prepare=True))["dossier"])
        room.later(1 / 24)
    for dossier in prepared:
        ok(move(room, dossier, S.PROCESSING))
    log, state, now = room.desk.log, room.desk.state, room.now
    with log.transaction():
        keeping.jump(log, state, now + 60_000, now, Terms(margin=0), "restored")
    assert state.dossiers_from == 3 + 1 + 3, "given, filed at once at most, taken over at once"


@pytest.mark.parametrize(
    ("hour", "due"), [(9, "2026-11-20 17:00"), (16, "2026-11-23 17:00"), (20, "2026-11-23 17:00")]
)
def test_the_same_day_ends_at_three(room: FilingRoom, hour: int, due: str) -> None:
    """Civil status: the same working day, the next one if received after 15:00."""
    room.now = FRIDAY + (hour - 9) * 3_600_000
    told = room.file()
    assert f"{local(told['due_at'], 420):%Y-%m-%d %H:%M}" == due


def test_the_time_of_submitting_counts_put_right_and_never_in_the_future(room: FilingRoom) -> None:
    a_day_ahead = room.filing(paper(pdf()), submitted_at=FRIDAY + DAY, offset_ms=-DAY - 60_000)
    assert room.file(a_day_ahead)["received_at"] == FRIDAY - 60_000
    wrong = room.filing(paper(pdf()), submitted_at=FRIDAY + DAY)
    assert room.file(wrong)["received_at"] == FRIDAY


# --- what officers do -----------------------------------------------------------------------------


def test_a_supplement_is_asked_for_once_and_the_due_date_stands_still(room: FilingRoom) -> None:
    told = room.file(room.filing(paper(pdf()), procedure="1.004873"))  # three working days
    assert f"{local(told['due_at'], 420):%m-%d}" == "11-26", "24 November is a holiday"
    dossier = told["dossier"]
    assert move(room, dossier, S.SUPPLEMENT).refusal.code == "reason_missing"
    ok(move(room, dossier, S.SUPPLEMENT, "Thiếu giấy ly hôn của bà Mai"))
    room.later(5)  # to Wednesday: Monday and Wednesday were working days
    ok(move(room, dossier, S.PROCESSING))
    line = dossiers.get(room.desk.log.conn, dossier)
    assert line is not None and line.due_at is not None
    assert f"{local(line.due_at, 420):%m-%d}" == "11-30"
    assert move(room, dossier, S.SUPPLEMENT, "nữa").refusal.code == "supplement_asked"
    ok(move(room, dossier, S.READY))
    ok(move(room, dossier, S.RETURNED))
    assert move(room, dossier, S.PROCESSING).refusal.code == "unknown_dossier"
    said = b"".join(row.body for row in rows(room.desk.log.conn))
    assert "bà Mai".encode() not in said


def test_what_is_only_prepared_gets_its_code_at_the_counter(room: FilingRoom) -> None:
    told = room.file(room.filing(paper(pdf()), prepare=True))
    assert told["prepared"] is True
    assert not {"code", "due_at", "place"} & told.keys()
    ticket = ok(room.ask(take("ho_tich", prepared=True, dossier_code=told["dossier"])))["ticket"]
    sealed = room.desk.state.tickets[ticket].sealed
    assert room.web.shelf.prepared_for(sealed) == told["dossier"]
    leased = ok(room.ask(m.LeaseNumbers(id=new_id(), have={"ho_tich": 0}, day="2026-11-20")))
    given = m.HandOver(
        id=new_id(),
        number=leased["numbers"]["ho_tich"][0],
        service="ho_tich",
        day="2026-11-20",
        issued_at=room.now,
        token="0" * 32,
        prepared=True,
        dossier_code=told["dossier"],
    )
    later = ok(room.ask(given))["ticket"]
    assert room.web.shelf.prepared_for(room.desk.state.tickets[later].sealed) == told["dossier"]
    room.later(1 / 24)
    ok(move(room, told["dossier"], S.PROCESSING))
    line = dossiers.get(room.desk.log.conn, told["dossier"])
    assert line is not None
    assert (line.code, line.received_at) == ("H19.15-261120-0001", room.now)
    forgotten = room.file(room.filing(paper(pdf()), prepare=True))["dossier"]
    room.later(31)
    room.give(o.PassTime(), role=None)
    assert forgotten not in room.desk.state.dossiers


def test_the_table_and_the_state_are_what_the_log_says(room: FilingRoom) -> None:
    dossier = room.file()["dossier"]
    ok(move(room, dossier, S.PROCESSING))
    conn = room.desk.log.conn
    assert verify(conn, None, files=Papers(room.folder.root)).faults == ()
    Papers(room.folder.root).drop(room.filed()[0].sealed)
    conn.execute("UPDATE dossiers SET status = 'returned'")
    told = [x.what for x in verify(conn, None, files=Papers(room.folder.root)).faults]
    assert len(told) == 2 and any("differs" in x for x in told)
    conn.execute("DELETE FROM papers")
    told = [x.what for x in verify(conn, None).faults]
    assert f"papers: of {dossier} 0 are noted, the log says 1" in told


def test_what_a_restore_brings_about_stands_in_the_tables(room: FilingRoom, tmp_path: Path) -> None:
    """Brought back a month later, a new day begins, and what nobody fetched is let go."""
    forgotten = room.file(room.filing(paper(pdf()), prepare=True))["dossier"]
    key, at = HeadKey.open(room.folder.head_key), room.now
    archive, _ = keeping.back_up(room.folder.root, tmp_path / "copies", None, key, at, 3)
    keeping.restore(archive, tmp_path / "again", lambda last: at + 31 * DAY, Terms())
    conn = connect(tmp_path / "again" / "centre.db", read_only=True)
    line = dossiers.get(conn, forgotten)
    assert line is not None and line.status is S.WITHDRAWN
    assert verify(conn, key.public).faults == ()


# --- papers that are held -------------------------------------------------------------------------


def test_a_paper_is_used_again_only_with_consent_by_the_same_person(room: FilingRoom) -> None:
    room.file()
    (held,) = room.held()
    assert set(held) == {"ref", "component", "name", "at"}, "name of the paper, date, reference"
    assert room.held(consents=()) == []
    assert room.held(owner_name="Trần Văn Bảo") == []
    assert room.held(owner_number="001185000124") == []

    def again(**more: Any) -> Any:
        used = FiledPaper(name="Giấy chứng sinh", kind="held", component=1, held=held["ref"])
        filing = room.filing(used, **{"consents": ("reuse",), **more})
        return room.post(*room.package(filing, b""))

    assert refusal(again(consents=("keep",))) == (409, "paper_not_held")
    assert refusal(again(owner_number="001185000124")) == (409, "paper_not_held")
    told = again(owner_name="nguyen thi  MAI").json()
    assert (told["papers"], told["reused"]) == (1, 1)
    assert room.web.shelf.paper(told["dossier"], 1) == pdf()
    assert (room.desk.state.papers_filed, room.desk.state.papers_reused) == (2, 1)


def test_without_the_consent_to_keep_nothing_is_offered_again(room: FilingRoom) -> None:
    room.file(room.filing(paper(pdf()), consents=()))
    assert room.held() == []


def test_what_is_forgotten_is_gone_for_good(room: FilingRoom) -> None:
    dossier = room.file()["dossier"]
    room.later(11)
    conn = room.desk.log.conn
    assert room.desk.vault.purge(room.now) == 1
    assert papers.forget(conn) == 1
    assert room.held() == []
    assert room.web.shelf.read(dossier, "vi") is None
    with pytest.raises(FileNotFoundError):
        room.web.shelf.paper(dossier, 1)
    aged = (room.folder.root / "papers" / room.folders()[0]).stat().st_mtime + ORPHAN_S + 1
    assert Papers(room.folder.root).tidy(papers.living(conn), aged) == 1
    assert verify(conn, None, files=Papers(room.folder.root)).faults == ()


def test_what_the_key_does_not_open_is_told_as_gone(room: FilingRoom) -> None:
    path = f"/api/dossiers/{room.file()['dossier']}"
    who, reason = room.bearer(Role.MANAGER), {"reason": "Kiểm tra hồ sơ"}
    assert room.call("POST", f"{path}/open", json=reason, headers=who).status_code == 200
    assert room.call("GET", f"{path}/papers/1", headers=who).status_code == 200
    room.web.__dict__["master"] = bytes(32)  # kept by `cached_property`
    assert room.call("POST", f"{path}/open", json=reason, headers=who).status_code == 410
    assert room.call("GET", f"{path}/papers/1", headers=who).status_code == 410
    assert room.call("GET", f"{path}/receipt.pdf", headers=who).status_code == 410


def test_words_said_of_a_forgotten_dossier_bring_no_key_back(room: FilingRoom) -> None:
    dossier = room.file()["dossier"]
    room.later(11)
    room.desk.vault.purge(room.now)
    ok(move(room, dossier, S.SUPPLEMENT, "Thiếu giấy"))
    keys = room.desk.log.conn.execute("SELECT count(*) FROM vault_keys").fetchone()[0]
    assert keys == 0
    assert verify(room.desk.log.conn, None).faults == ()


# --- looking up -----------------------------------------------------------------------------------


def test_a_look_up_says_no_more_than_it_may(room: FilingRoom) -> None:
    code = room.file()["code"]
    found = room.call("GET", "/api/lookup", params={"code": code.lower()}).json()
    unknown = room.call("GET", "/api/lookup", params={"code": "H19.15-261120-9999"}).json()
    assert found == {"code": code, "state": "received", "completion": 25}
    assert unknown.keys() == found.keys()
    assert unknown["state"] == "unknown"
    shown = room.call("GET", "/lookup", params={"code": code})
    assert "Mới tiếp nhận" in shown.text
    assert HERS["owner_name"] not in shown.text and "khai sinh" not in shown.text
    hostile = room.call("GET", "/lookup", params={"code": "<script>alert(1)</script>"})
    assert "<script>alert" not in hostile.text
    for _ in range(40):
        last = room.call("GET", "/api/lookup", params={"code": code})
    assert last.status_code == 429


def test_events_hold_no_more_than_their_fields(room: FilingRoom) -> None:
    room.file()
    (event,) = room.filed()
    assert event.papers == (e.Paper(code=event.papers[0].code, kind="scan"),)
    assert replace(event, sealed="", papers=()).source == "kiosk-1"
