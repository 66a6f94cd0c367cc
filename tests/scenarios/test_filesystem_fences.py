"""The table of fences and file systems is that of its data, and a run finds the same as its data."""

from __future__ import annotations

import pytest

from harness.scenario.filesystems import FILESYSTEMS
from tests.fence.sound.members import SOUND
from tests.filesystem_fences import RESULTS, SCHEDULES, SITUATIONS, asked, fences, rendered, stored

pytestmark = pytest.mark.requires("kernel-gate")


def test_the_document_is_that_of_the_data() -> None:
    assert RESULTS.with_suffix(".md").read_text() == rendered(stored())


def test_each_fence_was_asked_on_each_file_system() -> None:
    cells = stored()
    at = {(cell.situation, cell.filesystem, cell.fence) for cell in cells}
    wanted = {(one, name, fence) for one in SITUATIONS for name in FILESYSTEMS for fence in fences()}
    assert at == wanted and len(cells) == len(wanted)
    assert {(cell.schedules, cell.inconclusive) for cell in cells} == {(SCHEDULES, 0)}


def test_a_sound_fence_is_right_everywhere_and_another_is_not() -> None:
    wrong = {cell.fence for cell in stored() if cell.violations}
    assert wrong == set(fences()) - {"ledger"}
    for name in FILESYSTEMS:
        none = [cell for cell in stored() if (cell.filesystem, cell.fence) == (name, "none")]
        missed = {cell.situation for cell in none if cell.violations.get("missed_takeover", 0) > 90}
        assert missed == {"rename", "number again", "same-size rewrite"}, name


@pytest.mark.parametrize(
    ("situation", "filesystem", "fence"),
    [
        ("quiet", "mergerfs", "pr-84046"),
        ("quiet", "fuse-overlayfs", "stat-2026.5.17"),
        ("co-tenant", "nfs", "issue-84071-a"),
        ("number again", "ext4-128", "pr-84149"),
        ("same-size rewrite", "coarse-ext4", "issue-84071-b"),
    ],
)
def test_a_cell_comes_out_the_same_again(situation: str, filesystem: str, fence: str) -> None:
    (cell,) = (
        one
        for one in stored()
        if (one.situation, one.filesystem, one.fence) == (situation, filesystem, fence)
    )
    assert asked([situation], [filesystem], [fence], SCHEDULES) == [cell]


#: Those where stat tells more than which numbers are used again; that the shipped scenarios have.
_SPECIAL = [name for name, keys in FILESYSTEMS.items() if set(keys) - {"inode_reuse"}]


@pytest.mark.parametrize("name", _SPECIAL)
def test_no_sound_fence_is_accused_on_a_special_file_system(name: str) -> None:
    cells = asked(list(SITUATIONS), [name], list(SOUND.values()), 10)
    assert len(cells) == len(SITUATIONS) * len(SOUND)
    assert [cell for cell in cells if cell.violations or cell.inconclusive] == []
