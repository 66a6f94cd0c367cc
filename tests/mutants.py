"""Break modules in small ways, one at a time, and print the breaks that the nearest tests do not notice.

`make mutants` runs it. mutmut 3 leaves tables at module level alone and draws no repeatable sample of each
file, so the mutants are made here, on Python's syntax tree. Each mutant runs in a copy of the tree.
docs/mutants.md has the figures and explains the mutants that are left.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.mutations import ROOT, Mutant, sample_of

_FENCE = ("ledger", "ledger_file", "pr84046", "pr84149", "stat_2026_5_17", "issue84071a", "issue84071b")
MODULES = (
    *("harness/oracle", "harness/results/coverage.py", "harness/results/distinct_counter.py"),
    *("harness/strategies", "harness/model/history.py", "harness/scenario/plan.py"),
    *(
        "harness/gates/kernel/confinement.py",
        *(f"fence/{name}.py" for name in _FENCE),
        "fence/transcript.py",
        "fence/locks",
    ),
)
#: Test folders of which only the files that are named after the module run: the others take minutes.
NARROW = ("tests/harness/gates/kernel", "tests/harness/scenario")
#: Subfolders that need a registry, or are about other modules.
FOREIGN = ("tests/fence/targets", "tests/fence/external", "tests/harness/results/test_store.py")


def nearest_tests(file: str) -> list[list[str]]:
    """Return arguments for pytest, run by run: the files named after the module, then their folder."""
    folder = pathlib.Path("tests", file).parent
    stem = pathlib.Path(file).stem
    named = sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).glob(f"test_{stem}*.py"))
    rest = [] if str(folder) in NARROW and named else [str(folder), *(f"--ignore={one}" for one in FOREIGN)]
    return [arguments for arguments in (named, rest) if arguments]


def run(copy: pathlib.Path, arguments: list[str], limit_s: float | None) -> tuple[bool, str]:
    """Run pytest in a copy of the tree; return whether it passed, and its output or "took too long"."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *arguments]
    process = subprocess.Popen(
        command, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        output = "took too long"
    finally:
        # A mutant may leave processes behind, which keep the output open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode == 0, output


class Copy:
    """A copy of the tree, for one mutant at a time."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        ignored = shutil.ignore_patterns(".*", "__pycache__", "runs")
        shutil.copytree(ROOT, directory, ignore=ignored, symlinks=True)

    def unmutated(self, tests: list[str]) -> tuple[list[str], float]:
        """Return options that leave out the tests that fail without a mutant, and the limit in seconds."""
        began = time.monotonic()
        _, output = run(self._directory, ["-rfE", *tests], None)
        failed = re.findall(r"^(?:FAILED|ERROR) (\S+(?:\[.*?\])?)", output, re.MULTILINE)
        for name in failed:
            print(f"left out, because it fails without a mutant: {name}", flush=True)
        return [f"--deselect={name}" for name in failed], 20 + 5 * (time.monotonic() - began)

    def judge(self, mutant: Mutant, tests: list[list[str]], left_out: list[str], limit_s: float) -> str:
        """Return "killed" or "survived"."""
        place = self._directory / mutant.file
        place.write_text(mutant.source(), encoding="utf-8")
        # Bytecode is found by size and whole seconds, in which two mutants may agree.
        for old in (place.parent / "__pycache__").glob(f"{place.stem}.*"):
            old.unlink()
        passed = all(run(self._directory, ["-x", *one, *left_out], limit_s)[0] for one in tests)
        shutil.copyfile(ROOT / mutant.file, place)
        return "survived" if passed else "killed"


def files_of(modules: list[str]) -> Iterator[str]:
    """Yield the files of the modules, those of a folder one by one."""
    for path in (ROOT / module for module in modules):
        for one in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield str(one.relative_to(ROOT))


def main() -> int:
    """Print every mutant with its fate, and the killed share; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--module", action="append", metavar="PATH", help="file or folder; may be repeated")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="mutants a file; 0 for all")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="mutants at a time")
    options = parser.parse_args()
    fates: list[str] = []
    with tempfile.TemporaryDirectory() as base, ThreadPoolExecutor(options.jobs) as pool:
        free: queue.Queue[Copy] = queue.Queue()
        for at in range(options.jobs):
            free.put(Copy(pathlib.Path(base, str(at))))

        def judge(mutant: Mutant, tests: list[list[str]], left_out: list[str], limit_s: float) -> None:
            copy = free.get()
            fates.append(copy.judge(mutant, tests, left_out, limit_s))
            print(f"{fates[-1]:8}  {mutant.file}:{mutant.line}  {mutant.change}", flush=True)
            free.put(copy)

        for file in files_of(options.module or list(MODULES)):
            tests, before = nearest_tests(file), len(fates)
            copy = free.get()
            left_out, limit_s = copy.unmutated(tests[-1])
            free.put(copy)
            for done in [
                pool.submit(judge, mutant, tests, left_out, limit_s)
                for mutant in sample_of(file, options.sample, options.seed)
            ]:
                done.result()
            print(f"{file}: {fates[before:].count('killed')} of {len(fates) - before} killed", flush=True)
    killed = fates.count("killed")
    print(f"{killed} of {len(fates)} killed, {100 * killed // max(1, len(fates))} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
