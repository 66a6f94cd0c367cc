"""What a command imports is what its start costs; no clock is asked, for machines differ."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_HELP = """
import contextlib
from harness.cli import main
with contextlib.suppress(SystemExit):
    main(['{}--help'])
"""
_TELL = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"

#: Packages that take long, and the parts of ours that stand on them.
HEAVY = ("rich", "hypothesis", "pydantic", "yaml", "psutil", "multiprocess", "dill")
LATE = (
    "harness.explore.explorer",
    "harness.gates.kernel.gate",
    "harness.explore.cluster",
    "distributed",
    "harness.shrink.replay",
    "harness.shrink",
    "harness.explore.exhaust",
)


def imported(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code + _TELL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", ["", "run', '"])
def test_help_imports_nothing_that_a_command_needs(command: str) -> None:
    modules = imported(_HELP.format(command))
    unwanted = {
        *HEAVY,
        *LATE,
        "msgspec",
        "multiprocessing",
        "subprocess",
        "harness.explore.coordinator",
        "fence",
    }
    assert not modules & unwanted
    assert not [name for name in modules if name.startswith(("harness.scenario", "harness.report"))]


def test_the_console_script_imports_no_more_than_the_module() -> None:
    script = """
import contextlib, sys
sys.argv = ["/usr/bin/takeover-harness", "--help"]
from takeover_harness.__main__ import main
with contextlib.suppress(SystemExit):
    main()
"""
    more = imported(script) - imported(_HELP.format(""))
    assert {name for name in more if not name.startswith("takeover_harness")} <= {
        *("harness.__main__", "harness.system.interrupts"),
    }


def test_run_imports_no_loader_before_its_explorer_starts() -> None:
    modules = imported("import harness.cli.run_command")
    assert "harness.explore.coordinator" in modules
    assert not modules & {*HEAVY, *LATE, "harness.scenario.loader", "harness.report.html.page"}


def test_the_harness_never_needs_what_only_explorers_do() -> None:
    modules = imported("import harness.cli.run_command, harness.scenario\nharness.scenario.load_all")
    assert not modules & {"psutil", "multiprocess", "dill", *LATE}
