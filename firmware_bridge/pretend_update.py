"""How a terminal takes new firmware, without one: two sets of files in a folder, and a way back."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import ota
from .ota import Confirm, Message, Offer, Piece, Reason, Report, State, Want

MOST_STARTS = 3
"""After so many starts without a confirmation the new set is given up."""
SPACE = 200_000
KIND = "rating5"
"""What kind of terminal this is: firmware of another kind is refused."""
FRESH: dict[str, Any] = {
    "active": "a",
    "version": "1.0",
    "highest": 0,
    "failed": (),
    "trial": None,
    "loading": "",
}
"""What is kept of the two sets; `loading` is the digest of the manifest that the set not in use is for."""


@dataclass
class _Loading:
    """An offer on its way in; kept in memory only, since what has come lies in files."""

    offer: Offer
    manifest: bytes = b""
    files: list[dict[str, Any]] = field(default_factory=list)
    file: int = 0


class PretendUpdate:
    """`restarted` is called when the terminal is to start anew (into the other set)."""

    def __init__(
        self, folder: Path, key: bytes, restarted: Callable[[], None] = lambda: None
    ) -> None:
        self.folder, self.key, self.restarted = folder, key, restarted
        self._path = folder / "sets.json"
        self._loading: _Loading | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._kept: dict[str, Any] = dict(FRESH)
        if self._path.exists():
            self._kept = json.loads(self._path.read_text())

    @property
    def version(self) -> str:
        return str(self._kept["version"])

    @property
    def active(self) -> Path:
        return self.folder / str(self._kept["active"])

    @property
    def _other(self) -> Path:
        return self.folder / ("b" if self._kept["active"] == "a" else "a")

    # --- life ---

    def start(self) -> list[bytes]:
        """At every start, before all else: a trial is counted, and given up when it went on too long."""
        trial = self._kept["trial"]
        if trial is None:
            return []
        trial["starts"] += 1
        self._save()
        if trial["starts"] > MOST_STARTS:
            return self.go_back()
        return self._say(Report(trial["number"], State.TRYING))

    def go_back(self) -> list[bytes]:
        """The new set failed its own checks, or was never confirmed."""
        trial = self._kept["trial"]
        self._kept |= {"active": trial["old"], "version": trial["old_version"], "trial": None}
        self._kept["failed"] = [*self._kept["failed"], trial["digest"]]
        self._save()
        return self._say(Report(trial["number"], State.WENT_BACK))

    def hear(self, payload: bytes) -> list[bytes]:
        """What is answered to a message of the bridge."""
        message = ota.decode(payload, self.key)
        match message:
            case Offer():
                return self._offered(message)
            case Piece():
                return self._piece(message)
            case Confirm(number=number):
                return self._confirmed(number)
        return []

    # --- taking it in ---

    def _offered(self, offer: Offer) -> list[bytes]:
        if offer.number < self._kept["highest"]:
            return self._say(Report(offer.number, State.REFUSED, Reason.OLD))
        if offer.size > SPACE:
            return self._say(Report(offer.number, State.REFUSED, Reason.SPACE))
        self._kept["highest"] = offer.number
        self._save()
        self._loading = _Loading(offer)
        return self._say(Want(offer.number, 0, 0))

    def _piece(self, piece: Piece) -> list[bytes]:
        loading = self._loading
        if loading is None or piece.number != loading.offer.number or piece.file != loading.file:
            return []
        if piece.file == 0:
            return self._manifest_piece(loading, piece)
        return self._file_piece(loading, piece)

    def _manifest_piece(self, loading: _Loading, piece: Piece) -> list[bytes]:
        if piece.offset != len(loading.manifest) or not piece.data:
            return []
        loading.manifest += piece.data
        if len(loading.manifest) < loading.offer.size:
            return self._say(Want(piece.number, 0, len(loading.manifest)))
        mac = ota.manifest_mac(piece.number, loading.manifest, self.key)
        if not hmac.compare_digest(mac, loading.offer.mac):
            return self._refuse(Reason.MAC)
        try:
            manifest = json.loads(loading.manifest)
            loading.files = list(manifest["files"])
            version = str(manifest["version"])
            if manifest["name"] != KIND:
                return self._refuse(Reason.MANIFEST)
        except (ValueError, KeyError, TypeError):
            return self._refuse(Reason.MANIFEST)
        return self._judged(loading, version)

    def _judged(self, loading: _Loading, version: str) -> list[bytes]:
        number, digest = loading.offer.number, ota.digest(loading.manifest)
        if digest in self._kept["failed"]:
            self._loading = None
            return self._say(Report(number, State.WENT_BACK))
        trial = self._kept["trial"]
        if trial is not None:
            return self._say(Report(trial["number"], State.TRYING))
        if version == self.version:
            return self._say(Report(number, State.GOOD))
        if sum(entry["size"] for entry in loading.files) > SPACE:
            return self._refuse(Reason.SPACE)
        if digest != self._kept["loading"]:
            shutil.rmtree(self._other, ignore_errors=True)
            self._kept["loading"] = digest
            self._save()
        return self._next_file(loading, 1)

    def _next_file(self, loading: _Loading, number: int) -> list[bytes]:
        """The first file that is not here whole; what is here of it stays."""
        for at in range(number, len(loading.files) + 1):
            entry = loading.files[at - 1]
            path = self._other / entry["path"]
            self._append(path, b"")
            have = path.read_bytes()
            if len(have) < entry["size"]:
                loading.file = at
                return self._say(Want(loading.offer.number, at, len(have)))
            if hashlib.sha256(have).hexdigest() != entry["sha256"]:
                path.unlink()
                return self._refuse(Reason.HASH)
        return self._switch(loading)

    def _file_piece(self, loading: _Loading, piece: Piece) -> list[bytes]:
        entry = loading.files[piece.file - 1]
        path = self._other / entry["path"]
        have = path.stat().st_size if path.exists() else 0
        if piece.offset != have or not piece.data:
            return []
        self._append(path, piece.data)
        have += len(piece.data)
        if have < entry["size"]:
            return self._say(Want(piece.number, piece.file, have))
        return self._next_file(loading, piece.file)

    def _append(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _switch(self, loading: _Loading) -> list[bytes]:
        """One small write decides which set the next start runs; the old set stays as it is."""
        trial = {
            "number": loading.offer.number,
            "digest": ota.digest(loading.manifest),
            "old": self._kept["active"],
            "old_version": self.version,
            "starts": 0,
        }
        version = str(json.loads(loading.manifest)["version"])
        other = self._other.name
        self._kept |= {"active": other, "version": version, "trial": trial, "loading": ""}
        self._save()
        self._loading = None
        self.restarted()
        return []

    def _confirmed(self, number: int) -> list[bytes]:
        trial = self._kept["trial"]
        if trial is None or trial["number"] != number:
            return []
        self._kept["trial"] = None
        self._save()
        shutil.rmtree(self._other, ignore_errors=True)
        return self._say(Report(number, State.GOOD))

    def _refuse(self, reason: Reason) -> list[bytes]:
        assert self._loading is not None
        number, self._loading = self._loading.offer.number, None
        return self._say(Report(number, State.REFUSED, reason))

    def _say(self, message: Message) -> list[bytes]:
        return [ota.encode(message, self.key)]

    def _save(self) -> None:
        draft = self._path.with_suffix(".new")
        with draft.open("w") as file:
            json.dump(self._kept, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
