"""One of each kind from outside the source tree: the package of docs/extending.md, by the command line."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import ROOT, Ended, Harness, write_scenario

PAGE = (ROOT / "docs" / "extending.md").read_text()
FENCE = "my_harness.lease:LeaseFence"
#: By list: the name of the record that the package adds.
ADDED = {
    "strategies": "turn-about",
    "actions": "swap-last-lines",
    "roles": "auditor",
    "policies": "appends-only",
    "locks": "lease",
    "faults": "freeze_ms",
    "invariants": "no_empty_lines",
}
SCENARIO = """\
about: A rogue exchanges two lines under a lock, a role, a policy and a fault that a package adds.
source: docs/extending.md
policy: appends-only
lanes:
  - role: runner
    think_steps: 2
  - role: auditor
    times: 2
  - role: editor
    actions: [swap-last-lines]
{faults}fence_options: {{lock_poll_ms: 20}}
schedules: 12
expect:
  my_harness.lease:LeaseFence: {{must: [missed_takeover], may: [lost_entry]}}
"""
FAULTS = "faults:\n  - {lane: runner, operations: [guarded_write], freeze_ms: [300, 400]}\n"
LIBRARY = """
import fcntl, os, time

class NotGiven(Exception):
    pass

class Guard:
    def __init__(self, path, limit_s, quick):
        self.path, self.limit_s, self.pause_s = path, limit_s, 0.001 if quick else 0.05

    def acquire(self):
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT)
        until = time.monotonic() + self.limit_s
        while True:
            try:
                return fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(self.fd)
                    raise NotGiven(self.path) from None
            time.sleep(self.pause_s)

    def release(self):
        os.close(self.fd)
"""

Call = Callable[..., Ended]


def _install(folder: Path, name: str, files: dict[str, str], points: dict[str, dict[str, str]]) -> None:
    """Put a package and the metadata of an installer into a folder."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    facts = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line
        for group, members in points.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in members.items()))
    ]
    (facts / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the import path, with the package of the page."""
    folder = tmp_path_factory.mktemp("site")
    [facts] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    files = dict(re.findall(r"`(my_harness/\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
    project = tomllib.loads(facts)["project"]
    points: dict[str, dict[str, str]] = project["entry-points"]
    assert len(files) == len(points) == 8  # one file and one line for each
    _install(folder, project["name"], {"my_harness/__init__.py": "", **files}, points)
    return folder


@pytest.fixture
def call(harness: Harness, site: Path) -> Call:
    """Carry out a command that has the package on its import path."""
    environment = {"PYTHONPATH": f"{ROOT}:{site}"}

    def called(*words: object, **more: Any) -> Ended:
        carry_out = harness.run if words[0] == "run" else harness.call
        variables = environment | more.pop("environment", {})
        return carry_out(*words[words[0] == "run" :], environment=variables, **more)

    return called


@pytest.mark.parametrize(("what", "name"), ADDED.items())
def test_a_list_has_the_members_that_a_package_adds(
    call: Call, harness: Harness, what: str, name: str
) -> None:
    with_it, without = call("list", what, "--json"), harness.call("list", what, "--json")
    names, before = ([item["name"] for item in json.loads(ended.out)] for ended in (with_it, without))
    assert names == [*before, name]
    (origin,) = (item["from"] for item in json.loads(with_it.out) if item["name"] == name)
    assert origin == "package my-harness"


def test_the_schema_has_keys_that_a_package_adds(call: Call) -> None:
    made = json.loads(call("schema").out)
    assert "freeze_ms" in made["$defs"]["FaultSettings"]["properties"]
    assert "AuditorSettings" in made["$defs"]
    assert "appends-only" in made["properties"]["policy"]["anyOf"][0]["examples"]


@pytest.mark.requires("kernel-gate")
def test_a_search_uses_one_added_record_of_each_kind(call: Call, harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.format(faults=FAULTS))
    words = ("--strategy", "turn-about", "--fence", FENCE, "--json")
    ended = call("run", scenario, *words, "--explorers", 2)
    assert (ended.status, ended.err) == (0, ""), ended
    verdict = ended.objects[0]
    assert (verdict["strategy"], verdict["policy"]) == ("turn-about", "appends-only")
    assert verdict["violations"]["missed_takeover"] > 0
    witness = harness.witnesses()[0]
    history = witness.with_suffix(".history.jsonl").read_text()
    assert '"call":"freeze"' in history and '"note":"3' in history
    assert '"path":"T.lease-lock"' in history and '"kind":"acquired"' in history
    assert '"role":"auditor"' in history and '"how":"swap-last-lines"' in history

    replayed = call("replay", witness, "--allow-programs")
    assert (replayed.status, replayed.err) == (0, "")
    assert re.search(r"\[process runner frozen for 3\d\d ms before \w+ T\S*\]", replayed.out)
    assert call("shrink", witness, "--allow-programs").status == 0


@pytest.mark.requires("kernel-gate")
def test_names_of_a_missing_package_are_unknown(call: Call, harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.format(faults=FAULTS))
    without = harness.run(scenario, "--fence", "none")
    assert without.status == 2
    for unknown in ("'auditor'", "'swap-last-lines'", "'appends-only'", "freeze_ms: unknown key"):
        assert unknown in without.err
    plain = write_scenario(tmp_path, name="plain.yaml")
    assert "--strategy turn-about: unknown" in harness.run(plain, "--strategy", "turn-about").err


def test_the_free_gate_knows_an_added_lock(call: Call, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.format(faults=""))
    ended = call("run", scenario, "--gate", "free", "--fence", FENCE, "--schedules", 4, "--json")
    (verdict,) = (one for one in ended.objects if "violations" in one)
    assert verdict["schedules"] - verdict["inconclusive"] > 0, ended
    assert sum(verdict["verdicts"].values()) > 0


def _wheel(folder: Path) -> None:
    """Write a release of the library, as an index would have it."""
    facts = "demolock-1.0.dist-info"
    files = {
        "demolock.py": LIBRARY,
        f"{facts}/METADATA": "Metadata-Version: 2.1\nName: demolock\nVersion: 1.0\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{facts}/RECORD"))
    with zipfile.ZipFile(folder / "demolock-1.0-py3-none-any.whl", "w") as archive:
        for name, text in (files | {f"{facts}/RECORD": record}).items():
            archive.writestr(name, text)


@pytest.mark.long
@pytest.mark.requires("kernel-gate")
def test_an_added_lock_library_is_fetched_and_searched(call: Call, tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    _wheel(index)
    # pip 23 reports a digest for a local file only if the link says it.
    wheel = "demolock-1.0-py3-none-any.whl"
    digest = hashlib.sha256((index / wheel).read_bytes()).hexdigest()
    (index / "index.html").write_text(f'<a href="{wheel}#sha256={digest}">{wheel}</a>')
    environment = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index / "index.html"),
    }
    fetched = call("target", "demolock", "--json", environment=environment).object
    assert fetched["fences"] == ["demolock@1.0", "demolock@1.0+quick"]
    assert fetched["integrity"] == f"sha256-{digest}"

    scenario = write_scenario(tmp_path, SCENARIO.format(faults="").partition("expect:")[0] + "expect: {}\n")
    words = ("--fence", "demolock@1.0", "--fence", "demolock@1.0+quick", "--schedules", 6, "--json")
    ended = call("run", scenario, *words, environment=environment)
    verdicts = [one for one in ended.objects if "violations" in one]
    assert [one["fence"] for one in verdicts] == ["demolock@1.0", "demolock@1.0+quick"]
    assert all(sum(one["verdicts"].values()) > 0 and not one["inconclusive"] for one in verdicts), ended
    assert all("double_hold" not in one["violations"] for one in verdicts)


_IMPORT = "from harness.strategies.random_walk import RandomWalk\n\n"
_BROKEN = {
    "a name of the harness": ({"random": "broken:Random"}, "the harness has a strategy of that name already"),
    "no such module": ({"mine": "nowhere:Mine"}, "importing it failed: ModuleNotFoundError: No module named"),
    "another class": ({"mine": "broken:NUMBER"}, "is no class with name, about, begin, pick, end"),
    "another name": ({"mine": "broken:Other"}, "its name is 'other', expected 'mine'"),
}


@pytest.mark.parametrize(("points", "why"), _BROKEN.values(), ids=_BROKEN)
def test_an_entry_point_that_cannot_be_used_is_named(
    harness: Harness, tmp_path: Path, points: dict[str, str], why: str
) -> None:
    _install(
        tmp_path / "site",
        "broken",
        {"broken.py": f"{_IMPORT}NUMBER = 1\n\nclass Other(RandomWalk):\n    name = 'other'\n"},
        {"takeover_harness.strategies": points},
    )
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path / 'site'}"}
    ended = harness.call("list", "strategies", environment=environment)
    [(name, value)] = points.items()
    assert ended.status == 2
    assert f"entry point {name} = {value} of broken, group takeover_harness.strategies: {why}" in ended.err
    # A group that is not needed is not searched.
    assert harness.call("list", "roles", environment=environment).status == 0


def test_two_packages_must_not_add_the_same_name(harness: Harness, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for package in ("one", "two"):
        _install(
            site,
            package,
            {"walks.py": f"{_IMPORT}class Mine(RandomWalk):\n    name = 'mine'\n"},
            {"takeover_harness.strategies": {"mine": "walks:Mine"}},
        )
    ended = harness.call("list", "strategies", environment={"PYTHONPATH": f"{ROOT}:{site}"})
    assert ended.status == 2
    assert "has a strategy of that name already; rename one of them" in ended.err
