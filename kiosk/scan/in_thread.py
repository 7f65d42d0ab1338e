"""What works in a thread of its own, and can be stopped and started again."""

from __future__ import annotations

import threading

PATIENCE_S = 5.0


class InThread:
    """`_run` is done in the thread until `_stop` is set. `patience_s`: how long `stop` waits for its end."""

    def __init__(self, name: str, patience_s: float = PATIENCE_S) -> None:
        self._stop = threading.Event()
        self._name, self._patience_s = name, patience_s
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """From any thread, its own too."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(self._patience_s)
        self._thread = None

    def _run(self) -> None:
        raise NotImplementedError
