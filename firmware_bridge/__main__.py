"""`python -m firmware_bridge bridge …`: the bridge alone, for a small machine without the server's command."""

import argparse

from . import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="firmware_bridge")
    main.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args()
    raise SystemExit(args.run(args))
