"""Every shipped scenario is well formed, and every fence that it names does what it says."""

from __future__ import annotations

import atexit
import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from fence import FENCES
from fence.controls import CONTROLS
from harness.scenario import Scenario, load_all
from tests.program_table import CATALOGUE, missing, seen
from tests.scenarios.probe import ENOUGH, Found, control, is_control, only_shown_by, quick
from tests.writing import WRITERS

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "scenarios").rglob("*.yaml"))
#: Asked of all built-in fences by `python -m tests.program_table`, and here of the ledger alone.
IN_CATALOGUE = [path for path in FILES if path.parent == CATALOGUE]
#: Asked of all built-in fences by `python -m tests.writer_table`, and measured by `test_writers`.
OF_WRITERS = [path for path in FILES if path.parent == WRITERS]
#: Programs that a lane of the role program may name although some machines lack them.
RARE = ("vim",)
BUILT_IN = [name for name in FENCES if not is_control(name)]
LINES_MAX = 48

#: Shown to newcomers first, and kept as short as it can be.
FIRST = "quickstart"


def _data(path: Path) -> dict[str, Any]:
    data = yaml.safe_load(path.read_text())
    assert isinstance(data, dict)
    return data


def _cases(*, controls: bool) -> list[Any]:
    found = []
    for path in FILES:
        if path in IN_CATALOGUE or path in OF_WRITERS:
            continue
        data = _data(path)
        marks = [pytest.mark.xdist_group(path.stem), pytest.mark.requires("kernel-gate")]
        filesystem = data.get("filesystem", {})
        if isinstance(filesystem, dict) and filesystem.get("inode_reuse") == "real":
            marks.append(pytest.mark.requires("ext4"))
        words = [word for lane in data["lanes"] for word in lane.get("argv", ())]
        marks += [pytest.mark.requires(name) for name in RARE if name in words]
        stand_for_all = quick(_load(path))
        for fence in data["expect"]:
            if not controls or is_control(fence):
                rare = [] if fence in stand_for_all else [pytest.mark.long]
                found.append(pytest.param(path, fence, marks=[*marks, *rare], id=f"{path.stem}-{fence}"))
    return found


each_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def _core() -> int:
    """One core a test worker, as far as there are enough."""
    cores = sorted(os.sched_getaffinity(0))
    worker = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    return cores[int(worker) % len(cores)]


@functools.cache
def _load(path: Path) -> Scenario:
    (scenario,) = load_all([path])
    return scenario


@functools.cache
def _prober() -> subprocess.Popen[str]:
    """Start the process that probes for all tests; it ends with ours."""
    command = [sys.executable, "-m", "tests.scenarios.probe", str(_core())]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    pipe = subprocess.PIPE
    started = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)
    atexit.register(_end, started)
    return started


def _end(prober: subprocess.Popen[str]) -> None:
    prober.communicate()


@functools.cache
def _probed(path: Path) -> dict[str, Found]:
    prober = _prober()
    assert prober.stdin is not None and prober.stdout is not None
    try:
        prober.stdin.write(f"{path}\n")
        prober.stdin.flush()
        line = prober.stdout.readline()
    except BaseException:
        # Its answer would be taken for that of the next one.
        prober.kill()
        _prober.cache_clear()
        raise
    if not line:
        _prober.cache_clear()
        pytest.fail(f"the prober ended with status {prober.wait()}")
    return {one.fence: one for one in msgspec.json.decode(line, type=list[Found])}


@each_file
def test_a_scenario_loads_with_its_claim_and_its_source(path: Path) -> None:
    scenario = _load(path)
    assert scenario.name == path.stem
    assert re.fullmatch(r"[A-Z].*[.]", scenario.about)
    assert scenario.source.strip()


@each_file
def test_a_scenario_is_short_with_its_keys_in_order(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= LINES_MAX
    keys = [key for key in _data(path) if key in ("about", "source", "policy", "lanes", "expect")]
    assert keys == ["about", "source", "policy", "lanes", "expect"]


@each_file
def test_a_scenario_names_every_built_in_fence_in_order(path: Path) -> None:
    named = list(_data(path)["expect"])
    if path.stem == FIRST:
        assert set(named) < set(BUILT_IN)
        return
    assert named[: len(BUILT_IN)] == BUILT_IN
    assert all(is_control(fence) and fence in FENCES for fence in named[len(BUILT_IN) :])


@each_file
def test_a_scenario_says_why_each_violation_is_expected(path: Path) -> None:
    if path.stem == FIRST:
        return
    text = path.read_text()
    expectations = text[text.index("\nexpect:\n") :].splitlines()[2:]
    for line in expectations:
        fence, _, rest = line.strip().partition(": ")
        assert rest == "[]" or re.search(r"\S  # \S", rest), f"{fence} has no reason"


@each_file
def test_the_ledger_is_expected_to_be_right_when_coordinated(path: Path) -> None:
    scenario = _load(path)
    if scenario.resolved_policy().name == "coordinated":
        expectation = scenario.expectation("ledger")
        assert not expectation.must
        assert not expectation.may


def test_every_control_has_a_scenario_that_is_there() -> None:
    stems = {path.stem for path in FILES}
    assert {control(name).scenario for name in CONTROLS} <= stems


def test_a_scenario_expects_the_verdict_that_catches_its_control() -> None:
    for path in FILES:
        scenario = _load(path)
        for fence in scenario.expect:
            if is_control(fence):
                assert control(fence).caught_by in scenario.expectation(fence).must, (path.stem, fence)


def test_no_original_must_show_the_verdict_that_catches_its_control() -> None:
    shared = set()
    for name in CONTROLS:
        found = control(name)
        if found.scenario:
            scenario = _load(ROOT / "scenarios" / f"{found.scenario}.yaml")
            if found.caught_by in scenario.expectation(found.original).must:
                shared.add(name)
    # There the two are told apart schedule by schedule, see below.
    assert shared == {"pr-84046-without-slow-path-consistency"}


@pytest.mark.parametrize(("path", "fence"), _cases(controls=False))
def test_a_fence_meets_the_scenario_s_expectation(path: Path, fence: str) -> None:
    expectation = _load(path).expectation(fence)
    found = _probed(path)[fence]
    assert not found.inconclusive
    assert found.schedules >= ENOUGH
    assert found.decisions > 0
    assert set(expectation.must) <= set(found.violations)
    assert set(found.violations) <= {*expectation.must, *expectation.may}


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize("path", IN_CATALOGUE, ids=[path.stem for path in IN_CATALOGUE])
def test_a_program_of_the_catalogue_changes_the_transcript(path: Path) -> None:
    if lacks := missing(path):
        pytest.skip(f"this machine lacks: {', '.join(lacks)}")
    assert seen(path)["saves"] != "not at all"


@pytest.mark.parametrize(("path", "fence"), _cases(controls=True))
def test_a_control_violates_where_its_original_does_not(path: Path, fence: str) -> None:
    """Both make the same calls up to their verdict."""
    assert only_shown_by(fence, _probed(path))
