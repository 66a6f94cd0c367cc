"""Break modules in small ways, one at a time, and print the breaks that the nearest tests do not notice.

`make mutants` runs it. mutmut 3 leaves tables at module level alone and draws no repeatable sample of each
file, so the mutants are made here, on Python's syntax tree. Each mutant runs in a copy of the tree, and meets
the tests that execute its statement, the fastest first.
docs/mutants.md has the figures and explains the mutants that are left.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.mutations import ROOT, Mutant, sample_of

_FENCES = ("stat_2026_5_17", "pr84046", "pr84149", "issue84071a", "issue84071b", "ledger")
_HELPERS = ("atomic_replace", "rename_check", "transcript", "statx")
_LEDGER = ("ledger_content", "ledger_file", "ledger_reading")
MODULES = (
    *("harness/oracle", "harness/strategies", "harness/model/history.py", "harness/scenario/plan.py"),
    *("harness/results/coverage.py", "harness/results/distinct_counter.py", "harness/results/trace_class.py"),
    "harness/gates/kernel/confinement.py",
    *(f"fence/{name}.py" for name in (*_FENCES, *_LEDGER, *_HELPERS)),
    "fence/locks",
)
#: Test folders of which only the files that are named after the module run: the others take minutes.
NARROW = ("tests/harness/gates/kernel", "tests/harness/scenario")
#: Subfolders that need a registry, or are about other modules.
FOREIGN = ("tests/fence/targets", "tests/fence/external", "tests/harness/results/test_store.py")
#: Modules that tests run in processes of their own as well, where no line is recorded.
ELSEWHERE = ("fence/locks", "fence/rename_check.py")
_PYTEST = (*("-m", "pytest", "-q", "-n", "0"), *("-p", "no:cacheprovider", "-p", "tests.line_tracing"))


def nearest_tests(file: str) -> tuple[str, ...]:
    """Return the arguments for pytest: the folder of a module's tests, or the files named after it."""
    folder = "tests/fence" if file.startswith("fence/") else str(pathlib.Path("tests", file).parent)
    return named_tests(file) if folder in NARROW else (folder, *(f"--ignore={one}" for one in FOREIGN))


def named_tests(file: str) -> tuple[str, ...]:
    """Return the test files that are named after a module."""
    folder = ROOT / "tests" / pathlib.Path(file).parent
    return tuple(
        str(path.relative_to(ROOT)) for path in sorted(folder.glob(f"test_{pathlib.Path(file).stem}*.py"))
    )


class Record:
    """The lines that each of some tests executes, and its duration; see `tests.line_tracing`."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._outside = content["outside"]
        failed = set(content["failed"])
        self.failed = sorted(failed)
        tests = {name: test for name, test in content["tests"].items() if name not in failed}
        self._tests = dict(sorted(tests.items(), key=lambda item: item[1]["seconds"]))

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Return the tests that execute the mutant, then others that may; of each kind the fastest first."""
        lines = set(mutant.lines)
        at_import = mutant.at_import or not lines.isdisjoint(self._outside.get(mutant.file, ()))
        of_file = {name: test["lines"].get(mutant.file, ()) for name, test in self._tests.items()}
        exact = [name for name, executed in of_file.items() if not lines.isdisjoint(executed)]
        near = [name for name, executed in of_file.items() if executed] if at_import else []
        named = [name for name in of_file if name.startswith(named_tests(mutant.file))]
        every = list(of_file) if at_import or not exact else []
        if mutant.file.startswith(ELSEWHERE):
            folder = str(pathlib.Path("tests", mutant.file).parent)
            named += [name for name in of_file if name.startswith(folder)]
        return list(dict.fromkeys([*exact, *near, *named, *every]))

    def seconds(self, names: list[str]) -> float:
        """Return how long the tests take together, traced."""
        return float(sum(self._tests[name]["seconds"] for name in names))


def run(copy: pathlib.Path, arguments: list[str], limit_s: float | None) -> tuple[bool, str]:
    """Run pytest in a copy of the tree; return whether it passed, and its output or "took too long"."""
    process = subprocess.Popen(
        [sys.executable, *_PYTEST, *arguments],
        cwd=copy,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
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
        self._chosen = directory / "chosen.json"
        ignored = shutil.ignore_patterns(".*", "__pycache__", "runs")
        shutil.copytree(ROOT, directory, ignore=ignored, symlinks=True)

    def record(self, tests: tuple[str, ...], files: list[str]) -> Record:
        """Run tests without a mutant, and return the lines of the files that each executes."""
        place = self._directory / "lines.json"
        options = [f"--lines-to={place}", *(f"--lines-of={file}" for file in files)]
        place.unlink(missing_ok=True)
        _, output = run(self._directory, [*options, *tests], None)
        if not place.exists():
            raise SystemExit(f"{' '.join(tests)}: no record of the executed lines; pytest said:\n{output}")
        record = Record(json.loads(place.read_text(encoding="utf-8")))
        for name in record.failed:
            print(f"left out, because it fails without a mutant: {name}", flush=True)
        return record

    def judge(self, mutant: Mutant, record: Record) -> str:
        """Return "killed" or "survived"."""
        tests = record.tests_of(mutant)
        self._chosen.write_text(json.dumps(tests), encoding="utf-8")
        place = self._directory / mutant.file
        place.write_text(mutant.source(), encoding="utf-8")
        # Bytecode is found by size and whole seconds, in which two mutants may agree.
        for old in (place.parent / "__pycache__").glob(f"{place.stem}.*"):
            old.unlink()
        files = dict.fromkeys(name.partition("::")[0] for name in tests)
        passed, _ = run(
            self._directory, ["-x", f"--chosen={self._chosen}", *files], 20 + 5 * record.seconds(tests)
        )
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
    by_tests: dict[tuple[str, ...], list[str]] = {}
    for file in files_of(options.module or list(MODULES)):
        by_tests.setdefault(nearest_tests(file), []).append(file)
    fates: list[str] = []
    with tempfile.TemporaryDirectory() as base, contextlib.ExitStack() as ended:
        pool = ThreadPoolExecutor(options.jobs)
        # An interrupt waits for the mutants that run, and for no others.
        ended.callback(pool.shutdown, cancel_futures=True)
        free: queue.Queue[Copy] = queue.Queue()
        for at in range(options.jobs):
            free.put(Copy(pathlib.Path(base, str(at))))

        def judge(mutant: Mutant, record: Record) -> None:
            copy = free.get()
            fates.append(copy.judge(mutant, record))
            print(f"{fates[-1]:8}  {mutant.file}:{mutant.line}  {mutant.change}", flush=True)
            free.put(copy)

        for tests, files in by_tests.items():
            copy = free.get()
            record = copy.record(tests, files)
            free.put(copy)
            for file in files:
                before = len(fates)
                sample = sample_of(file, options.sample, options.seed)
                for done in [pool.submit(judge, mutant, record) for mutant in sample]:
                    done.result()
                killed = fates[before:].count("killed")
                print(f"{file}: {killed} of {len(sample)} killed", flush=True)
    killed = fates.count("killed")
    print(f"{killed} of {len(fates)} killed, {100 * killed // max(1, len(fates))} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
