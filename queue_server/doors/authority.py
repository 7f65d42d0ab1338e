"""The centre's own certificate authority: made at first start, it signs the server's certificate.

No public authority vouches for a machine in an office network; devices know this one by the
fingerprint in their enrolment code (`wire.enrol`), browsers when somebody installs `ca.pem` there.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..wire.enrol import fingerprint
from ..wire.files import write_whole

CA_LASTS = dt.timedelta(days=20 * 365)
SERVER_LASTS = dt.timedelta(days=397)
"""The longest that browsers take without complaint."""
RENEW_BEFORE = dt.timedelta(days=60)
CLOCKS_DIFFER = dt.timedelta(days=1)
ALWAYS = ("localhost", "127.0.0.1", "::1")
"""The server itself reaches its broker and pages on loopback."""


@dataclass(frozen=True)
class ServerCertificate:
    """Files for the broker and the web server; `renewed`: they are new and must be read again."""

    certificate: Path
    key: Path
    expires: dt.datetime
    renewed: bool


@dataclass(frozen=True)
class Authority:
    """`folder` holds `ca.pem`, `ca-key.pem`, `server.pem`, `server-key.pem`; keys have mode 600."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def open(cls, folder: Path, centre: str, now: dt.datetime) -> Authority:
        """The authority in `folder`, made when there is none. `now` has a time zone.

        Raises ValueError when its files are torn: a new one would lock every device out, so that is
        for a person to decide.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # ca.pem is written last: a key alone is what a power cut at the very first start leaves.
        if not (folder / "ca.pem").exists():
            _make(folder, centre, now)
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = _read_key(folder / "ca-key.pem")
        if key.public_key() != certificate.public_key():
            raise ValueError(f"{folder}: ca.pem and ca-key.pem do not belong together")
        return cls(folder, certificate, key)

    @property
    def pem(self) -> str:
        """What `/ca.pem` shows, and what credentials carry."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.pem)

    def server_certificate(self, hosts: Iterable[str], now: dt.datetime) -> ServerCertificate:
        """The server's certificate for `hosts` (names, addresses) and loopback; ask again each day.

        A new one is made when there is none, RENEW_BEFORE its end, or when a host is not in it.
        """
        wanted = tuple(dict.fromkeys([*hosts, *ALWAYS]))
        path, key_path = self.folder / "server.pem", self.folder / "server-key.pem"
        present = self._present(path, key_path)
        if present is not None and _still_good(present, wanted, now):
            return ServerCertificate(path, key_path, present.not_valid_after_utc, False)
        made = self._sign(wanted, key_path, now)
        chain = made.public_bytes(serialization.Encoding.PEM) + self.pem.encode()
        write_whole(path, chain, 0o644)
        return ServerCertificate(path, key_path, made.not_valid_after_utc, True)

    def _present(self, path: Path, key_path: Path) -> x509.Certificate | None:
        try:
            present = x509.load_pem_x509_certificate(path.read_bytes())
            present.verify_directly_issued_by(self.certificate)
            return present if _read_key(key_path).public_key() == present.public_key() else None
        except Exception:  # missing, torn, or another authority's: whatever it is, it is made anew
            return None

    def _sign(self, hosts: tuple[str, ...], key_path: Path, now: dt.datetime) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        write_whole(key_path, _key_pem(key), 0o600)
        until = min(now + SERVER_LASTS, self.certificate.not_valid_after_utc)
        return (
            _builder(key.public_key(), _name(hosts[0]), self.certificate.subject, now, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_alternative_names(hosts), critical=False)
            .add_extension(_issuer_id(self.key), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def _make(folder: Path, centre: str, now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Mot Cua authority of {centre}")
    certificate = (
        _builder(key.public_key(), name, name, now, now + CA_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(_issuer_id(key), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_whole(folder / "ca-key.pem", _key_pem(key), 0o600)
    write_whole(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    key: ec.EllipticCurvePublicKey,
    subject: x509.Name,
    issuer: x509.Name,
    now: dt.datetime,
    until: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common: str) -> x509.Name:
    """X.509 limits a common name to 64 letters; nobody verifies by it any more."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _usage(*, digital_signature: bool = False, sign_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_id(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _alternative_names(hosts: Iterable[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general_name(host) for host in hosts])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _still_good(present: x509.Certificate, hosts: tuple[str, ...], now: dt.datetime) -> bool:
    named = present.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    missing = {_general_name(host) for host in hosts} - set(named)
    starts, ends = present.not_valid_before_utc, present.not_valid_after_utc
    return not missing and starts <= now < ends - RENEW_BEFORE


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path}: not an EC key")
    return key
