"""Forms at a real centre: its own beside the shipped ones, marked as checked, fetched by kiosks, looked at."""

from __future__ import annotations

import datetime as dt
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.forms import FILE, Forms
from queue_server import settings
from queue_server.doctor import forms as doctor
from queue_server.doctor.finding import Level, Look
from queue_server.doctor_command import line
from queue_server.dossiers.forms.offered import FormsOffered
from queue_server.folder import Folder
from queue_server.store.forms import CentreForms
from queue_server.wire.link import Credentials
from queue_server.wire.words import DeviceKind
from tests.centre import Centre, Refused, centre, until

__all__ = ["centre"]

TEXT = (Path(__file__).parent / "data" / "form.toml").read_text("utf-8")
MARK = "/api/forms/to-khai-thu/2026-01"
DAY = dt.date(2026, 11, 27)


@pytest.fixture
def own(centre: Centre) -> Iterator[Path]:
    """A form that this centre put into its data folder."""
    path = centre.data / "forms" / "own.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT, "utf-8")
    yield path
    path.unlink()


def told(centre: Centre) -> dict[str, Any]:
    forms = centre.call("GET", "/api/forms")["forms"]
    return next((x for x in forms if x["form"]["id"] == "to-khai-thu"), {})


def is_checked(centre: Centre) -> bool:
    return bool(told(centre).get("checked", False))


def test_a_form_is_marked_by_who_may_and_a_changed_one_is_not_marked_any_more(
    centre: Centre, own: Path
) -> None:
    assert told(centre)["own"] and not is_checked(centre)
    with pytest.raises(Refused) as refused:
        centre.call("POST", f"{MARK}/check", token=centre.as_("canbo09"))
    assert refused.value.status == 403
    manager = centre.as_("quanly01")
    with pytest.raises(Refused) as refused:
        centre.call("POST", "/api/forms/to-khai-thu/1999/check", token=manager)
    assert refused.value.status == 404
    centre.call("POST", f"{MARK}/check", token=manager)
    until(lambda: is_checked(centre), "the mark")
    own.write_text(TEXT.replace("Tờ khai thử", "Tờ khai khác"), "utf-8")
    assert not is_checked(centre)
    own.write_text(TEXT, "utf-8")
    assert is_checked(centre)
    centre.call("POST", f"{MARK}/uncheck", token=manager)
    until(lambda: not is_checked(centre), "the mark taken away")


def test_a_known_version_is_not_sent_again(centre: Centre) -> None:
    with urllib.request.urlopen(f"{centre.web}/api/forms", timeout=20) as answer:
        tag = answer.headers["ETag"]
    again = urllib.request.Request(f"{centre.web}/api/forms", headers={"If-None-Match": tag})
    with pytest.raises(urllib.error.HTTPError) as unchanged:
        urllib.request.urlopen(again, timeout=20)
    assert unchanged.value.code == 304


def test_a_kiosk_keeps_the_forms_for_when_it_is_cut_off(
    centre: Centre, own: Path, tmp_path: Path
) -> None:
    here: list[FormsOffered] = []
    version = centre.call("GET", "/api/centre")["forms_version"]
    forms = Forms(credentials(centre.web), tmp_path, here.append)
    forms.start()
    forms.want(version)
    until(lambda: here, "the forms")
    forms.stop()
    assert forms.offered.sample, "the sample centre files unchecked forms under MẪU"
    cut_off = Forms(credentials("http://127.0.0.1:9"), tmp_path)
    cut_off.start()
    cut_off.stop()
    found = cut_off.in_force("1.009999", DAY)
    assert [x.form.title.vi for x in found] == ["Tờ khai thử"]
    assert cut_off.offered.may_file("to-khai-thu", "2026-01")


def test_a_kept_file_that_is_torn_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"wanted": "1", "offered": {"ver')
    forms = Forms(credentials("http://127.0.0.1:9"), tmp_path)
    forms.start()
    forms.stop()
    assert forms.offered.forms == ()


def credentials(web: str) -> Credentials:
    return Credentials(
        device="kiosk-1",
        kind=DeviceKind.KIOSK,
        centre="x",
        host="127.0.0.1",
        port=1,
        username="",
        password="",
        client_id="",
        web=web,
    )


def test_a_centre_without_sample_files_only_what_it_has_checked(tmp_path: Path) -> None:
    place(tmp_path, "own.toml", TEXT)
    here = CentreForms(tmp_path, sample=False)
    assert not here.offered({}).may_file("to-khai-thu", "2026-01")
    sha = next(x.sha for x in here.offered({}).forms if x.own)
    assert here.offered({"to-khai-thu/2026-01": sha}).may_file("to-khai-thu", "2026-01")


def test_a_form_that_asks_for_presence_is_never_filed(tmp_path: Path) -> None:
    place(tmp_path, "own.toml", f"presence = true\n{TEXT}")
    assert not CentreForms(tmp_path, sample=True).offered({}).may_file("to-khai-thu", "2026-01")


def test_a_faulty_form_is_left_out_and_the_others_stay(tmp_path: Path) -> None:
    place(tmp_path, "a.toml", "id = ")
    place(tmp_path, "b.toml", TEXT.replace("requester.paper/number", "requester.papers"))
    (tmp_path / "forms" / "c.toml").write_bytes(b"\xff\xfe")
    place(tmp_path, "d.toml", TEXT)
    assert sum(x.own for x in CentreForms(tmp_path, sample=False).offered({}).forms) == 1


# --- the doctor ---


def place(root: Path, name: str, text: str) -> None:
    (root / "forms").mkdir(exist_ok=True)
    (root / "forms" / name).write_text(text, "utf-8")


def look(root: Path) -> Look:
    now = int(dt.datetime(2026, 11, 27, 3, tzinfo=dt.UTC).timestamp() * 1000)
    return Look(Folder(root), settings.example(), settings.CentreFile(), now)


def test_the_doctor_names_the_fault_with_file_and_line(tmp_path: Path) -> None:
    place(tmp_path, "own.toml", TEXT.replace("requester.paper/number", "requester.papers"))
    found = doctor.forms(look(tmp_path))
    assert found.level is Level.BAD
    said = line(found)
    at = TEXT.splitlines().index('id = "home"') + 1
    assert f"forms/own.toml:{at} requester.home.when: không có mục “requester.papers”" in said
    assert "there is no field “requester.papers”" in said


def test_the_doctor_tells_what_cannot_be_read_and_what_is_there_twice(tmp_path: Path) -> None:
    place(tmp_path, "a.toml", TEXT)
    place(tmp_path, "b.toml", TEXT)
    place(tmp_path, "c.toml", 'id = "x')
    said = line(doctor.forms(look(tmp_path)))
    assert "forms/b.toml" in said and "forms/a.toml" in said and "forms/c.toml:1" in said


@pytest.mark.parametrize(
    ("until_day", "code"),
    [
        ("2026-11-26", "forms_expired"),
        ("2026-11-27", "forms_ending"),
        ("2027-01-26", "forms_ending"),
    ],
)
def test_the_doctor_tells_which_forms_end(tmp_path: Path, until_day: str, code: str) -> None:
    dated = TEXT.replace("valid_from = 2026-01-01", f"valid_to = {until_day}")
    place(tmp_path, "own.toml", dated)
    found = doctor.forms(look(tmp_path))
    assert found.code == code and "to-khai-thu" in str(found.values["names"])


def test_a_newer_version_takes_over_from_one_that_ends(tmp_path: Path) -> None:
    place(tmp_path, "a.toml", TEXT.replace("valid_from = 2026-01-01", "valid_to = 2026-12-01"))
    newer = TEXT.replace("2026-01-01", "2026-12-02").replace('"2026-01"', '"2026-12"')
    place(tmp_path, "b.toml", newer)
    found = doctor.forms(look(tmp_path))
    assert "to-khai-thu" not in str(found.values.get("names", ""))
