"""Named file systems: what their names stand for, and that the real ones tell the same."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.errors import ScenarioError
from harness.scenario import load_data
from harness.scenario.definition import dump
from harness.scenario.filesystems import FILESYSTEMS, FilesystemSettings, expanded, moves_by_itself
from harness.scenario.json_schema import schema
from harness.scenario.plan import draw
from harness.scenario.transport import pack, unpack
from tests.harness.scenario.examples import on
from tests.measured_filesystems.__main__ import RESULTS
from tests.measured_filesystems.expected import GUESSES, differences
from tests.measured_filesystems.facts import FACTS, measure
from tests.measured_filesystems.kernel import is_ticking, kernel_version
from tests.measured_filesystems.mounts import MOUNTABLE, mounted
from tests.measured_filesystems.table import HERE, Machine, Row, rendered


def _faults(filesystem: object) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        on(filesystem)
    return [f"{fault.path}: {fault.message}" for fault in caught.value.faults]


@pytest.mark.parametrize("name", FILESYSTEMS)
def test_a_name_is_short_for_its_keys(name: str) -> None:
    settings = on(name).filesystem
    assert settings == on({"like": name}).filesystem == FilesystemSettings(like=name, **FILESYSTEMS[name])  # type: ignore[arg-type]


def test_a_key_beside_the_name_counts() -> None:
    settings = on({"like": "mergerfs", "inode_forget_ms": 500, "birth_time": True}).filesystem
    assert (settings.inode_stable, settings.inode_forget_ms, settings.birth_time) == (False, 500, True)
    # Also one that says the default.
    assert on({"like": "nfs", "attribute_cache_ms": 0}).filesystem.attribute_cache_ms == 0


@pytest.mark.parametrize(
    "given", ["mergerfs", {"like": "nfs", "attribute_cache_ms": 9}, {"ctime_drift_ms": 5}]
)
def test_a_file_system_survives_a_file_and_a_pipe(given: object) -> None:
    scenario = on(given)
    assert load_data(dump(scenario)) == scenario
    assert unpack(pack(scenario)) == scenario


def test_the_plan_has_the_values_of_the_keys() -> None:
    assert draw(on("mergerfs"), 1, 0).filesystem.inode_forget_ms == 10
    assert draw(on({"inode_stable": True}), 1, 0).filesystem.inode_forget_ms == -1
    assert draw(on("nfs"), 1, 0).filesystem.attribute_cache_ms == 3000
    assert draw(on("overlay"), 1, 0).filesystem.copy_up
    assert draw(on({"ctime_drift_ms": 7}), 1, 0).filesystem.ctime_drift_ms == 7
    assert not draw(on("vfat"), 1, 0).filesystem.ctime_own
    settling = draw(on({"stamps_stable": False, "inode_forget_ms": 7}), 1, 0).filesystem
    assert (settling.stamps_settle_ms, settling.inode_forget_ms) == (7, -1)
    assert draw(on("mergerfs"), 1, 0).filesystem.stamps_settle_ms == -1


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("mergefs", "filesystem: unknown value 'mergefs'; did you mean 'mergerfs'?"),
        ({"like": "zfs"}, "filesystem.like: unknown value 'zfs'; did you mean 'xfs'?"),
        (
            {"like": "smb"},
            "filesystem.like: unknown value 'smb'; expected one of ext4, coarse-ext4, ",
        ),
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


def test_a_value_that_moves_by_itself_is_known() -> None:
    def moves(name: str) -> str:
        return moves_by_itself(FilesystemSettings(**expanded(name)))

    assert {name: moves(name) for name in FILESYSTEMS if moves(name)} == {
        "vfat": "inode_stable",
        "fuse-overlayfs": "stamps_stable",
        "mergerfs": "inode_stable",
        "nfs": "attribute_cache_ms",
    }
    assert moves_by_itself(FilesystemSettings(ctime_drift_ms=1)) == "ctime_drift_ms"


# The real ones


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.requires(f"a mount of {name}")) for name in MOUNTABLE]
)
def test_a_named_file_system_answers_as_the_real_one(name: str) -> None:
    """The kernel's caches are not dropped, which would slow down all that runs beside; the table has that."""
    with mounted(name) as place:
        found = measure(place, forgetting=False)
    assert len(found) >= 7
    assert differences(name, found, ticking=is_ticking(kernel_version())) == {}


def _stored() -> dict[str, Machine]:
    return msgspec.json.decode((RESULTS / "filesystems.json").read_bytes(), type=dict[str, Machine])


def test_each_measured_one_answers_as_its_name_says() -> None:
    wrong = {
        (place, row.name): found
        for place, machine in _stored().items()
        for row in machine.rows
        if (found := differences(row.name, row.facts, ticking=machine.ticking))
    }
    assert wrong == {}


def test_each_named_one_was_measured_somewhere() -> None:
    """`coarse-ext4` is the ext4 of the kernel whose stamps are ticks."""
    machines = _stored()
    measured = {row.name for machine in machines.values() for row in machine.rows if row.facts}
    assert measured == set(FILESYSTEMS) - {"coarse-ext4"} == set(GUESSES)
    guest = machines["guest"]
    assert guest.ticking and guest.tick_ms == FILESYSTEMS["coarse-ext4"]["time_grain_ms"]
    assert machines[HERE].tick_ms == FILESYSTEMS["fuse-overlayfs"]["time_grain_ms"]
    ext4 = next(row.facts for row in guest.rows if row.name == "ext4")
    assert differences("coarse-ext4", ext4, ticking=False) == {}


def test_a_name_that_tells_something_else_is_found() -> None:
    vfat = next(row.facts for row in _stored()["guest"].rows if row.name == "vfat")
    assert differences("vfat", vfat, ticking=True) == {}
    assert differences("tmpfs", vfat, ticking=True) == {
        "whole_ms": (0, 2000),
        "same_size_seen": (True, False),
        "ctime_own": (True, False),
        "number_kept": (True, False),
    }


def test_the_document_is_that_of_the_measurements() -> None:
    assert (RESULTS / "filesystems.md").read_text() == rendered(_stored())


def test_the_document_marks_wrong_guesses_and_missing_rows() -> None:
    facts = dict.fromkeys(FACTS, True)
    rows = [Row("nfs", facts=facts), Row("vfat", why_not="no such thing")]
    lines = rendered({"here": Machine("9.9.9", 4, False, rows)}).splitlines()
    assert "| vfat | not measured: no such thing |" + " |" * (len(FACTS) - 1) in lines
    (nfs,) = (line for line in lines if line.startswith("| nfs (kernel) |"))
    assert "| yes ! (no) |" in nfs and "| yes ! (3) |" in nfs and "| yes | yes |" in nfs
