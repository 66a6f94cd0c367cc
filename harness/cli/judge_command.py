"""``judge``: judge a stored history again."""

from __future__ import annotations

import argparse
import contextlib
import sys

import msgspec

from harness.cli.extension_permission import load_named, scenario_of
from harness.cli.output import emit
from harness.cli.status import INCONCLUSIVE, NOT_EXPECTED, OK
from harness.model import policy
from harness.model.errors import FormatError
from harness.model.history import History
from harness.model.history_text import decode
from harness.model.policy import Policy
from harness.oracle import judge
from harness.oracle.verdict import Judgement
from harness.report.story import brief, headline, name_of, story
from harness.results import witness
from harness.results.witness_archive import content

__all__ = ["main"]

_FILE_BYTES_MAX = 1 << 24
#: How a witness begins.
_WITNESS = b'{\n "claim"'


def main(arguments: argparse.Namespace) -> int:
    """Judge a history; return 1 for a violation, else 3 if the truth is not known, else 0."""
    load_named(arguments.extension)
    history = _history(arguments)
    chosen = policy.resolve(arguments.policy) if arguments.policy else None
    history, judgement = _judged(arguments, history, chosen)
    if arguments.json:
        emit(msgspec.json.encode({"counts": judgement.counts(), "judgement": judgement}).decode())
    else:
        name = chosen.name if chosen is not None else history.header.policy
        header = history.header
        emit(f"{name_of(header.scenario)} / {name_of(header.fence)}, policy {name_of(name)}")
        for verdict, count in judgement.counts().items():
            emit(f"  {verdict.replace('_', ' ')}: {count}")
        if judgement.inconclusive:
            emit(f"  inconclusive: {brief(judgement.inconclusive)}")
        for violation in judgement.violations:
            emit(f"{headline(history, violation)}")
            for line in story(history, judgement, violation):
                emit(f"  {line}")
    if judgement.violations:
        # It is proved, even if the rest is not known.
        return NOT_EXPECTED
    return INCONCLUSIVE if judgement.inconclusive else OK


def _judged(
    arguments: argparse.Namespace, history: History, chosen: Policy | None
) -> tuple[History, Judgement]:
    """Return the history, with the invariants that the user adds, and its judgement.

    Raises:
        UsageError: an invariant cannot be loaded, or may not be.
    """
    named = tuple(arguments.invariant or ())
    header = history.header
    names = tuple(dict.fromkeys([*header.invariants, *named]))
    if not names:
        return history, judge(history, chosen)
    # Imported here because few histories have invariants.
    from harness.cli.history_invariants import load_for

    load_for(arguments.history, header, names, named, arguments.allow_programs)
    history = msgspec.structs.replace(history, header=msgspec.structs.replace(header, invariants=names))
    # A rule may print, and its words must not stand among ours.
    with contextlib.redirect_stdout(sys.stderr):
        return history, judge(history, chosen)


def _history(arguments: argparse.Namespace) -> History:
    """Return the history that a file is, or that a witness carries.

    Raises:
        FormatError: the file cannot be read, or is neither.
    """
    path = arguments.history
    try:
        data = content(path, _FILE_BYTES_MAX)
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror}; give the path of a history or of a witness") from error
    if data.startswith(_WITNESS):
        found = witness.decode(data, path)
        if found.extensions:
            # Its invariants may be theirs.
            scenario_of(path, found, arguments.extension or (), arguments.allow_programs)
        data = found.history.encode()
    return decode(data, path)
