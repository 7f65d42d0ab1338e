"""What MicroPython starts: copied to the root of the terminal's flash, the rest into /firmware."""

from firmware import run

run.main()
