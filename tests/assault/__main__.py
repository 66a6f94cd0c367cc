"""``python -m tests.assault [PART [options]]``; without a part, all of them with their default sizes."""

from __future__ import annotations

import argparse
import signal
import sys

from tests.assault import PARTS, part


def main(argv: list[str]) -> int:
    """Run the parts that the arguments name; return 1 if any of them failed."""
    top = argparse.ArgumentParser(prog="python -m tests.assault", description=__doc__)
    commands = top.add_subparsers(dest="part", metavar="PART")
    for name in PARTS:
        part(name).add_options(commands.add_parser(name, help=part(name).ABOUT))
    # A shell starts what it puts in the background with interrupts ignored; programs inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = [argv] if argv else [[name] for name in PARTS]
    sound = [part(options.part).run(options) for options in map(top.parse_args, wanted)]
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
