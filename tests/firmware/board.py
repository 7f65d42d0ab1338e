"""A board of pretend pins: what firmware/board.py is on an ESP32, with the test's runner behind it."""

import binascii

import host


def _hex(data: bytes) -> str:
    return binascii.hexlify(data).decode()


class LogFile:
    """As much of a file as the press log needs."""

    def __init__(self) -> None:
        host.log_open()
        self._at = 0

    def seek(self, at: int) -> None:
        self._at = at

    def read(self, size: int) -> bytes:
        return binascii.unhexlify(host.log_read(self._at, size))

    def write(self, data: bytes) -> None:
        if not host.log_write(self._at, _hex(data)):
            raise OSError(28)

    def flush(self) -> None:
        pass


class Board:
    KIND = "test"
    SIGNS = 4
    BRIGHTNESS = 4

    def __init__(self) -> None:
        self._beside = lambda: None

    def now(self) -> int:
        return host.now()

    def feed(self) -> None:
        self._beside()

    def beside(self, job) -> None:
        """There are no threads here; nor does anything wait for the network."""
        self._beside = job

    def restart(self) -> None:
        host.restart()

    def flash(self) -> str:
        return "/flash/"

    def settings(self) -> str:
        return host.settings()

    def press_log(self, key_id: str) -> LogFile:
        return LogFile()

    def open_line(self, baud: int) -> None:
        pass

    def read(self) -> bytes:
        return binascii.unhexlify(host.take())

    def write(self, data: bytes) -> None:
        host.tx(_hex(data))

    def buttons(self) -> int:
        return host.buttons()

    def lamp(self, colour: int) -> None:
        host.lamp(colour)

    def buzz(self, on: bool) -> None:
        host.buzz(on)

    def chips(self, words: bytes) -> None:
        host.chips(_hex(words))

    def battery(self) -> int:
        return host.battery()
