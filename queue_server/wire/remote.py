"""What the centre wants a device to run with: kept on the device, taken whole or refused whole.

The device's own file stays the ground; what the centre wants lies over it. A device answers with the version
that it runs, in its presence, so that the answer is there as long as the device is.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import structlog

from . import messages as m
from .files import write_whole
from .settings import SettingsError
from .words import DeviceKind, Frozen

log = structlog.get_logger()
S = TypeVar("S", bound=msgspec.Struct)

APPLIED, RESTART, REFUSED = "applied", "restart", "refused"

KEYS: dict[DeviceKind, tuple[str, ...]] = {
    DeviceKind.KIOSK: (
        "languages",
        "idle_seconds",
        "warn_seconds",
        "ticket_seconds",
        "ticket_seconds_without_paper",
        "answer_seconds",
        "cut_off_seconds",
        "reprint_seconds",
        "printer_wait_ms",
        "double_strike_ms",
        "key_strike_ms",
    ),
    DeviceKind.TABLET: (
        "language",
        "answer_seconds",
        "change_seconds",
        "reasons_seconds",
        "words_seconds",
        "thanks_seconds",
        "away_seconds",
        "reasons",
        "words",
        "words_length",
    ),
    DeviceKind.BRIDGE: ("lamp_s", "keep_days", "pause_ms", "reply_ms"),
    DeviceKind.BOARD: (),
}
"""What of its settings table may be set from afar: nothing that names a port, a file or a place, since a wrong
one would need hands to mend."""


class _Kept(Frozen):
    """`good`: the last that was taken; `run`: the answer to the last that was wanted."""

    good: m.DeviceConfig
    run: m.ConfigRun


@dataclass
class RemoteConfig(Generic[S]):
    """`base` is the device's own file, `path` where the centre's wishes are kept, `check` raises SettingsError.

    Keys in `live` are handed to `on_apply` at once; others count from the next start.
    """

    path: Path
    kind: DeviceKind
    base: S
    check: Callable[[S], None] = lambda _: None
    live: frozenset[str] = frozenset()
    on_apply: Callable[[S], None] = lambda _: None
    _kept: _Kept | None = None
    _running: S | None = None
    _asked: m.DeviceConfig | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> S:
        """The settings to begin with: the own file under what was last taken, if that still fits it."""
        self._kept = _read(self.path)
        self._asked = self._kept.good if self._kept is not None else None
        self._running = self.base
        if self._kept is None:
            return self.base
        made = self._over(self._kept.good.values)
        if isinstance(made, m.ConfigRun):
            log.warning("config_left_out", reason=made.reason, key=made.key)
            return self.base
        self._running = made
        if self._kept.run.state == RESTART:
            self._keep(self._kept.good, m.ConfigRun(version=self._kept.run.version, state=APPLIED))
        return made

    def run(self) -> m.ConfigRun | None:
        """For presence: the answer to what was last wanted."""
        return self._kept.run if self._kept is not None else None

    def take(self, wanted: m.DeviceConfig) -> m.ConfigRun:
        """Keep and apply it, or refuse it and go on as before. The same again: the same answer.

        The same version with other values is another wish: the centre may have been restored from a copy.
        """
        with self._lock:
            if self._kept is not None and self._kept.good == wanted == self._asked:
                return self._kept.run
            self._asked = wanted
            answer = self._take(wanted)
        log.info("config_taken", version=answer.version, state=answer.state, key=answer.key)
        return answer

    def _take(self, wanted: m.DeviceConfig) -> m.ConfigRun:
        made = self._over(wanted.values)
        if isinstance(made, m.ConfigRun):
            answer = msgspec.structs.replace(made, version=wanted.version)
            good = self._kept.good if self._kept is not None else m.DeviceConfig(version=0)
            return self._keep(good, answer)
        changed = _changed(self._running or self.base, made)
        state = APPLIED if changed <= self.live else RESTART
        answer = self._keep(wanted, m.ConfigRun(version=wanted.version, state=state))
        if answer.state == APPLIED and changed:
            self._running = made
            self.on_apply(made)
        return answer

    def _over(self, values: dict[str, Any]) -> S | m.ConfigRun:
        """The own file with these values over it, or why not."""
        for key in values:
            if key not in KEYS[self.kind]:
                return _refused("not_remote", key)
        for key, value in values.items():
            if not self._fits({key: value}):
                return _refused("wrong_value", key)
        made = self._fits(values)
        return made if made is not None else _refused("wrong_together", ", ".join(values))

    def _fits(self, values: dict[str, Any]) -> S | None:
        whole = msgspec.to_builtins(self.base) | values
        try:
            made = msgspec.convert(whole, type(self.base))
            self.check(made)
        except (msgspec.ValidationError, SettingsError):
            return None
        return made

    def _keep(self, good: m.DeviceConfig, run: m.ConfigRun) -> m.ConfigRun:
        kept = _Kept(good=good, run=run)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, msgspec.json.encode(kept))
        except OSError as error:
            log.error("config_not_kept", cause=str(error))
            return m.ConfigRun(version=run.version, state=REFUSED, reason="disk")
        self._kept = kept
        return run


def _refused(reason: str, key: str) -> m.ConfigRun:
    return m.ConfigRun(version=0, state=REFUSED, reason=reason, key=key)


def _changed(one: msgspec.Struct, other: msgspec.Struct) -> set[str]:
    return {f for f in one.__struct_fields__ if getattr(one, f) != getattr(other, f)}


def _read(path: Path) -> _Kept | None:
    """None for none, and for a torn one: the centre says its wishes again at the next connect."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None


# --- as people write it ---


class NotUnderstood(ValueError):
    """The text is no `key = value` lines; the message says where."""


def parse(text: str) -> dict[str, Any]:
    """Values from lines `key = value` in TOML. Raises NotUnderstood."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotUnderstood(str(error)) from error
    nested = next((key for key, value in table.items() if isinstance(value, dict)), "")
    if nested:
        raise NotUnderstood(nested)
    return table


def written(values: dict[str, Any]) -> str:
    """The way back of `parse`."""
    return "\n".join(f"{key} = {_toml(value)}" for key, value in sorted(values.items()))


def _toml(value: Any) -> str:
    """JSON's strings, numbers, truth and lists are TOML's too."""
    return msgspec.json.encode(value).decode()


def unknown_key(kind: DeviceKind, values: dict[str, Any]) -> str:
    """The first key that this kind of device does not take from afar; "" for none."""
    return next((key for key in values if key not in KEYS[kind]), "")
