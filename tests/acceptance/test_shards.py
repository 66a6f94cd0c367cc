"""Shards that know nothing of each other come to the results of one run, to the last figure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import ROGUE, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

#: Fields about a run's time, its machine and its folder; everything else has to be the same.
APART = ("wall_s", "steps_per_s", "workers", "peak_bytes", "explorers", "first_violation", "ran", "voided")
#: Times in JUnit, and the folder in the command that replays.
_TIMES = re.compile(r' time="[0-9.]+"|timestamp="[^"]+"')
FENCE = """
class Lax(Fence):
    def guarded_write(self, entries):
        super().guarded_write(entries)
"""


def figures(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in APART}


def witnesses(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "witnesses").iterdir()}


def plain(junit: Path, out: Path) -> str:
    return _TIMES.sub("", junit.read_text()).replace(str(out), "OUT")


def test_merged_shards_give_the_result_of_one_run(harness: Harness, tmp_path: Path) -> None:
    write_fence(tmp_path, FENCE, "lax.py")
    scenario = write_scenario(tmp_path, ROGUE)
    asked = ("run", scenario, "--fence", f"{tmp_path}/lax.py:Lax", "--schedules", 16)
    root = ("--session-root", harness.session_root)
    whole = harness.call(
        *asked, *root, "--no-shrink", "--json", "--junit", tmp_path / "1.xml", "--out", harness.out
    )
    shards = []
    for number in (1, 2):
        shards.append(tmp_path / f"shard {number}")
        ended = harness.call(*asked, *root, "--no-shrink", "--shard", f"{number}/2", "--out", shards[-1])
        # Each shows a violation that the scenario does not expect.
        assert ended.status == 1, ended
    merged = tmp_path / "merged"
    ended = harness.call("merge", *shards, *root, "--json", "--junit", tmp_path / "2.xml", "--out", merged)
    assert ended.status == whole.status == 1
    assert [figures(line) for line in ended.objects] == [figures(line) for line in whole.objects]
    assert list(ended.object["ran"].values()) == ["0 to 7", "8 to 15"]
    assert witnesses(merged) == witnesses(harness.out) != {}
    assert plain(tmp_path / "2.xml", merged) == plain(tmp_path / "1.xml", harness.out)
    assert "--shard" not in (merged / "report.html").read_text()


def test_shards_of_a_scenario_with_an_extension_are_merged_with_it(harness: Harness, tmp_path: Path) -> None:
    extension = Path("examples/your-runtime/my_runtime.py")
    asked = ("run", "examples/your-runtime/importer.yaml", "--fence", "ledger", "--schedules", 4)
    root = ("--session-root", harness.session_root)
    shards = [tmp_path / f"shard {number}" for number in (1, 2)]
    for number, folder in enumerate(shards, 1):
        harness.call(*asked, *root, "--extension", extension, "--shard", f"{number}/2", "--out", folder)
    refused = harness.call("merge", *shards, *root, "--out", tmp_path / "refused")
    assert refused.status == 2
    assert f"would run `{extension}`" in refused.err
    assert not (tmp_path / "refused").exists()
    out = ("--json", "--out", harness.out)
    merged = harness.call("merge", *shards, *root, "--extension", extension, *out)
    assert (merged.object["schedules"], merged.object["scenario"]) == (4, "importer"), merged
