"""Scripts of shell in the documents: no line escapes the tests, and the job array of Slurm runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.command_blocks import DOCUMENTS, ROOT, blocks, make_folder, run

_SCRIPT = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: Lines outside of scripts that are shell as well, of programs that `tests.command_blocks` does not run.
_INDENTED = re.compile(
    r"^ {4}((?:export|cd|sh|bash|chmod|curl|apt-get|apt|dask|srun|sbatch|kubectl|pre-commit|gdb|uv) .*)$",
    re.MULTILINE,
)
#: First words of lines that no test of the command blocks runs, and where they are run.
ELSEWHERE = {
    "export PATH=$PWD/examples/your-runtime": "test_command_blocks.py gives the page this PATH",
    "dask scheduler --scheduler-file": "tests/acceptance/test_cluster.py starts a scheduler and workers",
    "srun --ntasks-per-node=1 dask worker": "the same; srun starts it on each node",
}


def scripts(document: str) -> list[str]:
    return _SCRIPT.findall((ROOT / document).read_text(encoding="utf-8").replace("\\\n", " "))


def array_of_slurm() -> str:
    (found,) = [one for one in scripts("docs/cluster.md") if "#SBATCH" in one]
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_line_of_shell_is_run_or_in_the_table(document: str) -> None:
    known = {command for block in blocks(document) for command in block.commands}
    text = (ROOT / document).read_text(encoding="utf-8")
    lines = [line for one in scripts(document) if "#SBATCH" not in one for line in one.splitlines()]
    for line in [*lines, *_INDENTED.findall(text)]:
        command = re.sub(r"\s+#.*$", "", line.strip()).removeprefix("$ ")
        assert command in known or command.startswith(tuple(ELSEWHERE)), command


def test_the_table_of_other_lines_has_only_lines_of_documents() -> None:
    text = "".join((ROOT / document).read_text(encoding="utf-8") for document in DOCUMENTS)
    assert [begin for begin in ELSEWHERE if begin not in text] == []


@pytest.mark.requires("kernel-gate")
def test_the_job_array_of_slurm_runs_and_goes_on_when_requeued(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "bin" / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "bin" / "srun").chmod(0o755)
    script = array_of_slurm().replace("run scenarios", "run scenarios/quickstart.yaml")
    assert "--schedules 20000" in script and script.startswith("#!/bin/sh\n")
    (tmp_path / "job.sh").write_text(script.replace("--schedules 20000", "--schedules 20"))
    for task in ("1", "2", "2"):
        ids = {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": "2"}
        done = run("sh job.sh", tmp_path, **ids)
        assert done.returncode == 0, done
    (merge,) = re.findall(r"--wrap '(.*?)'", (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8"))
    merged = run(f"{merge} --json", tmp_path)
    assert len(list((tmp_path / "results" / "runs").iterdir())) == 1
    results = [json.loads(line) for line in merged.stdout.splitlines()]
    assert (merged.returncode, [one["schedules"] for one in results]) == (0, [20, 20]), merged
