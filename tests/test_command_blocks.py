"""Every command block of the documents is run, but for those of a table, which says why."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.command_blocks import DOCUMENTS, RUN, RUN_OF_MINE, Block, blocks, make_folder, ready, reduced, run

#: Run by `make test`; each other page takes seconds and is run by `make test-long`.
QUICK = ("docs/reference/scenario.md", "docs/scenarios.md")
#: Run with all their schedules, and their output is compared.
WHOLE = ("docs/questions.md", "docs/tutorial.md")
#: First words of the commands that no test of this file runs, and why.
LEFT_OUT = {
    "make run": "it makes an environment from a package index; CI does that before any test",
    "make test": "it is the suite of which this is a part",
    "make compiled": "it takes minutes; a long test compiles one module",
    "make versus-base": "it takes minutes, and needs the history of this repository",
    "make mutants": "it takes ten minutes, and is a tool of this repository",
    "python -m tests.assault": "it takes hours; tests/assault runs smaller parts of it",
    "pip install git+ADDRESS_OF_THIS_REPOSITORY": "there is no address; test_install.py installs a wheel",
    "docker build": "it needs a Docker daemon and the registry of Debian",
    "docker run": "it needs the image",
    "python -m harness target filelock": "it needs a package index; tests/released fetches",
    "python -m harness run scenarios/locks --fence filelock": "it needs the line before",
    "python -m harness target openclaw@": "it needs npm and its registry; tests/released fetches",
    "python -m harness target openclaw ": "it fetches 24 versions; make targets does that",
    "python -m harness run scenarios/quickstart.yaml --fence openclaw": "it needs a fetched version",
    "python -m harness run scenarios/control-metadata.yaml --fence openclaw": "it needs fetched versions",
    "python -m harness replay results/openclaw/": "it needs a version that was fetched",
    "python -m harness replay results/openclaw.tar.xz:": "it needs a version that was fetched",
    "python -m harness target pi-coding-agent": "it needs npm and its registry; tests/released fetches",
    "python -m harness target oh-my-pi": "it needs npm and its registry; tests/released fetches",
    "python -m harness run scenarios/stores": "it needs the lines before",
    "python -m harness target write-file-atomic": "it needs npm and its registry; tests/released fetches",
    "python -m harness run scenarios/busy-gateway.yaml --fence write-file": "it needs the line before",
    "python -m harness bench --check": "it takes five minutes; tests/acceptance/test_bench.py checks a part",
}
#: Exit statuses of a search with few schedules: an expected violation may not show, a pass may be too small.
SEARCHED = {0, 1, 3}
#: Exit statuses by a part of the command: of searches with all their schedules, and of others.
STATUS = {
    "examples/tutorial/heartbeat.yaml --fence stat-2026.5.17": {1},
    "examples/tutorial/editor.yaml --fence examples/tutorial/grown.py:Grown": {1},
    "matrix examples/tutorial": {1},
    "--time-limit-s 2 ": {0, 3},
    "examples/questions/two-programs.yaml": {1},
    "examples/questions/reader.yaml": {3},
    "counting.py:Counting": {3},
    # The violation is gone.
    "replay WITNESS --fence ledger": {1},
    # It lists what is in the archive, because no witness is named.
    "replay results/openclaw.tar.xz ": {2},
}
#: Output that differs from machine to machine.
OF_THE_MACHINE = ("python -m harness doctor", "python -m harness controls")
_DOCUMENTS = [document for document in DOCUMENTS if blocks(document)]


def left_out(command: str) -> str:
    """Return the entry of the table under which a command is left out; empty where it is run."""
    return next((begin for begin in LEFT_OUT if f"{command} ".startswith(begin)), "")


def allowed(block: Block, command: str) -> set[int]:
    """Return the exit statuses that a command may have."""
    _, words = ready(command)
    searches = words[:1] in (["run"], ["matrix"], ["fuzz"])
    if block.document in WHOLE or not searches:
        told = next((found for part, found in STATUS.items() if part in f"{command} "), None)
        if told is not None or block.document in WHOLE:
            return told or {0}
    # A comparison of two benchmarks may call one slower, or find that nothing can be compared.
    compares = words[:1] == ["bench"] and "--compare" in words
    pytest_fails = command.startswith("pytest")
    return SEARCHED if searches or compares else {0, 1} if pytest_fails else {0}


def marked(document: str) -> object:
    return pytest.param(document, marks=() if document in QUICK else pytest.mark.long)


@pytest.fixture(scope="session")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of the README's scenario: with a built-in fence, and with the README's."""
    folder = tmp_path_factory.mktemp("witness")
    make_folder(folder)
    command = "python -m harness run my.yaml --schedules 40 --shrink-limit-s 600 --fence"
    for fence, out, status in (("stat-2026.5.17", RUN, 0), ("my_fence.py:MyFence", RUN_OF_MINE, 1)):
        done = run(f"{command} {fence} --out {out}", folder)
        assert done.returncode == status, done
    return folder


@pytest.mark.parametrize("document", _DOCUMENTS)
def test_every_command_is_run_or_in_the_table(document: str) -> None:
    for block in blocks(document):
        assert block.commands
        for command in block.commands:
            assert left_out(command) or not command.startswith(("make", "docker", "npm")), command


def test_the_table_has_nothing_that_no_document_has() -> None:
    used = {
        left_out(command) for document in _DOCUMENTS for one in blocks(document) for command in one.commands
    }
    assert set(LEFT_OUT) - used == set()
    assert {*QUICK, *WHOLE} <= set(_DOCUMENTS)


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize("document", [marked(document) for document in _DOCUMENTS])
def test_the_commands_of_a_document_work(
    document: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    make_folder(folder)
    commands = " ".join(command for one in blocks(document) for command in one.commands)
    if re.search("WITNESS|results/runs", commands):
        made = request.getfixturevalue("witness")
        shutil.copytree(made / "results" / "runs", folder / "results" / "runs", dirs_exist_ok=True)
    prepare(document, folder)
    ran = 0
    wrong: list[tuple[str, str]] = []
    for block in blocks(document):
        said = ""
        for command in block.commands:
            if left_out(command):
                continue
            # A night's schedules take a night; a resumed run is short then, too.
            whole = document in WHOLE and "results/runs/night" not in command
            line = reduced(named(command, folder), whole)
            done = run(line, folder)
            assert done.returncode in allowed(block, command), (line, done)
            assert "Traceback" not in done.stderr, (line, done)
            said += done.stdout
            ran += 1
        if document in WHOLE and said and not block.commands[-1].startswith(OF_THE_MACHINE):
            wrong += [(block.commands[-1], part) for part in missing(block.output, said)]
    assert wrong == []
    assert ran or all(left_out(command) for one in blocks(document) for command in one.commands)


def named(command: str, folder: Path) -> str:
    """Return a command with a witness of the folder for WITNESS: of a built-in fence, or of the reader's."""
    if "WITNESS" not in command:
        return command
    of_mine = "my_fence" in command or "--allow-programs" in command
    found = sorted((folder / (RUN_OF_MINE if of_mine else RUN) / "witnesses").glob("*.shrunk.json"))
    path = str(found[0].relative_to(folder))
    history = path.removesuffix(".json") + ".history.jsonl"
    return command.replace("WITNESS.history.jsonl", history).replace("WITNESS", path)


def prepare(document: str, folder: Path) -> None:
    """Add what the commands of a document find there: a repository, or a project with tests."""
    if document == "docs/ci.md":
        commands = (
            "git init -q . && git add my_fence.py",
            "git -c user.name=a -c user.email=a@b.invalid commit -qm fence",
            "git update-ref refs/remotes/origin/main HEAD",
        )
        assert run(" && ".join(commands), folder).returncode == 0
    if document == "docs/pytest.md":
        project(folder)


def project(folder: Path) -> None:
    """Write the project of docs/pytest.md, with the fence of the README."""
    page = (folder / "docs" / "pytest.md").read_text()
    (settings,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (folder / "pyproject.toml").write_text(settings.replace("testpaths", 'pythonpath = ["src"]\ntestpaths'))
    (tests,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    shown = {
        "src/my_runtime/__init__.py": "",
        "src/my_runtime/fence.py": (folder / "my_fence.py").read_text(),
        "tests/test_fence.py": tests,
    }
    for name in ("editor", "heartbeat"):
        text = (folder / "examples" / "tutorial" / f"{name}.yaml").read_text()
        shown[f"scenarios/{name}.yaml"] = text.replace("schedules: 400", "schedules: 5")
    shown["tests/rotation.scenario.yaml"] = shown["scenarios/heartbeat.yaml"]
    shutil.rmtree(folder / "scenarios")
    for name, text in shown.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def missing(shown: str, said: str) -> list[str]:
    """Return the parts of an output in a document that a command did not print.

    Lines may be wrapped in a document, and ``...`` stands for what was cut off. Times and paths of
    interpreters are left out.
    """
    text = " ".join(said.split())
    parts = [part.strip() for line in shown.splitlines() for part in line.split("...")]
    kept = [part for part in parts if not re.search(r"\d s\b|replay: |schedules/s", part)]
    return [part for part in kept if " ".join(part.split()) not in text]


def test_a_figure_that_differs_is_told() -> None:
    said = "two / none: lost_entry in 78 schedules, found by: surw 50 of 50 (100 schedules in 4.0 s)"
    assert missing("two / none: lost_entry in 78 schedules, ... (100 schedules in 9.9 s)", said) == []
    assert missing("two / none: lost_entry in 79 schedules, ...", said) == [
        "two / none: lost_entry in 79 schedules,"
    ]


def test_options_of_a_search_become_small() -> None:
    command = "python -m harness run my.yaml --schedules 20000 --seed 7 > out.txt"
    assert shlex.split(reduced(command)) == [
        *("python", "-m", "harness", "run", "my.yaml", "--schedules", "4", "--seed", "7"),
        *("--shrink-limit-s", "600", ">", "out.txt"),
    ]
    assert reduced("git worktree add base") == "git worktree add base"
