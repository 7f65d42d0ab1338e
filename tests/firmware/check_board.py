"""Run by MicroPython: the ESP32's own board file on a pretend `machine`, with real files."""

import json
import os
import sys
import time

import test


class Pin:
    IN, OUT, PULL_UP = 0, 1, 2
    made = {}
    held = ()

    def __init__(self, number, mode=0, pull=None, value=0):
        self.level = 1 if pull == Pin.PULL_UP else value
        if number in Pin.held:
            self.level = 0
        Pin.made[number] = self

    def __call__(self, level=None):
        if level is not None:
            self.level = int(level)
        return self.level


class UART:
    def __init__(self, number, baud, tx, rx, rxbuf, txbuf):
        self.baud, self.sent, self.coming, self.driven = baud, b"", b"", None
        machine.uart = self

    def any(self):
        return len(self.coming)

    def read(self):
        data, self.coming = self.coming, b""
        return data

    def write(self, data):
        self.sent += data
        self.driven = machine.driver and machine.driver()

    def flush(self):
        pass


class SPI:
    def __init__(self, number, baudrate, sck, mosi):
        pass

    def write(self, data):
        machine.words.append(bytes(data))


class ADC:
    def __init__(self, pin):
        pass

    def read_uv(self):
        return 1_862_500


class WDT:
    def __init__(self, timeout):
        self.timeout, self.fed = timeout, 0
        machine.watchdog = self

    def feed(self):
        self.fed += 1


class Machine:
    Pin, UART, SPI, ADC, WDT = Pin, UART, SPI, ADC, WDT
    uart = watchdog = driver = None
    words = []


machine = Machine()
sys.modules["machine"] = machine
from firmware import esp32_board  # noqa: E402 (after its machine)

sys.modules["firmware.board"] = esp32_board
from firmware import run  # noqa: E402

given = json.loads(test.given)
found = {}

with open("/terminal.json", "w") as file:
    file.write(json.dumps(given["settings"]))
with open("/presses-of-another-key", "w") as file:
    file.write("old")

terminal = run.Machine(esp32_board.Board())
found["watchdog at first"] = machine.watchdog is None
button = Pin.made[esp32_board.BUTTONS[2]]
button.level = 0
while not Pin.made[esp32_board.BUZZER].level:
    terminal.step()
machine.uart.coming = bytes.fromhex(given["late poll"])
for _ in range(3):
    terminal.step()
    time.sleep_ms(10)
found["said too late"] = machine.uart.sent.hex()
machine.uart.coming = bytes.fromhex(given["poll"]) + b"\xff\xff"
while not machine.uart.sent:
    terminal.step()
machine.uart.coming = bytes.fromhex(given["lamp"])
while not Pin.made[esp32_board.GREEN].level:
    terminal.step()
found["said"] = machine.uart.sent.hex()
found["amber"] = Pin.made[esp32_board.RED].level
found["baud"] = machine.uart.baud
found["fed"] = machine.watchdog.fed > 0
found["files"] = sorted(name for name in os.listdir("/") if name.startswith("presses"))

again = esp32_board.Board()
log = run.PressLog(again.press_log(found["files"][0][len("presses-") :]))
found["kept"] = [[press.count, press.button] for press in log.waiting]
found["on mains"] = again.battery()

esp32_board.DRIVE, esp32_board.BATTERY = 5, 34
driven = esp32_board.Board()
machine.driver = Pin.made[5]
driven.open_line(19200)
driven.write(b"x")
found["driven"] = [machine.uart.driven, machine.driver()]
found["battery"] = driven.battery()


class Threads:
    @staticmethod
    def stack_size(size):
        found["stack"] = size

    @staticmethod
    def start_new_thread(again_and_again, given):
        try:
            again_and_again(*given)
        except StopIteration:
            found["turns"] = len(turns)


def turn():
    turns.append(1)
    if len(turns) == 3:
        raise StopIteration


turns = []
sys.modules["_thread"] = Threads
again.beside(turn)

Pin.held = (esp32_board.BUTTONS[0], esp32_board.BUTTONS[3])
run.main()
found["came back from service"] = True
test.found(json.dumps(found))
