"""Run by MicroPython: what a display shows over time, with a pretend row of chips."""

import json

import test
from firmware.display import Display


class Board:
    SIGNS, BRIGHTNESS = 4, 0

    def chips(self, words):
        pass


class Chips:
    def __init__(self):
        self.drawn = []

    def draw(self, text):
        self.drawn.append([now, text])


now = 0
display = Display(Board(), None)
display._matrix = chips = Chips()
for what, *values in json.loads(test.given):
    at = values[-1]
    if what == "polled":
        display.polled(at)
    elif what == "shown":
        display.shown(*values)
    for now in range(at, at + 2000, 50):
        display.tick(now)
test.found(json.dumps(chips.drawn))
