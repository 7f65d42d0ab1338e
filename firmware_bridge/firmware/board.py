"""The one file that knows pins: an ESP32 board with MAX3485 or an automatic RS-485 adapter on UART 1.

Another board is another copy of this file. Everything else runs unchanged, here and in tests.
"""

import os
import time

import machine

TX, RX = 26, 27
DRIVE = None
"""Pin of DE and /RE together; None when the adapter turns the line round by itself."""
BUTTONS = (32, 33, 25, 14, 13)
"""Pressed is low; inside pull-ups, and 10 kΩ with 100 nF beside long wires."""
GREEN, RED = 18, 19
BUZZER = 21
SPI_BUS, SCK, MOSI, CHIP_SELECT = 2, 22, 23, 4
BATTERY = None
"""Pin of the ADC behind a divider of two equal resistors (34 will do); None on mains."""
EMPTY_MV, FULL_MV = 3300, 4150
WATCHDOG_MS = 8000
STACK = 16 * 1024
"""Bytes for the thread of the network; TLS needs more than the usual 4 KB."""
FOLDER = "/"
ON_MAINS = 255

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO


class Board:
    KIND = "esp32"
    """Firmware packages for this board have this name; another board's pins differ, and so must its name."""
    SIGNS = 4
    """MAX7219 chips in the row."""
    BRIGHTNESS = 4
    """0–15."""

    def __init__(self) -> None:
        self._buttons = [machine.Pin(n, machine.Pin.IN, machine.Pin.PULL_UP) for n in BUTTONS]
        self._green = machine.Pin(GREEN, machine.Pin.OUT, value=0)
        self._red = machine.Pin(RED, machine.Pin.OUT, value=0)
        self._buzzer = machine.Pin(BUZZER, machine.Pin.OUT, value=0)
        self._drive = None if DRIVE is None else machine.Pin(DRIVE, machine.Pin.OUT, value=0)
        self._select = machine.Pin(CHIP_SELECT, machine.Pin.OUT, value=1)
        self._spi = machine.SPI(
            SPI_BUS, baudrate=1_000_000, sck=machine.Pin(SCK), mosi=machine.Pin(MOSI)
        )
        self._adc = None if BATTERY is None else machine.ADC(machine.Pin(BATTERY))
        self._watchdog = None
        self._ticks = time.ticks_ms()
        self._now = 0

    def now(self) -> int:
        """Milliseconds since the start. The ticks begin anew every 12 days; this does not."""
        ticks = time.ticks_ms()
        self._now += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._now

    def rest(self) -> None:
        time.sleep_ms(1)

    def restart(self) -> None:
        machine.reset()

    def feed(self) -> None:
        """The first time starts the watchdog, which nothing can stop: a terminal that lacks its settings has none."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=WATCHDOG_MS)
        self._watchdog.feed()

    def beside(self, job: "Callable[[], None]") -> None:
        """Do a job again and again in a thread of its own, since it may wait for the network."""
        import _thread

        _thread.stack_size(STACK)
        _thread.start_new_thread(_again_and_again, (job,))

    # --- flash ---

    def flash(self) -> str:
        """Where the two sets lie."""
        return FOLDER

    def settings(self) -> str:
        with open(FOLDER + "terminal.json") as file:
            return file.read()

    def press_log(self, key_id: str) -> "BinaryIO":
        """The log that belongs to this key; those of earlier keys go, nobody can be told of them any more."""
        name = "presses-" + key_id
        names = os.listdir(FOLDER)
        for other in names:
            if other.startswith("presses-") and other != name:
                os.remove(FOLDER + other)
        return open(FOLDER + name, "r+b" if name in names else "w+b")

    # --- the line ---

    def open_line(self, baud: int) -> None:
        self._uart = machine.UART(
            1, baud, tx=machine.Pin(TX), rx=machine.Pin(RX), rxbuf=512, txbuf=256
        )

    def read(self) -> bytes:
        return self._uart.read() or b"" if self._uart.any() else b""

    def write(self, data: bytes) -> None:
        if self._drive is None:
            self._uart.write(data)
            return
        self._drive(1)
        self._uart.write(data)
        self._uart.flush()
        self._drive(0)

    # --- hands and eyes ---

    def buttons(self) -> int:
        """Which are down, as bits; bit 0 is button 1."""
        bits = 0
        for place, pin in enumerate(self._buttons):
            bits |= (not pin()) << place
        return bits

    def lamp(self, colour: int) -> None:
        """0 off, 1 green, 2 amber (both), 3 red."""
        self._green(colour in (1, 2))
        self._red(colour in (2, 3))

    def buzz(self, on: bool) -> None:
        self._buzzer(on)

    def chips(self, words: bytes) -> None:
        """Two bytes for each MAX7219, the first for the chip farthest away."""
        self._select(0)
        self._spi.write(words)
        self._select(1)

    def battery(self) -> int:
        """Percent; 255 on mains."""
        if self._adc is None:
            return ON_MAINS
        mv = 2 * self._adc.read_uv() // 1000
        return max(0, min(100, 100 * (mv - EMPTY_MV) // (FULL_MV - EMPTY_MV)))


def _again_and_again(job: "Callable[[], None]") -> None:
    while True:
        job()
        time.sleep_ms(5)
