"""Firmware packages on the bridge: fetched from the centre, checked by the bridge's own keys, and kept."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from queue_server.wire.files import write_whole
from queue_server.wire.firmware import LARGEST_PACKAGE, NAME, BadPackage, Package, read
from queue_server.wire.link import Credentials

WITHIN_S = 20.0


class NotFetched(Exception):
    """The centre did not give it now; it may later."""


@dataclass(frozen=True)
class PackageShelf:
    """`trusted`: public keys (hex) from the bridge's own settings, which no word of the centre changes."""

    credentials: Credentials
    folder: Path
    trusted: tuple[str, ...]

    def get(self, name: str) -> Package:
        """The package of this name, from here or from the centre. Raises BadPackage, NotFetched."""
        if not NAME.fullmatch(name):
            raise BadPackage("manifest", "no name of a package")
        path = self.folder / f"{name}.zip"
        try:
            return self._checked(name, path.read_bytes())
        except (OSError, BadPackage):
            pass  # not here, or torn: the centre's counts
        content = self._fetch(name)
        package = self._checked(name, content)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise NotFetched(str(error)) from error
        return package

    def _checked(self, name: str, content: bytes) -> Package:
        package = read(content, self.trusted)
        if package.manifest.package != name:
            raise BadPackage("manifest", "another name inside")
        return package

    def _fetch(self, name: str) -> bytes:
        own = self.credentials
        context = ssl.create_default_context(cadata=own.ca) if own.ca else None
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            *([urllib.request.HTTPSHandler(context=context)] if context else []),
        )
        try:
            given = b64encode(f"{own.username}:{own.password}".encode()).decode()
            ask = urllib.request.Request(f"{own.web.rstrip('/')}/api/firmware/{name}")
            ask.add_header("Authorization", f"Basic {given}")
            with opener.open(ask, timeout=WITHIN_S) as answer:
                content: bytes = answer.read(LARGEST_PACKAGE + 1)
                return content
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise NotFetched(str(error)) from error
