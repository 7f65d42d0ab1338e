"""The HTTP API against a real centre: who may do what, log-in, and answers that are given once."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from queue_server.doors.web.sessions import FREE_TRIES, Sessions, Throttle, TooManyTries
from queue_server.wire.words import Role
from tests.centre import PASSWORD, Centre, Refused, centre, until

__all__ = ["centre"]

PEOPLE = {
    "officer": "canbo09",
    "guide": "huongdan01",
    "manager": "quanly01",
    "technician": "kythuat01",
    "auditor": "kiemtra01",
    "administrator": "quantri01",
}
OPEN_TO_ALL = {
    ("post", "/api/session"),
    ("get", "/api/line"),
    ("get", "/api/centre"),
    ("get", "/api/catalogue"),
    ("get", "/api/catalogue/full"),
    ("get", "/api/catalogue/{code}"),
    ("get", "/api/forms"),
    ("get", "/api/feedback/figures"),
    ("get", "/api/feedback/follow/{key}"),
    ("get", "/api/guides/{code}"),
    ("get", "/api/lookup"),
    ("post", "/api/enrol"),
}


def routes(centre: Centre) -> list[tuple[str, str, dict[str, Any]]]:
    paths = centre.call("GET", "/openapi.json")["paths"]
    return [
        (method, path, described)
        for path, methods in paths.items()
        if path.startswith("/api/")
        for method, described in methods.items()
    ]


def status(centre: Centre, method: str, path: str, body: Any = None, token: str = "") -> int:
    try:
        centre.call(method.upper(), path, body, token)
    except Refused as refused:
        return refused.status
    return 200


def test_every_route_is_shut_to_who_is_not_logged_in_but_those_meant_for_all(
    centre: Centre,
) -> None:
    found = routes(centre)
    assert len(found) > 35
    for method, path, _ in found:
        if (method, path) not in OPEN_TO_ALL:
            body = None if method == "get" else {"nonsense": 1}
            assert status(centre, method, path, body) == 401, path


@pytest.mark.parametrize("role", PEOPLE)
def test_every_order_is_open_to_its_roles_and_shut_to_the_others(centre: Centre, role: str) -> None:
    """Asked with a body that no order has, so that nothing happens: 422 is an open door."""
    token = centre.as_(PEOPLE[role])
    orders = [(path, d["x-roles"]) for _, path, d in routes(centre) if "x-roles" in d]
    assert len(orders) > 25
    for path, roles in orders:
        expected = 422 if role in roles else 403
        assert status(centre, "post", path, {"nonsense": 1}, token) == expected, path


def test_a_role_reads_only_what_is_its_own(centre: Centre) -> None:
    assert status(centre, "get", "/api/tickets", token=centre.as_("canbo09")) == 200
    assert status(centre, "get", "/api/tickets", token=centre.as_("kythuat01")) == 403
    assert status(centre, "get", "/api/devices", token=centre.as_("kythuat01")) == 200
    assert status(centre, "get", "/api/devices", token=centre.as_("canbo09")) == 403


def test_until_the_first_password_is_changed_nothing_else_opens(centre: Centre) -> None:
    first = json.loads((centre.data / "first-login.json").read_text())["canbo11"]["password"]
    token = centre.call("POST", "/api/session", {"account": "canbo11", "password": first})["token"]
    assert status(centre, "get", "/api/tickets", token=token) == 403
    assert status(centre, "post", "/api/me/password", {"old": first, "new": "short"}, token) == 422
    centre.ready("canbo11")
    told = json.loads((centre.data / "first-login.json").read_text())
    assert "canbo11" not in told
    assert status(centre, "get", "/api/tickets", token=token) == 401, "other sessions end"


def test_an_ended_session_opens_nothing(centre: Centre) -> None:
    centre.ready("canbo12")
    body = {"account": "canbo12", "password": PASSWORD}
    token = centre.call("POST", "/api/session", body)["token"]
    assert status(centre, "get", "/api/me", token=token) == 200
    centre.call("DELETE", "/api/session", token=token)
    assert status(centre, "get", "/api/me", token=token) == 401


def test_the_same_key_gives_the_same_answer_and_only_to_the_same_person(centre: Centre) -> None:
    def take(account: str) -> Any:
        request = urllib.request.Request(
            f"{centre.web}/api/orders/take-ticket",
            json.dumps({"service": "bao_tro"}).encode(),
            {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {centre.as_(account)}",
                "Idempotency-Key": "one-and-the-same",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    first = take("huongdan01")
    assert take("huongdan01") == first
    assert take("canbo09")["number"] != first["number"]


def test_another_sites_page_changes_nothing_here(centre: Centre) -> None:
    request = urllib.request.Request(
        f"{centre.web}/api/session",
        b"{}",
        {"Content-Type": "application/json", "Origin": "https://elsewhere.example"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 403


def test_a_refusal_says_why_in_both_languages(centre: Centre) -> None:
    with pytest.raises(Refused) as refused:
        centre.order("huongdan01", "take-ticket", service="nothing")
    told = json.loads(refused.value.body)["refusal"]
    assert refused.value.status == 409
    assert told["code"] == "unknown_service"
    assert "Không có dịch vụ" in told["vi"]
    assert "no service" in told["en"]


def test_an_import_is_told_to_the_running_centre_at_once(centre: Centre, tmp_path: Path) -> None:
    before = centre.call("GET", "/api/centre")["catalogue_version"]
    sample = Path(__file__).parent.parent / "deploy" / "procedures.sample.toml"
    own = tmp_path / "own.toml"
    own.write_text(sample.read_text("utf-8").replace("Đăng ký khai tử", "Đăng ký khai tử (thử)"))
    run = subprocess.run(
        [sys.executable, "-m", "queue_server.command", "catalogue", "import", str(own)]
        + ["--data", str(centre.data)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert "not told" not in run.stderr
    after = until(
        lambda: (v := centre.call("GET", "/api/centre")["catalogue_version"]) != before and v,
        "the new version",
    )
    noted = subprocess.run(
        [sys.executable, "-c", READ_NOTES, str(centre.data / "centre.db")],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert after in noted.stdout


def test_kiosks_get_whole_records_packed_and_only_when_they_changed(centre: Centre) -> None:
    url = f"{centre.web}/api/catalogue/full"
    with urllib.request.urlopen(url, timeout=20) as plain:
        records = json.loads(plain.read())["procedures"]
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(asked, timeout=20) as packed:
        assert json.loads(gzip.decompress(packed.read()))["procedures"] == records
        tag = packed.headers["ETag"]
    assert records["1.001193"]["service"] == "ho_tich"
    assert "3.000347" not in records, "no service here takes it"
    with pytest.raises(urllib.error.HTTPError, match="304"):
        urllib.request.urlopen(urllib.request.Request(url, headers={"If-None-Match": tag}))


READ_NOTES = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
    "print(c.execute(\"select body from events where kind='Noted'\").fetchall())"
)


def test_log_in_is_throttled_by_name_and_by_address() -> None:
    throttle = Throttle()
    keys = ("name:x", "from:y")
    for _ in range(FREE_TRIES):
        throttle.check(keys, 100.0)
        throttle.failed(keys, 100.0)
    with pytest.raises(TooManyTries) as slow:
        throttle.check(("name:other", "from:y"), 100.5)
    assert slow.value.seconds > 1
    throttle.check(keys, 103.0)
    throttle.failed(keys, 103.0)
    with pytest.raises(TooManyTries) as slower:
        throttle.check(keys, 103.0)
    assert slower.value.seconds > slow.value.seconds


def test_a_session_ends_by_its_time_by_log_out_and_with_its_account(tmp_path: Path) -> None:
    sessions, now = Sessions(tmp_path / "web.db", minutes=10), time.time()
    one = sessions.start("hoa", "Hoa", Role.OFFICER, False, now)
    other = sessions.start("hoa", "Hoa", Role.OFFICER, False, now)
    assert sessions.find(one, now + 599) is not None
    assert sessions.find(one, now + 601) is None
    found = sessions.find(other, now)
    assert found is not None
    sessions.end(found.key)
    assert sessions.find(other, now) is None
    sessions.end_account("hoa")
    assert sessions.find(one, now) is None
    assert (tmp_path / "web.db").stat().st_mode & 0o777 == 0o600
    assert one.encode() not in (tmp_path / "web.db").read_bytes()
