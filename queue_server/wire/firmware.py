"""Firmware packages for terminals: a set of files, named and numbered, with a signature over all of it.

A package is a ZIP (stored) with `manifest.json`, `signature` (Ed25519 over the manifest's bytes) and the files below
`files/`. The manifest names each file with its size and SHA-256, so that the signature holds for them too. Whoever
passes a package on checks it anew: nothing is believed for where it came from.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .topics import SAFE
from .words import Frozen

FORMAT = 1
LARGEST_FILE = 1_000_000
LARGEST_PACKAGE = 4_000_000
LARGEST_MANIFEST = 16_000
MOST_FILES = 100
PATH = r"^[a-z0-9_]{1,32}(/[a-z0-9_]{1,32}){0,3}\.(mpy|py|json|bin)$"
VERSION = re.compile(r"(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])\.(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])\Z")
"""Two numbers up to 255, as a terminal tells its version."""
MANIFEST, SIGNATURE, FILES = "manifest.json", "signature", "files/"


class BadPackage(Exception):
    """The package cannot be used. `reason`: unreadable, too_large, manifest, signature, or file."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class FileEntry(Frozen, forbid_unknown_fields=True):
    path: Annotated[str, msgspec.Meta(pattern=PATH)]
    size: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_FILE)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Frozen, forbid_unknown_fields=True):
    """What a package is. `name`: which kind of terminal it is for; `version`: as the terminal will tell it."""

    format: int
    name: str
    version: str
    files: Annotated[tuple[FileEntry, ...], msgspec.Meta(min_length=1, max_length=MOST_FILES)]

    @property
    def package(self) -> str:
        """`rating5-1.2`: how people and devices name it."""
        return f"{self.name}-{self.version}"


@dataclass(frozen=True)
class Package:
    """A package whose signature and files were found right. `signed`: the manifest's very bytes."""

    manifest: Manifest
    signed: bytes
    files: tuple[bytes, ...]
    """In the manifest's order."""


def make(
    name: str, version: str, files: Mapping[str, bytes], key: Ed25519PrivateKey
) -> tuple[Manifest, bytes]:
    """A signed package. The same files make the same bytes. Raises BadPackage."""
    entries = tuple(
        FileEntry(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for path, data in sorted(files.items())
    )
    made = Manifest(format=FORMAT, name=name, version=version, files=entries)
    signed = msgspec.json.encode(msgspec.to_builtins(made))
    manifest = _manifest(signed)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for inside, data in (
            (MANIFEST, signed),
            (SIGNATURE, key.sign(signed)),
            *((FILES + path, data) for path, data in sorted(files.items())),
        ):
            archive.writestr(zipfile.ZipInfo(inside, (2000, 1, 1, 0, 0, 0)), data)
    return manifest, out.getvalue()


def read(content: bytes, trusted: Iterable[str]) -> Package:
    """The package, if one of the trusted public keys (hex) has signed it. Raises BadPackage."""
    if len(content) > LARGEST_PACKAGE:
        raise BadPackage("too_large")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            signed = _inside(archive, MANIFEST, LARGEST_MANIFEST)
            _check_signature(signed, _inside(archive, SIGNATURE, 64), trusted)
            manifest = _manifest(signed)
            files = tuple(_file(archive, entry) for entry in manifest.files)
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        NotImplementedError,
        OSError,
        EOFError,
    ) as error:
        raise BadPackage("unreadable", type(error).__name__) from error
    return Package(manifest, signed, files)


def _inside(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > largest:
        raise BadPackage("too_large", name)
    if info.compress_type != zipfile.ZIP_STORED:
        raise BadPackage("unreadable", "compressed")
    return archive.read(info)


def _file(archive: zipfile.ZipFile, entry: FileEntry) -> bytes:
    data = _inside(archive, FILES + entry.path, entry.size)
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise BadPackage("file", entry.path)
    return data


def _check_signature(signed: bytes, signature: bytes, trusted: Iterable[str]) -> None:
    for key in trusted:
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, signed)
            return
        except (InvalidSignature, ValueError):
            continue
    raise BadPackage("signature")


def _manifest(signed: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(signed, type=Manifest)
    except msgspec.DecodeError as error:
        raise BadPackage("manifest", str(error)) from error
    if manifest.format != FORMAT or not SAFE.fullmatch(manifest.name):
        raise BadPackage("manifest", "format or name")
    if not VERSION.fullmatch(manifest.version):
        raise BadPackage("manifest", "version: two numbers up to 255, as 1.2")
    paths = [entry.path for entry in manifest.files]
    if len(set(paths)) < len(paths):
        raise BadPackage("manifest", "a path twice")
    if sum(entry.size for entry in manifest.files) > LARGEST_PACKAGE:
        raise BadPackage("too_large")
    return manifest


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half, as it stands in settings."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}-\d{1,3}\.\d{1,3}\Z")
"""A package's name in topics, addresses and files."""
