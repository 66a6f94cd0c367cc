"""Results are whole or absent, and where they cannot be stored they are still shown."""

from __future__ import annotations

import ctypes
import os
import resource
from pathlib import Path

import pytest

from tests.acceptance.harness_process import SCENARIO, Harness, write_fence, write_scenario

needs_gate = pytest.mark.requires("kernel-gate")

RAISES = """\
class Raises(Fence):
    def guarded_write(self, entries):
        raise KeyError("on purpose")
"""

#: Plans and verdicts are smaller, witnesses larger.
FILE_BYTES_MAX = 12_000


def _unprivileged() -> None:
    """Give up the right to pass by permissions; without effect for a user without that right."""
    libc = ctypes.CDLL(None)
    drop_from_bounding_set, override = 24, 1
    libc.prctl(drop_from_bounding_set, override, 0, 0, 0)


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))


def _raising(folder: Path) -> tuple[Path, str]:
    """A scenario that expects its fence to crash, and that fence."""
    fence = f"{write_fence(folder, RAISES)}:Raises"
    text = SCENARIO.replace("expect: {}", f'expect: {{"{fence}": [crash]}}')
    return write_scenario(folder, text), fence


@pytest.mark.parametrize("way", ["a file", "read-only", "nowhere"])
def test_an_impossible_results_folder_is_refused_before_anything_runs(
    harness: Harness, tmp_path: Path, way: str
) -> None:
    out = tmp_path / "there" / "out"
    if way == "a file":
        out.parent.write_text("in the way")
    elif way == "read-only":
        out.parent.mkdir(mode=0o500)
    else:
        out = Path("/proc/there/out")
    ended = harness.run(write_scenario(tmp_path), "--fence", "none", "--out", out, before=_unprivileged)
    assert (ended.status, ended.out) == (2, "")
    assert f"{out}: cannot be made: " in ended.err


@needs_gate
def test_an_unwritable_plan_is_refused_before_anything_runs(harness: Harness, tmp_path: Path) -> None:
    (harness.out / "witnesses").mkdir(parents=True)
    harness.out.chmod(0o500)
    ended = harness.run(write_scenario(tmp_path), "--fence", "none", before=_unprivileged)
    assert (ended.status, ended.out) == (2, "")
    assert f"{harness.out}/plan.json: cannot be written: Permission denied" in ended.err
    assert os.listdir(harness.out) == ["witnesses"]


@needs_gate
def test_an_unwritable_witness_is_told_and_makes_the_run_inconclusive(
    harness: Harness, tmp_path: Path
) -> None:
    scenario, fence = _raising(tmp_path)
    (harness.out / "witnesses").mkdir(parents=True)
    (harness.out / "witnesses").chmod(0o500)
    ended = harness.run(scenario, "--fence", fence, "--schedules", 3, before=_unprivileged)
    assert ended.status == 3
    assert ended.err.count("cannot be written: Permission denied") == 1
    assert "crash: runner crashed: KeyError: 'on purpose'" in ended.out
    assert "replay:" not in ended.out
    (verdict,) = harness.verdicts()
    assert verdict["violations"] == {"crash": 3}
    assert verdict["first_violation"] == {"kind": "crash", "schedule": 0, "witness": None}


@needs_gate
def test_a_full_disk_leaves_no_half_file(harness: Harness, tmp_path: Path) -> None:
    scenario, fence = _raising(tmp_path)
    ended = harness.run(scenario, "--fence", fence, "--schedules", 3, "--json", before=_small_files)
    assert ended.status == 3
    assert "cannot be written: File too large; free some space" in ended.err
    assert ended.object["violations"] == {"crash": 3}
    assert harness.verdicts() == ended.objects
    assert ended.object["first_violation"]["witness"] is None
    assert list((harness.out / "witnesses").iterdir()) == []


@needs_gate
def test_a_full_standard_output_is_said_and_results_are_stored(harness: Harness, tmp_path: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        arguments = (write_scenario(tmp_path), "--fence", "none", "--schedules", 3, "--json")
        ended = harness.run(*arguments, stdout=full)
    assert ended.status == 3
    assert ended.err == "standard output: No space left on device; send it elsewhere\n"
    assert [verdict["schedules"] for verdict in harness.verdicts()] == [3]


def test_a_list_on_a_full_standard_output_fails(harness: Harness) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = harness.call("list", "fences", stdout=full)
    assert ended.status == 3
    assert "No space left on device" in ended.err


@needs_gate
def test_a_run_without_any_standard_stream_works(harness: Harness, tmp_path: Path) -> None:
    def close_streams() -> None:
        for stream in range(3):
            os.close(stream)

    ended = harness.run(write_scenario(tmp_path), "--fence", "none", "--schedules", 3, before=close_streams)
    assert ended == (0, "", "")
    assert [verdict["schedules"] for verdict in harness.verdicts()] == [3]


@needs_gate
def test_scenarios_of_one_name_have_witnesses_of_their_own(harness: Harness, tmp_path: Path) -> None:
    fence = f"{write_fence(tmp_path, RAISES)}:Raises"
    files = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        files.append(write_scenario(tmp_path / folder))
    ended = harness.run(*files, "--fence", fence, "--schedules", 1, "--json")
    assert ended.status == 1
    paths = [Path(found["first_violation"]["witness"]) for found in ended.objects]
    assert sorted(paths) == harness.witnesses()
    assert len(set(paths)) == 2


@needs_gate
def test_a_second_run_into_a_folder_starts_its_verdicts_anew(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    for seed in (1, 2):
        assert harness.run(scenario, "--fence", "none", "--schedules", 1, "--seed", seed).status == 0
    assert [verdict["seed"] for verdict in harness.verdicts()] == [2]


@needs_gate
def test_runs_at_the_same_time_do_not_disturb_each_other(harness: Harness, tmp_path: Path) -> None:
    scenario, fence = _raising(tmp_path)
    few = ("--fence", fence, "--schedules", 40)
    outs = [tmp_path / name for name in ("one", "two", "three")]
    running = [harness.start_run(scenario, *few, "--json", "--out", out) for out in outs]
    found = [one.end() for one in running]
    harness.assert_nothing_left(running[0])
    assert [ended.status for ended in found] == [0, 0, 0]
    assert len({ended.object["histories"] for ended in found}) == 1
    for out, ended in zip(outs, found, strict=True):
        harness.out = out
        assert harness.verdicts() == ended.objects
        assert len(harness.witnesses()) == 1
