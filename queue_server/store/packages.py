"""The centre's firmware packages: a folder of files that were checked before they went in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..wire.files import write_whole
from ..wire.firmware import NAME, BadPackage, Manifest, read

ENDING = ".zip"


class NoPackage(Exception):
    """No package of this name is kept here."""


class Packages:
    """Nothing in the folder is ever replaced by something else of the same name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, content: bytes, trusted: Iterable[str]) -> Manifest:
        """Keep a package that one of the trusted keys has signed. Raises BadPackage; OSError."""
        manifest = read(content, trusted).manifest
        path = self._path(manifest.package)
        if path.exists() and path.read_bytes() != content:
            raise BadPackage("manifest", f"there is another {manifest.package}: count up")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, content)
        return manifest

    def names(self) -> list[str]:
        return sorted(path.name.removesuffix(ENDING) for path in self._folder.glob(f"*{ENDING}"))

    def content(self, package: str) -> bytes:
        """Raises NoPackage."""
        if not NAME.fullmatch(package):
            raise NoPackage(f"no package is called {package!r}")
        try:
            return self._path(package).read_bytes()
        except OSError as error:
            raise NoPackage(f"there is no package {package}") from error

    def _path(self, package: str) -> Path:
        return self._folder / f"{package}{ENDING}"
