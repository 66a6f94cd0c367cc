"""Check that documents show commands that parse, links that resolve, and files that exist."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from harness.cli import parser
from harness.scenario import load

ROOT = Path(__file__).parents[1]
TOP = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
DOCUMENTS = (*TOP, *PAGES, "tests/README.md")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("2*.md"))
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
README = (ROOT / "README.md").read_text()
# Names in backquotes that are calls or words of a user, and no modules.
NO_PATHS = {
    *("chdir", "linkat", "memfd_create", "mkdir", "mkstemp", "openat", "rmdir", "setitimer", "stat", "statx"),
    *("timer", "timer_create", "turn"),
}
SHORT = {"README.md": 120, "ARCHITECTURE.md": 120}  # the longest line that they may have


def indented(text: str) -> list[str]:
    """Return the lines of shell that stand alone, indented by four, outside of fenced blocks."""
    joined = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL).replace("\\\n", " ")
    return re.findall(r"^ {4}((?:python -m|make|git|pytest) .*)$", joined, re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """Return the words after `python -m harness` of each command, up to a pipe or a redirection."""
    found = []
    for line in indented(text):
        words = shlex.split(line, comments=True)
        if words[:3] == ["python", "-m", "harness"]:
            until = next((at for at, word in enumerate(words) if word in (">", "|")), len(words))
            found.append(words[3:until])
    return found


def parsed(text: str) -> list[argparse.Namespace]:
    return [parser().parse_args(words) for words in commands(text)]


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: str) -> list[tuple[Path, str]]:
    """Return file and anchor of each relative link of a document."""
    path = ROOT / document
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if not re.match(r"[a-z]+:", link):
            file, _, anchor = link.partition("#")
            found.append(((path.parent / file) if file else path, anchor))
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_in_a_document_is_understood(document: str) -> None:
    parsed((ROOT / document).read_text())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_call_of_the_console_script_is_understood(document: str) -> None:
    for line in re.findall(r"^takeover-harness (.*)$", (ROOT / document).read_text(), re.MULTILINE):
        parser().parse_args(shlex.split(line, comments=True))


def test_documents_that_teach_show_commands() -> None:
    for document in ("README.md", "docs/running.md", "docs/replay.md", "docs/ci.md", "docs/matrix.md"):
        assert commands((ROOT / document).read_text()), document


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_shell_line_parses_and_names_existing_things(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in indented((ROOT / document).read_text()):
        subprocess.run(["bash", "-n", "-c", line], check=True)
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            assert words[1] in targets, line
        if words[:2] == ["python", "-m"] and words[2].startswith("tests."):
            module = ROOT / words[2].replace(".", "/")
            assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), line


def test_the_tutorial_goes_from_a_search_to_a_resumed_run() -> None:
    assert [one.command for one in parsed(TUTORIAL)] == [
        *("run", "replay", "judge", "run", "run", "matrix", "run", "run", "run", "run"),
    ]


def test_the_tutorial_names_only_files_that_exist_or_were_made() -> None:
    made: set[str] = set()
    for one in parsed(TUTORIAL):
        for scenario in getattr(one, "scenarios", None) or []:
            assert (ROOT / scenario).exists(), scenario
        for fence in [*(getattr(one, "fence", None) or []), *getattr(one, "fences", [])]:
            for reference in fence.split(","):
                path, _, name = reference.rpartition(":")
                assert not path or f"class {name}(Fence)" in (ROOT / path).read_text(), reference
        used = [getattr(one, name, None) for name in ("witness", "history", "resume")]
        for path in filter(None, used):
            assert any(path == folder or path.startswith(f"{folder}/witnesses/") for folder in made), path
        if getattr(one, "out", None):
            made.add(one.out)


def test_the_tutorial_shows_the_files_as_they_are() -> None:
    (scenario,) = re.findall(r"```yaml\n(about: .*?)```", TUTORIAL, re.DOTALL)
    assert scenario == (ROOT / "examples" / "tutorial" / "heartbeat.yaml").read_text()
    (shown,) = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)
    fence = (ROOT / "examples" / "tutorial" / "grown.py").read_text()
    told = [line.removeprefix("    ") for line in fence.splitlines() if '"""' not in line]
    for part in shown.strip("\n").split("\n\n"):
        assert part in "\n".join(told)


@pytest.mark.parametrize(
    "name", ["fence.py", "daemon.yaml", "my_runtime.py", "importer.yaml", "fence.mjs", "cli.yaml"]
)
def test_the_guide_for_a_runtime_shows_the_files_as_they_are(name: str) -> None:
    page = (ROOT / "docs" / "your-runtime.md").read_text()
    language = {"py": "python", "mjs": "js", "yaml": "yaml"}[name.rpartition(".")[2]]
    shown = re.findall(rf"^```{language}\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    text = (ROOT / "examples" / "your-runtime" / name).read_text()
    assert any(text.endswith(block) and len(block) > len(text) * 0.8 for block in shown)


def test_the_scenario_of_the_readme_is_valid(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(about: .*?)```", README, re.DOTALL)
    path = tmp_path / "my.yaml"
    path.write_text(shown)
    assert {lane.role for lane in load(path).lanes} == {"runner", "heartbeat", "cron", "editor"}


@pytest.mark.parametrize("document", ["README.md", "docs/fences.md"])
def test_the_shown_fence_is_a_whole_program(document: str) -> None:
    (shown,) = re.findall(r"```python\n(import hashlib.*?)```", (ROOT / document).read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(shown, document, "exec"), names)
    fence = names["MyFence"]
    assert isinstance(fence, type)
    assert {"release_for_prompt", "guarded_write"} <= set(vars(fence))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file_and_heading(document: str) -> None:
    for path, anchor in links(document):
        assert path.exists(), path
        assert not anchor or anchor in anchors(path), f"{path}#{anchor}"


def test_every_page_is_in_the_index() -> None:
    listed = {
        path.resolve()
        for document in ("docs/README.md", "docs/decisions/README.md")
        for path, _ in links(document)
    }
    missing = [page for page in PAGES if page != "docs/README.md" and (ROOT / page).resolve() not in listed]
    assert not missing


@pytest.mark.parametrize("document", sorted(SHORT))
def test_readme_and_architecture_stay_short(document: str) -> None:
    lines = (ROOT / document).read_text().splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > SHORT[document]] == []


def source_names() -> set[str]:
    """Return every path of the source, with and without `.py`, from each folder above it on."""
    names = {path.name for path in ROOT.iterdir() if path.is_file()}
    for top in ("harness", "fence", "takeover_harness", "docs", "tests"):
        for path in [ROOT / top, *(ROOT / top).rglob("*")]:
            parts = path.relative_to(ROOT).parts
            names.update("/".join(parts[at:]) for at in range(len(parts)))
    modules = {name.removesuffix(".py") for name in names}
    return names | modules | {module.replace("/", ".") for module in modules}


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "docs/kernel-gate.md"])
def test_every_path_and_module_that_is_named_exists(document: str) -> None:
    text = re.sub(r"^ {4}.*$", "", (ROOT / document).read_text(), flags=re.MULTILINE)
    named = set(re.findall(r"`([a-z_]+(?:[/.][a-z_]+)*/?)`", text)) - NO_PATHS
    existing = source_names()
    assert len(named) > 15
    assert sorted(name for name in named if name.rstrip("/") not in existing) == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_each_decision_has_choice_reason_and_condition(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# Decisions of {path.stem}\n")
    parts = re.split(r"^##+ .*$", text, flags=re.MULTILINE)[1:]
    for part in filter(str.strip, parts):
        assert re.findall(r"^- \*\*(.*?):\*\*", part, re.MULTILINE) == ["Choice", "Why", "Would change"], part


def test_the_decisions_are_listed_in_order_of_date() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    assert re.findall(r"^## \[(.*)\]", index, re.MULTILINE) == [path.stem for path in DECISIONS]
    for path in DECISIONS:
        titles = re.findall(r"^#+ (.*)\n- \*\*Choice", path.read_text(), re.MULTILINE)
        assert titles
        assert [title for title in titles if f"- [{title}](" not in index] == []
