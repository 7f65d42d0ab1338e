"""The centre's authority, and the whole way of a device through enrolment."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import ssl
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from queue_server.doors.authority import RENEW_BEFORE, Authority
from queue_server.store.devices import CodeRefused, Devices
from queue_server.wire import enrol as e
from queue_server.wire.words import DeviceKind

NOW = dt.datetime.now(dt.UTC)
RANDOM = bytes(range(8))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "own", "demo", NOW)


# --- codes ---


def test_a_code_gives_back_secret_and_fingerprint_part(authority: Authority) -> None:
    code = e.make_code(RANDOM, authority.fingerprint)
    secret, part = e.split_code(code)
    assert [len(group) for group in code.split("-")] == [4] * 7
    assert len(secret) == 12 and part == e.fingerprint_part(authority.fingerprint)


def test_a_code_may_be_typed_as_people_type(authority: Authority) -> None:
    code = e.make_code(RANDOM, authority.fingerprint)
    sloppy = f" {code.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')}\n"
    assert e.split_code(sloppy) == e.split_code(code)


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: "", lambda c: c[:-1] + "?"])
def test_an_incomplete_code_is_refused(authority: Authority, change) -> None:
    with pytest.raises(e.WrongCode):
        e.split_code(change(e.make_code(RANDOM, authority.fingerprint)))


def test_nearly_every_typing_error_is_found_before_anything_is_sent(authority: Authority) -> None:
    letters = e.make_code(RANDOM, authority.fingerprint).replace("-", "")
    missed = 0
    for place in range(len(letters)):
        for other in e.ALPHABET:
            try:
                e.split_code(letters[:place] + other + letters[place + 1 :])
                missed += other != letters[place]
            except e.WrongCode:
                pass
    assert missed < 0.06 * len(letters) * len(e.ALPHABET)


# --- the authority ---


def test_keys_are_readable_by_their_owner_only(authority: Authority) -> None:
    authority.server_certificate(["10.0.0.5"], NOW)
    for name in ("ca-key.pem", "server-key.pem"):
        assert stat.S_IMODE((authority.folder / name).stat().st_mode) == 0o600


def test_the_authority_stays_the_same_over_restarts(authority: Authority) -> None:
    again = Authority.open(authority.folder, "demo", NOW + dt.timedelta(days=400))
    assert again.fingerprint == authority.fingerprint


def test_a_foreign_key_is_not_taken_for_the_authoritys(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority.open(tmp_path / "other", "demo", NOW)
    (authority.folder / "ca-key.pem").write_bytes((other.folder / "ca-key.pem").read_bytes())
    with pytest.raises(ValueError, match="belong together"):
        Authority.open(authority.folder, "demo", NOW)


def test_the_server_certificate_is_renewed_before_its_end_and_for_a_new_host(
    authority: Authority,
) -> None:
    first = authority.server_certificate(["kiosk.example"], NOW)
    assert first.renewed
    assert not authority.server_certificate(["kiosk.example"], NOW).renewed
    assert authority.server_certificate(["kiosk.example", "10.0.0.5"], NOW).renewed
    late = first.expires - RENEW_BEFORE
    assert authority.server_certificate(["kiosk.example"], late).renewed


def test_a_torn_server_certificate_is_made_anew(authority: Authority) -> None:
    authority.server_certificate([], NOW).certificate.write_text("torn")
    assert authority.server_certificate([], NOW).renewed


def test_the_certificate_names_addresses_as_addresses(authority: Authority) -> None:
    pem = authority.server_certificate(["10.0.0.5"], NOW).certificate.read_bytes()
    names = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert "10.0.0.5" in [str(a) for a in names.value.get_values_for_type(x509.IPAddress)]


# --- the exchange ---


class Door(http.server.BaseHTTPRequestHandler):
    """What the web door does for enrolment, with real devices behind it."""

    devices: Devices
    ca: str
    bodies: list[bytes]

    def do_GET(self) -> None:
        self._say(200, self.ca.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(body)
        try:
            enrolled = self.devices.redeem(json.loads(body)["code"], 1_000)
        except CodeRefused:
            self._say(403, b"{}")
            return
        credentials = enrolled.credentials(centre="demo", host="h", port=1, ca="x")
        self._say(200, msgspec.json.encode(credentials))

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class Server:
    """An HTTP server on a free port, with TLS when it is given a certificate."""

    def __init__(self, tmp_path: Path, authority: Authority, shown: str, signer: Authority | None):
        path = tmp_path / "devices.db"
        self.bodies: list[bytes] = []

        class Here(Door):
            ca, bodies = shown, self.bodies

            def setup(inner) -> None:
                inner.devices = Devices(path, authority.fingerprint)
                super().setup()

        self.devices = Devices(path, authority.fingerprint)
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Here)
        scheme = "http"
        if signer is not None:
            made = signer.server_certificate([], NOW)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(made.certificate, made.key)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def code(self) -> str:
        return self.devices.add(DeviceKind.TABLET, "tablet-3", 3, 0)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def serve(tmp_path: Path, authority: Authority) -> Iterator:
    servers: list[Server] = []

    def make(shown: str = "", signer: Authority | None = authority) -> Server:
        servers.append(Server(tmp_path, authority, shown or authority.pem, signer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def test_a_code_is_exchanged_for_credentials_once(serve) -> None:
    server = serve()
    code = server.code()
    credentials = e.enrol(server.url, code.lower())
    assert (credentials.device, credentials.counter) == ("tablet-3", 3)
    assert len(credentials.client_id) == 32 and len(credentials.password) >= 43
    with pytest.raises(e.WrongCode):
        e.enrol(server.url, code)


def test_another_authority_is_found_out_before_the_secret_is_sent(
    serve, authority: Authority, tmp_path: Path
) -> None:
    impostor = Authority.open(tmp_path / "impostor", "demo", NOW)
    shows_own = serve(impostor.pem, impostor)
    code = shows_own.code()
    with pytest.raises(e.WrongAuthority):
        e.enrol(shows_own.url, code)
    for shown in (
        authority.pem,
        authority.pem + impostor.pem,
        impostor.pem + authority.pem,
        authority.pem.replace("-----END", "\n" + impostor.pem + "-----END"),
        "no certificate",
    ):
        shows_ours = serve(shown, impostor)
        with pytest.raises(e.WrongAuthority):
            e.enrol(shows_ours.url, code)
        assert shows_ours.bodies == []
    assert shows_own.bodies == []


def test_a_certificate_of_another_date_points_at_the_clock(serve, authority: Authority) -> None:
    authority.server_certificate([], NOW - dt.timedelta(days=500))
    stale = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    stale.load_cert_chain(authority.folder / "server.pem", authority.folder / "server-key.pem")
    server = serve(signer=None)
    server._http.socket = stale.wrap_socket(server._http.socket, server_side=True)
    with pytest.raises(e.WrongClock):
        e.enrol(server.url.replace("http", "https"), server.code())


def test_plain_http_is_good_on_loopback_only(serve) -> None:
    server = serve(signer=None)
    assert e.enrol(server.url, server.code()).device == "tablet-3"
    code = server.devices.reissue("tablet-3", 0)
    for url in ("http://192.0.2.1", "http://127.0.0.1.example", "ftp://127.0.0.1", "127.0.0.1"):
        with pytest.raises(e.Unreachable, match="https"):
            e.enrol(url, code)


def test_nobody_there_is_told_as_such(serve) -> None:
    server = serve()
    code = server.code()
    server.close()
    with pytest.raises(e.Unreachable):
        e.enrol(server.url, code)
