"""Named file systems: what their names stand for, and that the real ones tell the same."""

from __future__ import annotations

import pytest

from harness.model.errors import ScenarioError
from harness.scenario import Scenario, load_data
from harness.scenario.definition import dump
from harness.scenario.filesystems import FILESYSTEMS, FilesystemSettings, expanded, moves_by_itself
from harness.scenario.json_schema import schema
from harness.scenario.plan import draw
from harness.scenario.transport import pack, unpack
from tests.measured_filesystems import FACTS, GUESSES, MOUNTABLE, TABLE, measure, mounted, told

BASE = {
    "name": "small",
    "about": "about",
    "source": "source",
    "policy": "coordinated",
    "lanes": [{"role": "runner"}],
    "expect": {},
}


def _load(filesystem: object) -> Scenario:
    return load_data({**BASE, "filesystem": filesystem})


def _faults(filesystem: object) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        _load(filesystem)
    return [f"{fault.path}: {fault.message}" for fault in caught.value.faults]


@pytest.mark.parametrize("name", FILESYSTEMS)
def test_a_name_is_short_for_its_keys(name: str) -> None:
    settings = _load(name).filesystem
    assert settings == _load({"like": name}).filesystem == FilesystemSettings(like=name, **FILESYSTEMS[name])  # type: ignore[arg-type]


def test_a_key_beside_the_name_counts() -> None:
    settings = _load({"like": "mergerfs", "inode_forget_ms": 500, "birth_time": True}).filesystem
    assert (settings.inode_stable, settings.inode_forget_ms, settings.birth_time) == (False, 500, True)
    # Also one that says the default.
    assert _load({"like": "nfs", "attribute_cache_ms": 0}).filesystem.attribute_cache_ms == 0


@pytest.mark.parametrize(
    "given", ["mergerfs", {"like": "nfs", "attribute_cache_ms": 9}, {"ctime_drift_ms": 5}]
)
def test_a_file_system_survives_a_file_and_a_pipe(given: object) -> None:
    scenario = _load(given)
    assert load_data(dump(scenario)) == scenario
    assert unpack(pack(scenario)) == scenario


def test_the_plan_has_what_the_keys_say() -> None:
    assert draw(_load("mergerfs"), 1, 0).filesystem.inode_forget_ms == 10
    assert draw(_load({"inode_stable": True}), 1, 0).filesystem.inode_forget_ms == -1
    assert draw(_load("nfs"), 1, 0).filesystem.attribute_cache_ms == 3000
    assert draw(_load("overlay"), 1, 0).filesystem.copy_up
    assert draw(_load({"ctime_drift_ms": 7}), 1, 0).filesystem.ctime_drift_ms == 7


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("mergefs", "filesystem: unknown value 'mergefs'; did you mean 'mergerfs'?"),
        ({"like": "zfs"}, "filesystem.like: unknown value 'zfs'; did you mean 'xfs'?"),
        ({"like": "smb"}, "filesystem.like: unknown value 'smb'; expected one of ext4, coarse-ext4, xfs, "),
        ({"inode_stabel": False}, "filesystem.inode_stabel: unknown key; did you mean 'inode_stable'?"),
        ({"inode_forget_ms": -5}, "filesystem.inode_forget_ms: must be >= 0 (got -5)"),
        ({"ctime_drift_ms": -1}, "filesystem.ctime_drift_ms: must be >= 0 (got -1)"),
        (5, "filesystem: must be a mapping (got 5)"),
    ],
)
def test_a_mistake_is_told_at_its_place(given: object, fault: str) -> None:
    (found,) = _faults(given)
    assert found.startswith(fault)


def test_the_schema_offers_names_and_keys() -> None:
    names, keys = schema()["properties"]["filesystem"]["anyOf"]
    assert names == {"enum": list(FILESYSTEMS)}
    assert keys == {"$ref": "#/$defs/FilesystemSettings"}


def test_what_moves_by_itself_is_known() -> None:
    def moves(name: str) -> str:
        return moves_by_itself(FilesystemSettings(**expanded(name)))

    assert {name: moves(name) for name in FILESYSTEMS if moves(name)} == {
        "vfat": "inode_stable",
        "mergerfs": "inode_stable",
        "nfs": "attribute_cache_ms",
    }
    assert moves_by_itself(FilesystemSettings(ctime_drift_ms=1)) == "ctime_drift_ms"


# The real ones


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.requires(f"a mount of {name}")) for name in MOUNTABLE]
)
def test_a_named_file_system_tells_what_the_real_one_tells(name: str) -> None:
    """Without what the kernel forgets, which would slow down all that runs beside; the table has that."""
    with mounted(name) as place:
        found = measure(place, forgetting=False)
    assert {fact: answer for fact, answer in told(name).items() if fact in found} == {
        fact: found[fact] for fact in told(name) if fact in found
    }


def test_the_table_says_of_each_what_its_name_tells() -> None:
    rows = [line.strip("| ").split(" | ") for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    facts = [cell.strip() for cell in rows[0][1:]]
    assert facts == list(FACTS)
    measured = {row[0].split(" ")[0]: row[1:] for row in rows[1:] if "not measured" not in row[1]}
    assert len(measured) >= 4 and set(measured) <= set(GUESSES)
    for name, cells in measured.items():
        answers = dict(zip(facts, (cell.split(" !")[0].strip() for cell in cells), strict=False))
        shown = {True: "yes", False: "no"}
        for fact, answer in told(name).items():
            assert answers[fact] == (shown[answer] if isinstance(answer, bool) else answer), (name, fact)
