"""Where stat changes with time alone, an exhaustive search has no classes and is refused before it begins."""

from __future__ import annotations

import pytest

from harness.cli.search_tasks import exhaustive
from harness.explore.search_task import SearchTask
from harness.model.errors import UsageError
from tests.harness.scenario.examples import on


def _task(filesystem: object) -> SearchTask:
    return SearchTask(on(filesystem), "none", "kernel", "exhaustive", 1, 10, 1.0)


@pytest.mark.parametrize(
    ("filesystem", "key"),
    [
        ("mergerfs", "inode_stable"),
        ("fuse-overlayfs", "stamps_stable"),
        ("nfs", "attribute_cache_ms"),
        ({"ctime_drift_ms": 4}, "ctime_drift_ms"),
    ],
)
def test_classes_are_refused_and_bounded_schedules_are_not(filesystem: object, key: str) -> None:
    with pytest.raises(UsageError, match=f"filesystem.{key}: the answer of stat changes with time alone"):
        exhaustive([_task(filesystem)], 0, -1)
    assert len(exhaustive([_task(filesystem)], 0, 2)) == 1
    assert len(exhaustive([_task("xfs")], 0, -1)) == 1
