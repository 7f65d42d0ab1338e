"""A watched child process: ready when its port answers, restarted when it dies, gone with us."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import structlog

log = structlog.get_logger()

FIRST_WAIT_S = 0.2
LAST_WAIT_S = 10.0
SOUND_AFTER_S = 60.0
"""A child that has lived this long starts with the shortest back-off again."""
STOP_WITHIN_S = 5.0
PR_SET_PDEATHSIG = 1
LEASH = f"""
import ctypes, os, sys
ctypes.CDLL(None).prctl({PR_SET_PDEATHSIG}, {int(signal.SIGTERM)})
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Run in a small Python before the child's own program, since code between fork and exec may lock
up a parent that has threads."""


class ChildFailed(Exception):
    """The child ended, or did not answer, at its start; the text is its own last word."""


class PortTaken(Exception):
    """Another program listens where the child should."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} on {host} is taken by another program")
        self.port = port


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    with _socket(host) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_free(host: str, port: int, seconds: float = 2.0) -> None:
    """Raises PortTaken, but not before a predecessor that is just ending has had time to go."""
    deadline = time.monotonic() + seconds
    while not _is_free(host, port):
        if time.monotonic() > deadline:
            raise PortTaken(host, port)
        time.sleep(0.05)


def _is_free(host: str, port: int) -> bool:
    with _socket(host) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)


def reachable(host: str) -> str:
    """Where this machine finds a listener on `host` (0.0.0.0 listens, but cannot be called)."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


@dataclass
class Child:
    """`start()` returns when the port answers; then a thread of its own keeps the child alive.

    The child is spawned by that thread and by no other: Linux sends the death signal when the
    *thread* that forked it ends, so a caller's short-lived thread must not be its parent.
    """

    name: str
    command: list[str]
    host: str
    port: int
    errors: Path
    """Takes the child's standard output and error, anew at the first start; what it said before it
    died stays."""
    on_restart: Callable[[], None] = lambda: None
    """Called in the watching thread each time the child is up again after it had died."""
    ready_within_s: float = 30.0

    _thread: threading.Thread | None = None
    _process: subprocess.Popen[bytes] | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _steady: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Raises PortTaken, or ChildFailed with what the child said."""
        if self._thread is not None:
            return
        if self.port:
            wait_free(self.host, self.port)
        self._stopping.clear()
        up: Future[None] = Future()
        self._thread = threading.Thread(target=self._watch, args=(up,), name=self.name, daemon=True)
        self._thread.start()
        try:
            up.result()
        except ChildFailed:
            self.stop()
            raise

    def stop(self) -> None:
        self._stopping.set()
        thread, self._thread = self._thread, None
        self._end()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def tell(self, number: int) -> bool:
        """Send a signal, once a start that is under way is over; False when the child is down."""
        with self._steady:
            process = self._process
            if process is None or process.poll() is not None:
                return False
            process.send_signal(number)
            return True

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    # --- the watching thread ---

    def _watch(self, up: Future[None]) -> None:
        wait = FIRST_WAIT_S
        while not self._stopping.is_set():
            born = time.monotonic()
            self._launch_and_report(up)
            if self._process is not None:
                self._process.wait()
            if self._stopping.is_set():
                break
            if time.monotonic() - born > SOUND_AFTER_S:
                wait = FIRST_WAIT_S
            log.warning("child_died", child=self.name, code=self._code(), again_in_s=wait)
            self._stopping.wait(wait)
            wait = min(wait * 2, LAST_WAIT_S)
        self._end()

    def _launch_and_report(self, up: Future[None]) -> None:
        try:
            with self._steady:
                self._launch()
        except ChildFailed as failure:
            self._end()
            if up.done():
                log.error("child_failed", child=self.name, reason=str(failure))
            else:
                self._stopping.set()
                up.set_exception(failure)
            return
        if not up.done():
            up.set_result(None)
        elif not self._stopping.is_set():
            self._restarted()

    def _restarted(self) -> None:
        log.info("child_restarted", child=self.name, pid=self.pid)
        try:
            self.on_restart()
        except Exception:
            log.exception("child_restart_callback", child=self.name)

    def _launch(self) -> None:
        """Raises ChildFailed."""
        leash = [sys.executable, "-I", "-S", "-c", LEASH, str(os.getpid()), *self.command]
        with self.errors.open("ab" if self._process is not None else "wb") as said:
            self._process = subprocess.Popen(
                leash,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,  # Ctrl-C in the terminal is for the parent alone
            )
        deadline = time.monotonic() + self.ready_within_s
        while self.port and not _answers(self.host, self.port):
            if self._process.poll() is not None or self._stopping.is_set():
                raise ChildFailed(f"{self.name} ended at its start: {self._last_word()}")
            if time.monotonic() > deadline:
                raise ChildFailed(f"{self.name} does not answer on port {self.port}")
            time.sleep(0.02)

    def _end(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _code(self) -> int | None:
        return self._process.returncode if self._process is not None else None

    def _last_word(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.errors.read_text("utf-8", "replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "no word")
        return "no word"


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((reachable(host), port), timeout=1.0).close()
    except OSError:
        return False
    return True
