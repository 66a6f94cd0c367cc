"""Read the values of arguments, with messages that say what was expected, and options of several commands."""

from __future__ import annotations

import argparse

__all__ = [
    "EXPLORERS_MAX",
    "allow_programs",
    "at_least",
    "explorers",
    "extension",
    "least",
    "positive",
    "rate",
    "scenario_folder",
    "session_root",
    "shard",
]

EXPLORERS_MAX = 256

_RATE_MIN = 1e-7
_PERCENT = 100
_SHARD_DIGITS = 6
#: Longer than any run, and no more than a clock can count.
_TIME_LIMIT_S_MAX = 1_000_000_000


class at_least:  # used like a function
    """Read a whole number in a range; used as the type of an argument.

    Args:
        least, most: the range.
    """

    def __init__(self, least: int, most: int = (1 << 63) - 1) -> None:
        self._least = least
        self._most = most

    def __call__(self, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None
        if not self._least <= value <= self._most:
            raise argparse.ArgumentTypeError(f"must be {self._least} to {self._most} (got {text})")
        return value


def rate(text: str) -> float:
    """Return a share of all schedules, above 0 and below 1.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a share such as 0.001, got {text!r}") from None
    if not _RATE_MIN <= value < 1:
        raise argparse.ArgumentTypeError(f"must be {_RATE_MIN} or more and below 1 (got {text})")
    return value


def least(text: str) -> str:
    """Return a number of schedules or a percentage, as it was given.

    Raises:
        argparse.ArgumentTypeError: it is neither.
    """
    number = text.removesuffix("%")
    if not number.isdecimal() or (text.endswith("%") and int(number) > _PERCENT):
        raise argparse.ArgumentTypeError(f"expected a number of schedules or 0% to 100%, got {text!r}")
    return text


def positive(text: str) -> float:
    """Return a number of seconds above 0.

    Raises:
        argparse.ArgumentTypeError: it is none, or longer than a clock can count.
    """
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected seconds, got {text!r}") from None
    if not 0 < value <= _TIME_LIMIT_S_MAX:
        raise argparse.ArgumentTypeError(f"must be > 0 and at most {_TIME_LIMIT_S_MAX} (got {text})")
    return value


def shard(text: str) -> str:
    """Return the shard ``K/N``, as it was given.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    number, slash, count = text.partition("/")
    digits = all(one.isascii() and one.isdigit() and len(one) <= _SHARD_DIGITS for one in (number, count))
    if not slash or not digits or not 1 <= int(number) <= int(count):
        raise argparse.ArgumentTypeError(
            f"expected K/N with K from 1 to N and N below 10^{_SHARD_DIGITS}, as in 3/200 (got {text!r})"
        )
    return text


def allow_programs(command: argparse.ArgumentParser) -> None:
    """Add the option without which files of the user start nothing."""
    command.add_argument(
        "--allow-programs",
        action="store_true",
        help="start programs that a file names (role program), and run fences, invariants and extensions "
        "that only a file names",
    )


def extension(command: argparse.ArgumentParser) -> None:
    """Add the option that loads a file of the user's with roles, actions and so on."""
    command.add_argument(
        "--extension",
        metavar="FILE.py",
        action="append",
        help="load roles, actions, policies, strategies, faults and invariants of this file "
        "(docs/your-runtime.md)",
    )


def explorers(command: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the option that says how many processes run schedules."""
    command.add_argument(
        "--explorers",
        type=at_least(1, EXPLORERS_MAX),
        metavar="N",
        help="processes that run schedules (default: one for each core)",
    )


def scenario_folder(command: argparse.ArgumentParser) -> None:
    """Add the option that says where the scenarios of controls are."""
    command.add_argument(
        "--scenarios", metavar="DIR", help="folder of the scenarios (default: those of the harness)"
    )


def session_root(command: argparse.ArgumentParser) -> None:
    """Add the option that says where session directories are made."""
    command.add_argument("--session-root", metavar="DIR", help="folder in which session directories are made")
