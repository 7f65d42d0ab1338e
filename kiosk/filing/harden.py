"""What keeps a visit's memory to itself: no core dump, no tracer, no swap, no life without the kiosk. Linux only."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4


def keep_to_itself(parent: int) -> dict[str, bool]:
    """What of it could be had. `parent`: the kiosk's process; this one ends with the thread that started it.

    Memory is locked only where there is no limit on it: under a limit the next large picture would have no room.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return {"core": True, "tracer": False, "swap": False, "orphan": False}
    libc = ctypes.CDLL(None, use_errno=True)
    done = {
        "core": True,
        "orphan": libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0,
        "tracer": libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
        "swap": _lock_memory(libc),
    }
    if os.getppid() != parent:
        os._exit(1)
    return done


def _lock_memory(libc: ctypes.CDLL) -> bool:
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit != resource.RLIM_INFINITY and os.geteuid() != 0:
        return False
    return bool(libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
