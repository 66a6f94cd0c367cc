"""The built wheel in an environment of its own, in a folder that has packages named as ours are.

The wheel is built and installed once, without a network. All other packages come from the
environment of this suite.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from harness import VERSION
from tests.acceptance.harness_process import ROOT

_PATIENCE_S = 600

#: A project whose packages have our names, and some of our modules' names.
PROJECT = {
    "fence/__init__.py": "WHOSE = 'theirs'\n",
    "fence/errors.py": "class Own(Exception):\n    pass\n",
    "fence/core.py": "from fence.errors import Own\nfrom harness.deep import WHOSE\n",
    "harness/__init__.py": "",
    "harness/deep.py": "WHOSE = 'theirs'\n",
    "fence/late.py": "WHOSE = 'theirs'\n",
    "helper.py": "from fence.core import Own\n",
    "my_fence.py": """\
import importlib
import fence, helper
from fence.core import Own
from fence.protocol import Fence
assert fence.WHOSE == 'theirs' == fence.core.WHOSE and helper.Own is Own
assert importlib.import_module('fence.core').Own is Own

class MyFence(Fence):
    def guarded_write(self, entries):
        from fence.late import WHOSE
        assert WHOSE == 'theirs'
        super().guarded_write(entries)
""",
    "tests/test_own.py": """\
import fence, harness
from fence.core import Own
from harness.deep import WHOSE

def test_the_projects_packages_are_its_own(run_scenario):
    result = run_scenario('heartbeat.yaml', 'my_fence.py:MyFence', schedules=3)
    assert result.expected, str(result)
    from takeover_harness import Fence
    import fence.late
    assert (fence.WHOSE, WHOSE, Fence.__module__) == ('theirs', 'theirs', 'fence.protocol')
""",
    "heartbeat.yaml": """\
about: A heartbeat appends under the lock.
source: acceptance test
policy: coordinated
lanes: [{role: runner}, {role: heartbeat}]
expect: {}
""",
    "pytest.ini": "[pytest]\npythonpath = .\ntestpaths = tests\n",
}


class Installed(NamedTuple):
    """An environment with the wheel.

    Args:
        folder: of its programs.
    """

    folder: Path

    def call(
        self, program: str, *arguments: object, cwd: Path, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs to the end."""
        ours = ("PYTHON", "GITHUB_", "PYTEST_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [str(self.folder / program), *map(str, arguments)],
            cwd=cwd,
            env={**environment, "PATH": path, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
            preexec_fn=_on_one_core,  # one explorer each time, because the start of one costs most here
        )


def _on_one_core() -> None:
    usable = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {usable[os.getpid() % len(usable)]})


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, built and installed."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT]
    _done(build)
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    (site / "suite.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    (wheel,) = folder.glob("*.whl")
    install = [*pip, "--python", python, "install", "--no-deps", "--no-index", wheel]
    _done(install)
    return Installed(python.parent)


def _done(command: list[object]) -> None:
    words = list(map(str, command))
    done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project's folder."""
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_wheel_has_scenarios_documents_and_hosts(installed: Installed, project: Path) -> None:
    listed = installed.call("takeover-harness", "list", "scenarios", "--json", cwd=project)
    names = {item["name"] for item in json.loads(listed.stdout)}
    shipped = {
        str(path.relative_to(ROOT / "scenarios"))[:-5] for path in (ROOT / "scenarios").rglob("*.yaml")
    }
    assert names == shipped
    page = installed.call("takeover-harness", "docs", "running", cwd=project)
    assert page.stdout == (ROOT / "docs" / "running.md").read_text()
    (host,) = installed.folder.parent.glob("lib/python*/site-packages/fence/targets/host.mjs")
    assert host.read_bytes() == (ROOT / "examples" / "node" / "host.mjs").read_bytes()
    plain = installed.call("python", "-m", "takeover_harness", "--version", cwd=project)
    assert plain.stdout == f"takeover-harness {VERSION}, not compiled\n"


@pytest.mark.requires("kernel-gate")
def test_a_scenario_runs_by_its_name_against_the_projects_fence(installed: Installed, project: Path) -> None:
    fences = ("--fence", "my_fence.py:MyFence", "--fence", "stat-2026.5.17")
    ended = installed.call(
        "takeover-harness", "run", "quickstart", *fences, "--schedules", 8, "--no-shrink", cwd=project
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    assert "quickstart / my_fence.py:MyFence: no violation (8 schedules" in ended.stdout
    (replay,) = [line.strip() for line in ended.stdout.splitlines() if line.startswith("  replay: ")]
    assert replay.startswith("replay: takeover-harness replay results/runs/")
    again = installed.call("takeover-harness", *replay.split()[2:], cwd=project)
    assert "the same history, step by step" in again.stdout, again


@pytest.mark.requires("kernel-gate")
def test_controls_are_tried_where_no_scenarios_are(installed: Installed, project: Path) -> None:
    few = ("--only", "none-writes-twice", "--strategies", "random", "--schedules", 10)
    ended = installed.call("takeover-harness", "controls", *few, cwd=project)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    assert "killed" in ended.stdout


def test_pytest_has_the_projects_packages_and_ours(installed: Installed, project: Path) -> None:
    asked = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--harness-fence", "my_fence.py:MyFence")
    put = project / "scenarios" / "one.yaml"
    put.parent.mkdir()
    put.write_text(PROJECT["heartbeat.yaml"])
    ended = installed.call("python", *asked, "--harness-schedules", 3, "tests", "scenarios", cwd=project)
    assert ended.returncode == 0, ended
    assert "2 passed" in ended.stdout


def test_a_plugin_that_cannot_load_is_an_error_of_its_items_alone(
    installed: Installed, project: Path
) -> None:
    (project / "msgspec.py").write_text("raise ImportError('half an installation')\n")
    (project / "tests" / "test_own.py").write_text("def test_own():\n    pass\n")
    (project / "tests" / "one.scenario.yaml").write_text(PROJECT["heartbeat.yaml"])
    asked = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    ended = installed.call("python", *asked, cwd=project)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    ended = installed.call(
        "python", *asked, "--harness-scenarios", "--continue-on-collection-errors", cwd=project
    )
    why = "the takeover harness cannot be loaded: ImportError: half an installation; install it anew"
    assert ended.stdout.count(f"\n{why}\n") == 1, ended
    assert "1 passed, 1 error" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.requires("kernel-gate")
def test_the_folder_that_init_writes_passes_as_it_is(installed: Installed, tmp_path: Path) -> None:
    made = installed.call(
        "takeover-harness", "init", "start", "--install", "git+https://x.invalid", cwd=tmp_path
    )
    assert made.stdout.endswith("next: cd start && takeover-harness run\n"), made
    folder = tmp_path / "start"
    # The workflow's own step, by the action, whose results GitHub would keep.
    action = yaml.load((ROOT / "action.yml").read_text(), yaml.BaseLoader)
    (search,) = [step for step in action["runs"]["steps"] if step["name"] == "Search"]
    values = {name: given["default"] for name, given in action["inputs"].items()} | {"schedules": "10"}
    environment = {
        name: values[text.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, text in search["env"].items()
    }
    script = (
        "-c",
        "import os, sys; os.execvp('bash', ['bash', '-eo', 'pipefail', '-c', sys.argv[1]])",
        search["run"],
    )
    ran = installed.call("python", *script, cwd=folder, **environment)
    assert ran.returncode == 0, ran
    assert ran.stderr == "pyproject.toml: [tool.takeover-harness] sets scenarios, fences, seed\n"
    assert "editor / my_fence.py:MyFence: no violation (10 schedules" in ran.stdout
    assert (folder / "takeover-harness-results" / "junit.xml").exists()
    tested = installed.call(
        "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not yaml", cwd=folder
    )
    assert "2 passed, 2 deselected" in tested.stdout, tested
