"""The command `motcua`: one word for each thing that a person does with a centre from the shell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[[argparse.Namespace], int]


def _up(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("up", help="run a whole centre on this machine")
    parser.add_argument("--data", type=Path, default=Path("var"), help="data folder")
    parser.add_argument("--settings", type=Path, help="settings file (default: the sample centre)")
    parser.add_argument(
        "--windows",
        action=argparse.BooleanOptionalAction,
        help="kiosk and tablet windows (default: where a display is there)",
    )

    def run(args: argparse.Namespace) -> int:
        from .up import run as run_up

        return run_up(args.data, args.settings, args.windows)

    parser.set_defaults(run=run)


PROGRAMS = {
    "kiosk": ("kiosk.main", "run a kiosk: numbers, on paper and on the screen"),
    "tablet": ("tablet_survey.main", "run a satisfaction tablet"),
    "bridge": ("firmware_bridge.main", "run the bridge to button terminals"),
    "catalogue": ("queue_server.catalogue_command", "import and look up procedures"),
    "accounts": ("queue_server.accounts_command", "people and devices"),
    "firmware": ("queue_server.firmware_command", "signed firmware for terminals"),
    "backup": ("queue_server.keeping_command", "copy a running centre"),
    "restore": ("queue_server.keeping_command", "bring a backup back elsewhere, in a new epoch"),
    "verify": ("queue_server.keeping_command", "check the log from its first line to its last"),
    "doctor": ("queue_server.doctor_command", "look at every part: ok, or how to mend it"),
    "simulate": ("queue_server.simulate_command", "replay a day, make days, or a live demo"),
    "report": ("queue_server.report_command", "a month's satisfaction: poster, table, JSON"),
    "roster": ("queue_server.roster_command", "plan tomorrow's counters from past days"),
}


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="motcua", description="Một Cửa: a one-stop public service centre."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _up(commands)
    if arguments and arguments[0] in PROGRAMS:
        import importlib

        importlib.import_module(PROGRAMS[arguments[0]][0]).add_parser(commands)
    else:
        for name, (_, help_text) in PROGRAMS.items():
            commands.add_parser(name, help=help_text)
    args = parser.parse_args(arguments)
    from .wire import logs

    logs.begin()
    run: Run = args.run
    return run(args)


if __name__ == "__main__":
    sys.exit(main())
