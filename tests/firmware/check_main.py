"""Run by MicroPython: main.py itself, with two sets on a flash and a pretend `machine`."""

import json
import os
import sys

import test
from firmware import sets

given = json.loads(test.given)
happened = []


class Machine:
    @staticmethod
    def WDT(timeout):
        happened.append("watchdog")

    @staticmethod
    def reset():
        happened.append("reset")


sys.modules["machine"] = Machine
sys.modules["sets"] = sets
for name in ("firmware", "firmware.sets"):
    del sys.modules[name]
for name, source in (("a", given["source"]), ("b", "def main(): pass")):
    os.mkdir("/" + name)
    os.mkdir("/" + name + "/firmware")
    with open("/" + name + "/firmware/run.py", "w") as file:
        file.write(source)
    with open("/" + name + "/firmware/__init__.py", "w") as file:
        file.write("")
kept = sets.Sets("/")
kept.trial = given["trial"]
kept._save()
exec(given["main"])
happened.insert(0, sys.path[0][1:])
test.found(json.dumps({"happened": happened, "starts": sets.Sets("/").trial.get("starts")}))
