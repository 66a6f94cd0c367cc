"""What documents tell people to type is understood, and the files that they show are those that are there."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from harness.cli import parser

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "docs/tutorial.md", "docs/verdicts.md", "docs/ci.md")
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()


def commands(text: str) -> list[list[str]]:
    """Words after `python -m harness` of each command that stands alone, indented."""
    joined = text.replace("\\\n", " ")
    lines = re.findall(r"^ {4}python -m harness (.*)$", joined, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def parsed(text: str) -> list[argparse.Namespace]:
    return [parser().parse_args(words) for words in commands(text)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_in_a_document_is_understood(document: str) -> None:
    text = (ROOT / document).read_text()
    found = []
    for words in commands(text):
        # A shell's business, and none of ours.
        until = next((at for at, word in enumerate(words) if word in (">", "|")), len(words))
        found.append(parser().parse_args(words[:until]).command)
    assert found or document == "docs/verdicts.md"


def test_the_tutorial_goes_from_a_search_to_a_resumption() -> None:
    assert [one.command for one in parsed(TUTORIAL)] == [
        *("run", "replay", "judge", "run", "run", "matrix", "run", "run", "run", "run"),
    ]


def test_files_of_the_tutorial_exist_or_come_from_its_commands() -> None:
    made: set[str] = set()
    for one in parsed(TUTORIAL):
        for scenario in getattr(one, "scenarios", []):
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


def test_the_files_that_the_tutorial_shows_are_the_files() -> None:
    (scenario,) = re.findall(r"```yaml\n(about: .*?)```", TUTORIAL, re.DOTALL)
    assert scenario == (ROOT / "examples" / "tutorial" / "heartbeat.yaml").read_text()
    (shown,) = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)
    fence = (ROOT / "examples" / "tutorial" / "grown.py").read_text()
    told = [line.removeprefix("    ") for line in fence.splitlines() if '"""' not in line]
    for part in shown.strip("\n").split("\n\n"):
        assert part in "\n".join(told)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file(document: str) -> None:
    path = ROOT / document
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / link).exists(), link
