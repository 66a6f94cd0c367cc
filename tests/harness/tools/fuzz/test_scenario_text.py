"""A written scenario can be read, and is the one that was drawn."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from harness.scenario import Expectation, load, load_data
from harness.tools.fuzz.scenario_strategies import scenarios
from harness.tools.fuzz.scenario_text import as_yaml, file_stem


@settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=list(HealthCheck),
)
@given(scenarios("runner-appends"))
def test_a_written_scenario_reads_as_the_one_that_was_drawn(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.yaml"
    path.write_text(as_yaml(data, "none", 7, "crash", "runner: said 'on'\x1b", ["dead_end"]))
    read = load(path)
    assert read.source == "fuzz, seed 7"
    assert read.about == "Found by fuzzing: crash; runner: said 'on' "
    assert read.expect == {"none": Expectation(must=("crash",), may=("dead_end",))}
    head = {"name": "a", "about": read.about, "source": read.source, "expect": {}}
    assert dataclasses.replace(read, expect={}) == load_data({**head, **data})


def test_only_the_kind_is_expected_if_no_other_showed(tmp_path: Path) -> None:
    data = {"policy": "coordinated", "lanes": [{"role": "runner"}]}
    path = tmp_path / "a.yaml"
    path.write_text(as_yaml(data, "my/fence.py:Mine", 1, "lost_entry", "gone", []))
    assert load(path).expect == {"my/fence.py:Mine": ("lost_entry",)}


@pytest.mark.parametrize(
    ("fence", "stem"),
    [
        ("stat-2026.5.17", "fuzz-stat-2026.5.17-lost-entry"),
        ("a/b.py:Mine", "fuzz-a-b.py-Mine-lost-entry"),
        ("../x.py:Y", "fuzz-x.py-Y-lost-entry"),
    ],
)
def test_a_file_is_named_after_fence_and_kind(fence: str, stem: str) -> None:
    assert file_stem(fence, "lost_entry") == stem
