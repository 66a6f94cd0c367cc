"""A file makes no code run that the user has not named as well: status 2, and the code is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import SCENARIO, Ended, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

#: Tells by a file beside it that its module was imported.
TELLTALE = """\
open(os.path.join(os.path.dirname(__file__), "ran"), "a").close()


class Marked(Fence):
    pass


class Raises(Fence):
    def guarded_write(self, entries):
        raise KeyError("on purpose")


def lines(lines, acknowledged):
    return None
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    return write_fence(tmp_path, TELLTALE)


def ran(code: Path) -> bool:
    """Whether the code has run since it was asked."""
    mark = code.with_name("ran")
    found = mark.exists()
    mark.unlink(missing_ok=True)
    return found


def naming(folder: Path, more: str) -> Path:
    return write_scenario(folder, SCENARIO.replace("expect: {}\n", more))


def assert_refused(ended: Ended, code: Path, *references: str) -> None:
    assert (ended.status, ended.out) == (2, ""), ended
    for reference in references:
        assert f"would run `{reference}`" in ended.err
    assert "code that only a file names is not run" in ended.err
    assert not ran(code)


@pytest.mark.parametrize("form", ["expect", "fences", "command", "invariant", "invariant list"])
def test_a_scenario_runs_no_code_that_it_names(
    harness: Harness, tmp_path: Path, code: Path, form: str
) -> None:
    mark = code.with_name("ran")
    text, reference = {
        "expect": (f'expect: {{"{code}:Marked": []}}\n', f"{code}:Marked"),
        "fences": (f'expect: {{}}\nfences: ["{code}:Marked"]\n', f"{code}:Marked"),
        "command": (f'expect: {{"exec:touch {mark}": []}}\n', f"exec:touch {mark}"),
        "invariant": (f'expect: {{none: []}}\ninvariant: "{code}:lines"\n', f"{code}:lines"),
        "invariant list": (
            f'expect: {{none: []}}\ninvariant: [{{check: "{code}:lines"}}]\n',
            f"{code}:lines",
        ),
    }[form]
    assert_refused(harness.run(naming(tmp_path, text), "--schedules", 1), code, reference)
    assert not harness.out.exists()


def test_code_that_is_named_or_allowed_is_run(harness: Harness, tmp_path: Path, code: Path) -> None:
    scenario = naming(tmp_path, f'expect: {{"{code}:Marked": []}}\ninvariant: "{code}:lines"\n')
    few = (scenario, "--schedules", 5, "--min-schedules", 1)
    named = harness.run(*few, "--fence", f"{code}:Marked", "--invariant", f"{code}:lines")
    assert (named.status, ran(code)) == (0, True), named
    allowed = harness.run(*few, "--allow-programs")
    assert (allowed.status, ran(code)) == (0, True), allowed


def test_a_witness_runs_no_code_that_it_names(harness: Harness, tmp_path: Path, code: Path) -> None:
    reference = f"{code}:Raises"
    ended = harness.run(write_scenario(tmp_path), "--fence", reference, "--schedules", 1, "--no-shrink")
    assert (ended.status, ran(code)) == (1, True)
    (witness,) = harness.witnesses()
    root = ("--session-root", harness.session_root)
    assert_refused(harness.call("replay", witness, *root), code, reference)
    assert_refused(harness.call("shrink", witness, *root), code, reference)
    line = next(line for line in ended.out.splitlines() if line.strip().startswith("replay: "))
    assert line.endswith(f"replay {witness} --fence {reference}")
    for way in (("--fence", reference), ("--allow-programs",)):
        replayed = harness.call("replay", witness, *root, *way, "--json")
        assert (replayed.status, ran(code)) == (0, True), replayed
        assert replayed.object["same_history"]
    # Another fence makes that of the witness unneeded.
    other = harness.call("replay", witness, *root, "--fence", "ledger", "--json")
    assert (other.status, ran(code)) == (1, False), other


def test_a_plan_runs_no_code_that_it_names(harness: Harness, tmp_path: Path, code: Path) -> None:
    reference = f"{code}:Marked"
    few = (write_scenario(tmp_path), "--schedules", 5, "--min-schedules", 1)
    assert harness.run(*few, "--fence", reference).status == 0
    assert ran(code)
    assert_refused(harness.call("run", "--resume", harness.out), code, reference)
    for way in (("--fence", reference), ("--allow-programs",)):
        resumed = harness.call("run", "--resume", harness.out, *way, "--json")
        assert (resumed.status, ran(code)) == (0, True), resumed
