"""Where the witnesses of results/openclaw.json are kept: each in one place, none twice.

One witness of each cause is a file in results/openclaw/, to be read; all others are members
of results/openclaw.tar.xz. Both kinds of path, ``results/openclaw/NAME.json`` and
``results/openclaw.tar.xz:NAME.json``, can be given to `replay`, `judge` and `shrink`.

A cause is the kind of the violation, what the witness claims with roles instead of the names
of lanes, and the actions of its rogue. Of the witnesses of a cause the one that was shrunk
and has the shortest history is the file; where several do, the first by name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from harness.results import witness_archive
from harness.results.witness import Witness, decode
from harness.system.output_file import write_whole

__all__ = ["Cause", "cause_of", "causes", "load", "name_of", "readable", "store"]

_ARCHIVE = "openclaw.tar.xz"
_FOLDER = "openclaw"
_ENTRY = re.compile(r"\bentry \S+")
_TURN = re.compile(r" in turn \d+")

#: Kind of the violation, claim, and act of the rogue.
Cause = tuple[str, str, tuple[str, ...]]


def cause_of(witness: Witness) -> Cause:
    """Return what a witness has in common with others that show the same defect."""
    lanes = witness.program.lanes
    roles = {lane.name: lane.role for lane in lanes}
    names = "|".join(re.escape(name) for name in sorted(roles, key=len, reverse=True))
    detail = _TURN.sub("", _ENTRY.sub("an entry", witness.claim.detail))
    detail = re.sub(rf"(?<![\w-])({names})(?![\w-])", lambda found: roles[found[1]], detail)
    actions = {op.how for lane in lanes for op in lane.ops if op.kind == "action"}
    return witness.claim.kind, detail, tuple(sorted(actions))


def readable(witnesses: Mapping[str, Witness]) -> dict[Cause, str]:
    """Return the name of the witness that is kept as a file, for each cause in order."""
    best: dict[Cause, tuple[bool, int, str]] = {}
    for name, witness in witnesses.items():
        rank = witness.shrunk_from is None, len(witness.history), name
        cause = cause_of(witness)
        best[cause] = min(best.get(cause, rank), rank)
    return {cause: name for cause, (_, _, name) in sorted(best.items())}


def causes(contents: Mapping[str, bytes]) -> str:
    """Return the table of the witnesses to read, one of each cause, as Markdown.

    Args:
        contents: of all witnesses by name.
    """
    witnesses = {name: decode(data, name) for name, data in contents.items()}
    alike = Counter(cause_of(witness) for witness in witnesses.values())
    rows = [
        "## One witness of each cause",
        "",
        "A cause is the kind of the violation, what the witness claims and what the rogue did. The file in",
        "openclaw/ is the one of its cause with the shortest history; the others are in openclaw.tar.xz:",
        "`python -m harness replay results/openclaw.tar.xz` lists them.",
        "",
        "| kind | claim | rogue | witness | one of |",
        "|---|---|---|---|---|",
    ]
    for cause, name in readable(witnesses).items():
        kind, claim, actions = cause
        link = f"[{name.removesuffix('.json')}](openclaw/{name})"
        facts = kind.replace("_", " "), claim, ", ".join(actions), link, str(alike[cause])
        rows.append(f"| {' | '.join(facts)} |")
    return "\n".join(rows) + "\n"


def load(results: Path) -> dict[str, bytes]:
    """Return all kept witnesses by name, from the folder and from the archive.

    Args:
        results: the folder of the tables.
    """
    archive = results / _ARCHIVE
    packed = witness_archive.members(str(archive)) if archive.exists() else {}
    files = {path.name: path.read_bytes() for path in (results / _FOLDER).glob("*.json")}
    return dict(sorted({**packed, **files}.items()))


def store(results: Path, contents: Mapping[str, bytes]) -> dict[str, str]:
    """Keep these witnesses and no others.

    Args:
        results: the folder of the tables.
        contents: by name.

    Returns:
        The path of each, from the folder above `results`.
    """
    folder = results / _FOLDER
    folder.mkdir(exist_ok=True)
    files = set(readable({name: decode(data, name) for name, data in contents.items()}).values())
    # In this order nothing is lost when it is interrupted.
    for name in files:
        write_whole(str(folder / name), contents[name])
    packed = {name: data for name, data in contents.items() if name not in files}
    write_whole(str(results / _ARCHIVE), witness_archive.encode(packed))
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    places = {name: folder / name if name in files else f"{results / _ARCHIVE}:{name}" for name in contents}
    return {name: str(place).removeprefix(f"{results.parent}/") for name, place in places.items()}


def name_of(path: str) -> str:
    """Return the name of the witness that a path of `store` leads to."""
    named = witness_archive.split(path)
    return named[1] if named else Path(path).name
