"""Compiles the modules that each step of a schedule goes through: ``make compiled``.

mypyc, which comes with mypy, makes C of their source. There is one source: where nothing is compiled the same
files are run by the interpreter. `takeover_harness.compiled` loads the result, if its sources are those that
are there. It needs mypy and a C compiler, which only this command does.
"""

from __future__ import annotations

import ast
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.model.errors import HarnessError, UsageError
from takeover_harness.compiled import FOLDER, LIBRARY, ROOT, SUFFIX, Manifest, digest

__all__ = ["MODULES", "compile_modules", "sources_of"]

_GATE = (
    *("aliases", "call_signature", "candidates", "confinement", "effect_recorder", "file_calls"),
    *("flock_wakeups", "flocks", "followed_names", "gate", "inode", "lane", "lane_progress", "notifications"),
    *("operations", "path_resolution", "process", "started_process", "steps", "supervisor_state"),
    *("syscall_arguments", "task_status", "tracee_memory", "virtual_clock", "virtual_files", "write_lock"),
)
#: Modules that are compiled. Classes from which a user or a test derives others, or whose methods a test
#: replaces, are in none of them, or say so (`harness.model.native`).
MODULES = (
    *(f"harness.gates.kernel.{name}" for name in _GATE),
    *(f"harness.strategies.{name}" for name in ("forecast", "racing_pairs", "surw")),
    "harness.explore.schedule_runner",
    "harness.oracle.first_pass",
)
_GROUP = LIBRARY.removesuffix("__mypyc")
#: -O3 takes twice as long to compile and was no faster.
_FLAGS = ("-O2", "-g0", "-fPIC", "-fwrapv", "-DNDEBUG", "-w")


def compile_modules(modules: Sequence[str] = MODULES) -> None:
    """Compile modules and put them where they are loaded from.

    Args:
        modules: by name; fewer of them to try something.

    Raises:
        UsageError: mypy or a C compiler is missing.
        HarnessError: the C compiler fails.
    """
    compiler = _compiler()
    _forget()
    # Before they are read: a change in the meantime makes the result one of other sources.
    sources = {file: digest(os.path.join(ROOT, file)) for file in sources_of(modules)}
    with tempfile.TemporaryDirectory(prefix="harness-compiled-") as folder:
        files = _generate(modules, folder)
        made = Path(folder, "made")
        made.mkdir()
        _build(compiler, modules, files, folder, made)
        shutil.copytree(made, FOLDER)
    # Last: without it nothing is loaded.
    Manifest(modules, sources).write(FOLDER)


def _forget() -> None:
    """Remove what was compiled before."""
    if os.path.isdir(FOLDER):
        shutil.rmtree(FOLDER)


def _compiler() -> list[str]:
    words = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[:1]
    if not words or shutil.which(words[0]) is None:
        raise UsageError(f"no C compiler: {' '.join(words) or 'cc'} is missing (Debian: apt install gcc)")
    return words


def sources_of(modules: Iterable[str]) -> list[str]:
    """Return the files of modules, and those of ours that they import, below the folder of our packages.

    The compiler writes constants of the latter into its C, too.
    """
    found = set()
    for module in modules:
        file = _file(module)
        found.add(file)
        for node in ast.walk(ast.parse(Path(ROOT, file).read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
                found |= {_file(name) for name in names if name.split(".")[0] in ("harness", "fence")}
    return sorted(file for file in found if file)


def _file(module: str) -> str:
    """Return the file of a module of ours; empty where the name is none of a module."""
    path = module.replace(".", "/")
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if Path(ROOT, file).is_file()), "")


def _generate(modules: Sequence[str], folder: str) -> list[str]:
    """Write the C of all modules, and return its files: that of the library, then one by module."""
    try:
        from mypyc.build import generate_c_extension_shim, include_dir, mypyc_build
        from mypyc.common import RUNTIME_C_FILES
        from mypyc.options import CompilerOptions
    except ImportError as error:
        raise UsageError(f"{error.name} is missing; mypy and setuptools are needed (`make .venv`)") from error
    options = CompilerOptions(multi_file=True, target_dir=folder, group_name=_GROUP)
    os.chdir(ROOT)
    _, groups, _ = mypyc_build([_file(module) for module in modules], options)
    files = [file for names, _ in groups for file in names]
    for name in RUNTIME_C_FILES:
        files.append(shutil.copy(os.path.join(include_dir(), name), folder))
    for module in modules:
        generate_c_extension_shim(module, module.rpartition(".")[2], folder, _GROUP)
    return files


def _build(
    compiler: Sequence[str], modules: Sequence[str], files: Sequence[str], folder: str, made: Path
) -> None:
    """Compile C files into the library, and one more for each module into what the interpreter loads."""
    from mypyc.build import include_dir

    include = [f"-I{place}" for place in (sysconfig.get_path("include"), include_dir(), folder)]

    def compiled(file: str) -> str:
        _run([*compiler, *_FLAGS, *include, "-c", file, "-o", f"{file}.o"])
        return f"{file}.o"

    def shim(module: str) -> None:
        source = Path(folder, *module.split(".")).with_suffix(".c")
        _run([*compiler, *_FLAGS, *include, "-shared", str(source), "-o", str(made / (module + SUFFIX))])

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        objects = list(pool.map(compiled, files))
        list(pool.map(shim, modules))
    _run([*compiler, "-shared", *objects, "-o", str(made / (LIBRARY + SUFFIX))])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"{command[0]} ends with status {done.returncode}: {done.stderr.strip()}")


if __name__ == "__main__":
    try:
        compile_modules(sys.argv[1:] or MODULES)
    except (HarnessError, UsageError) as error:
        sys.exit(str(error))
