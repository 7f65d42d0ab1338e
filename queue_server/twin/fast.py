"""The engine compiled: the very functions of `engine.py`, `line/rule.py` and `baselines.py`, through numba.

Import it only where many days are played (tuning, futures, rosters): plain Python plays a single day sooner
than numba starts. Compiled code is kept in a folder named after the sources, so that no change is missed.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.extending import register_jitable

from ..line import rule
from . import baselines, engine

F = TypeVar("F", bound=Callable[..., Any])
_PARTS: tuple[Any, ...] = (
    rule.pick,
    rule.claimed,
    rule.first_come,
    rule.overdue,
    rule.taught,
    rule.pace_now,
    rule.weight_of_line,
    rule.count_passed,
    baselines.pick,
    baselines.level_of,
    baselines.claim_of,
    baselines.note,
    baselines.bound_cell,
    baselines.bind,
    engine.play,
    engine.advance,
    engine.happen,
    engine.settle,
    engine.turn,
    engine.join,
    engine.leave,
    engine.lightest,
    engine.finish,
    engine.call,
)


def _cache_folder() -> str:
    """Beside the user's other caches, else among the temporary files; one folder a version of the sources."""
    digest = hashlib.sha256()
    parts = {Path(str(module.__file__)) for module in (rule, baselines, engine)}
    beside = {p for p in Path(__file__).parent.rglob("*.py") if b"@compiled" in p.read_bytes()}
    for source in sorted(parts | beside):
        digest.update(source.read_bytes())
    name = f"motcua-{numba.__version__}-{digest.hexdigest()[:16]}"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for folder in (Path(home) / name, Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return ""


FOLDER = _cache_folder()
CACHED = bool(FOLDER)
"""Whether compiled code can be kept."""
if CACHED:
    setattr(numba.config, "CACHE_DIR", FOLDER)  # noqa: B010 (its stubs do not know it)
for _part in _PARTS:
    register_jitable(_part)


def array(values: Sequence[Any]) -> Any:
    """Columns for the compiled engine: floats, whole numbers or truths."""
    if len(values) == 0:
        return np.zeros(0)
    first = values[0]
    if isinstance(first, bool):
        return np.array(values, dtype=np.bool_)
    if isinstance(first, int) and all(isinstance(v, int) for v in values):
        return np.array(values, dtype=np.int64)
    return np.array(values, dtype=np.float64)


def compiled(function: F) -> F:
    """The function compiled, and kept where that can be done; a decorator for inner loops."""
    made: Any = numba.njit(cache=CACHED, nogil=True)(function)
    return cast(F, made)


play = compiled(engine.play)
