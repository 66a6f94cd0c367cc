"""`well_formed` reads what the validator reads, and gives up on all else."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.scenario import Scenario
from harness.scenario.definition import FilesystemSettings
from harness.scenario.filesystems import expanded
from harness.scenario.form import well_formed
from harness.scenario.reader import Document, read
from harness.scenario.validator import validated

FOLDER = Path(__file__).resolve().parents[3] / "scenarios"
#: One of each five, and those with keys that few have.
FILES = [
    *sorted(FOLDER.glob("*.yaml"))[::5],
    *(FOLDER / "programs").glob("vim*.yaml"),
    FOLDER / "full-disk.yaml",
]
MUTANTS = 150
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 51, 86_400_001, 10**30, 1.0, 0.5, float("nan"), float("inf")),
    *("", "all", "a b", "\ud800", [], [1, 2], [2, 1], [1, 2, 3], ["user"], {}, {"a": 1}, {"like": "ext4"}),
)


def data_of(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = read(str(path), path.read_text("utf-8")).data
    if "filesystem" in data:
        data["filesystem"] = expanded(data["filesystem"])
    return {**data, "name": path.stem}


def judged(data: dict[str, Any]) -> Scenario | None:
    """Return what the validator says, without the places of faults."""
    document = Document("any", dict(data))
    document.fault = lambda *_: None  # type: ignore[method-assign]  # there are no places
    return validated(data, document)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, item in parts:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(data: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return the data with one value, key or item another one."""
    found = copy.deepcopy(data)
    path = rng.choice(list(places(found)))
    parent: Any = found
    for key in path[:-1]:
        parent = parent[key]
    match rng.randrange(4):
        case 0:
            del parent[path[-1]]
        case 1 if isinstance(parent, dict):
            parent["odd"] = rng.choice(ODD)
        case _:
            parent[path[-1]] = rng.choice(ODD)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_right_scenario_is_read_as_by_the_validator(path: Path) -> None:
    data = data_of(path)
    found = well_formed(data)
    assert found is not None
    assert found == judged(data)
    assert repr(found) == repr(judged(data))


def test_changed_data_is_read_as_by_the_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.scenario.validator.explain", lambda *_: None)
    rng = random.Random(7)
    files = [data_of(path) for path in FILES]
    read_at_once = 0
    for _ in range(MUTANTS):
        data = changed(rng.choice(files), rng)
        found = well_formed(data)
        if found is not None:
            read_at_once += 1
            assert repr(found) == repr(judged(data)), data
    assert 0 < read_at_once < MUTANTS


def test_a_choice_is_the_declared_object() -> None:
    # Programs are encoded without defaults, which are told by identity.
    data = {**data_of(FOLDER / "quickstart.yaml"), "filesystem": {"inode_reuse": "".join(["alw", "ays"])}}
    found = well_formed(data)
    assert found is not None
    assert found.filesystem.inode_reuse is FilesystemSettings().inode_reuse


def test_a_role_from_outside_is_left_to_the_validator() -> None:
    data = data_of(FOLDER / "quickstart.yaml")
    data["lanes"][1]["role"] = "from-outside"
    assert well_formed(data) is None
