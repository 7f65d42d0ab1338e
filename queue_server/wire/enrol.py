"""How a device comes in: the one-time code that a person types, and what it is exchanged for.

A code is `secret · fingerprint part · check letter`, 28 letters of Crockford's base32 in groups of
four. The fingerprint part is what lets a new device, which trusts nobody yet, know the centre's own
authority from anybody else's: 75 bits of SHA-256, which nobody can aim a certificate of his own at.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import ssl
import urllib.error
import urllib.parse
import urllib.request

import msgspec

from .base32 import ALPHABET, READ_AS, base32
from .link import Credentials

SECRET_LETTERS = 12
SECRET_BYTES = 8
FINGERPRINT_LETTERS = 15
GROUP = 4
WITHIN_S = 10.0
LARGEST_ANSWER = 65_536
NOT_YET_VALID, EXPIRED = 9, 10
"""OpenSSL's verify codes, which a device with a wrong clock meets."""


class EnrolmentError(Exception):
    """Enrolment did not come about; the text is one line for the technician."""


class WrongCode(EnrolmentError):
    """Mistyped, unknown, used, or too old."""


class WrongAuthority(EnrolmentError):
    """Whoever answers is not the centre that gave out the code."""


class WrongClock(EnrolmentError):
    """The server's certificate is not valid on this device's date: set the clock."""


class Unreachable(EnrolmentError):
    """Nobody there, or nobody who speaks our language."""


# --- the code ---


def make_code(random_bytes: bytes, fingerprint: str) -> str:
    """`random_bytes`: at least SECRET_BYTES; `fingerprint`: as from `fingerprint()`."""
    if len(random_bytes) < SECRET_BYTES:
        raise ValueError(f"a code needs {SECRET_BYTES} random bytes")
    body = base32(random_bytes)[:SECRET_LETTERS] + fingerprint_part(fingerprint)
    whole = body + _check_letter(body)
    return "-".join(whole[i : i + GROUP] for i in range(0, len(whole), GROUP))


def split_code(text: str) -> tuple[str, str]:
    """Secret and fingerprint part of a code as people type it. Raises WrongCode if mistyped."""
    letters = text.upper().translate(READ_AS)
    body, check = letters[:-1], letters[-1:]
    if len(body) != SECRET_LETTERS + FINGERPRINT_LETTERS or not set(letters) <= set(ALPHABET):
        raise WrongCode("the code is not complete, or has a letter that codes do not have")
    if _check_letter(body) != check:
        raise WrongCode("the code has a typing error")
    return body[:SECRET_LETTERS], body[SECRET_LETTERS:]


def fingerprint(ca: str) -> str:
    """SHA-256 of a certificate (PEM), in hex. Raises ValueError when it is none."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca)).hexdigest()


def fingerprint_part(whole: str) -> str:
    """The part of a fingerprint (hex) that a code carries."""
    return base32(bytes.fromhex(whole))[:FINGERPRINT_LETTERS]


def _check_letter(body: str) -> str:
    """Finds 31 of 32 typing errors, so that they are not taken for a false server."""
    return ALPHABET[hashlib.sha256(body.encode()).digest()[0] % len(ALPHABET)]


# --- the exchange ---


def enrol(server_url: str, code: str, name: str | None = None) -> Credentials:
    """Exchange a code for credentials at `server_url` (https; http only on loopback).

    Nothing is sent before the server's authority is known. Raises WrongCode, WrongAuthority,
    WrongClock or Unreachable.
    """
    secret, part = split_code(code)
    base = server_url.rstrip("/")
    context = None if _is_plain(base) else _trusting(_authority(base, part))
    asked: dict[str, str] = {"code": secret} | ({"name": name} if name else {})
    answer = _fetch(f"{base}/api/enrol", msgspec.json.encode(asked), context)
    try:
        return msgspec.json.decode(answer, type=Credentials)
    except msgspec.DecodeError as error:
        raise Unreachable(f"{base} answered something else than credentials") from error


def _is_plain(base: str) -> bool:
    """Raises Unreachable for what is neither https nor http on loopback."""
    parts = urllib.parse.urlsplit(base)
    if parts.scheme == "https" and parts.hostname:
        return False
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return True
    raise Unreachable(f"{base}: an address like https://server:8443 is needed")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _authority(base: str, part: str) -> str:
    """The authority's certificate (PEM), which only its fingerprint makes trustworthy."""
    blind = ssl.create_default_context()
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    said = _fetch(f"{base}/ca.pem", None, blind)
    try:
        der = ssl.PEM_cert_to_DER_cert(said.decode("ascii"))
    except ValueError as error:
        raise WrongAuthority(f"{base} shows no certificate") from error
    if fingerprint_part(hashlib.sha256(der).hexdigest()) != part:
        raise WrongAuthority(f"{base} is not the centre that this code is from")
    # Made anew from the very bytes that were checked: the answer may hold more certificates.
    return ssl.DER_cert_to_PEM_cert(der)


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca)
    except ssl.SSLError as error:
        raise WrongAuthority("the authority's certificate cannot be read") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead a code from https to http, or to somebody else."""

    def redirect_request(self, *_: object) -> None:
        return None


def _fetch(url: str, body: bytes | None, context: ssl.SSLContext | None) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(
        _NoRedirect,
        urllib.request.ProxyHandler({}),
        *([urllib.request.HTTPSHandler(context=context)] if context else []),
    )
    try:
        with opener.open(request, timeout=WITHIN_S) as answer:
            said: bytes = answer.read(LARGEST_ANSWER)
            return said
    except urllib.error.HTTPError as error:
        raise _refused(url, error.code) from error
    except urllib.error.URLError as error:
        raise _failed(url, error.reason) from error
    except (OSError, http.client.HTTPException) as error:
        raise _failed(url, error) from error


def _refused(url: str, status: int) -> EnrolmentError:
    if url.endswith("/api/enrol") and status in (400, 401, 403, 410, 422):
        return WrongCode("the code is unknown, used, or too old: ask for a new one")
    return Unreachable(f"{url} answered {status}")


def _failed(url: str, reason: object) -> EnrolmentError:
    if isinstance(reason, ssl.SSLCertVerificationError):
        if reason.verify_code in (NOT_YET_VALID, EXPIRED):
            return WrongClock(f"{url}: {reason.verify_message}; is this device's clock right?")
        return WrongAuthority(f"{url}: {reason.verify_message}")
    return Unreachable(f"{url}: {reason}")
