"""Typed settings from TOML: unknown keys are refused, and an error names file, key and line.

Each key may be overridden by the environment: `[broker] port` by `MOTCUA_BROKER__PORT`.
"""

from __future__ import annotations

import os
import re
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)
PREFIX = "MOTCUA_"


class SettingsError(Exception):
    """A settings file or variable that cannot be used; the text is one line for the technician."""


def read(
    kind: type[T],
    path: Path | None,
    environ: Mapping[str, str] | None = None,
    only: str | None = None,
) -> T:
    """The settings of `kind` from `path` (none: all defaults) and the environment.

    `only` names a table of the file that holds them (a device reads its own table of a shared file).
    """
    text = ""
    if path is not None:
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise SettingsError(f"{path}: {error.strerror}") from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error
    if only is not None:
        table = table.get(only, {})
    _override(table, kind, os.environ if environ is None else environ, only)
    stranger = _stranger(table, kind)
    if stranger:
        raise SettingsError(_explain_unknown(path, text, stranger, only))
    try:
        return msgspec.convert(table, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(path, text, str(error), only)) from error


def _override(
    table: dict[str, Any], kind: type[msgspec.Struct], environ: Mapping[str, str], only: str | None
) -> None:
    fields = {f.name: f.type for f in msgspec.structs.fields(kind)}
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        keys = name[len(PREFIX) :].lower().split("__")
        if only is not None:
            if keys[0] != only:
                continue
            keys = keys[1:]
        if not keys or keys[0] not in fields:
            continue
        place = table
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value


def _stranger(value: Any, kind: Any) -> list[str]:
    """The path to the first key that no type of the settings knows; [] when all are known.

    Done here rather than by the types, since the log keeps some of them and must stay readable
    when a later version drops a field.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = typing.get_type_hints(kind)
        for key, inner in value.items():
            if key not in fields:
                return [key]
            if below := _stranger(inner, fields[key]):
                return [key, *below]
    elif isinstance(value, list) and origin in (tuple, list) and arguments:
        for index, inner in enumerate(value):
            if below := _stranger(inner, arguments[0]):
                return [f"{index}]", *below]
    elif isinstance(value, dict) and origin is dict:
        for key, inner in value.items():
            if below := _stranger(inner, arguments[1]):
                return [key, *below]
    return []


def _explain_unknown(path: Path | None, text: str, keys: list[str], only: str | None) -> str:
    sections = ([only] if only else []) + keys[:-1]
    line = _line_of(text, sections, keys[-1])
    place = f"{path}:{line}" if line else f"{path or 'environment'}"
    named = ".".join(s for s in [*sections, keys[-1]] if not s.endswith("]"))
    return f"{place}: unknown key `{named}`"


def _explain(path: Path | None, text: str, message: str, only: str | None) -> str:
    where = re.search(r"at `\$\.?([^`]*)`", message)
    keys = [k for k in re.split(r"[.\[]", where.group(1)) if k] if where else []
    unknown = re.search(r"unknown field `([^`]+)`", message)
    key = unknown.group(1) if unknown else (keys[-1] if keys else "")
    sections = ([only] if only else []) + (keys if unknown else keys[:-1])
    line = _line_of(text, sections, key.rstrip("]"))
    place = f"{path}:{line}" if line else f"{path or 'environment'}"
    dotted = ".".join([s.rstrip("]") for s in [*sections, key] if s])
    if unknown:
        return f"{place}: unknown key `{dotted}`"
    return f"{place}: `{dotted}`: {message.split(' - at')[0]}"


def _line_of(text: str, sections: list[str], key: str) -> int:
    """The line of `key` in the table that `sections` names (its last name and place in an array count)."""
    wanted = [s for s in sections if s and not re.fullmatch(r"\d+\]|\.\.\.\]", s)]
    indices = [int(s[:-1]) for s in sections if re.fullmatch(r"\d+\]", s or "")]
    current: list[str] = []
    seen = -1
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header and "=" not in line.split("]")[0]:
            current = [part.strip().strip('"') for part in header.group(2).split(".")]
            if current == wanted and header.group(1) == "[[":
                seen += 1
            if current == [*wanted, key]:
                return number
            continue
        if current == wanted and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            if not indices or seen == indices[-1]:
                return number
    return 0
