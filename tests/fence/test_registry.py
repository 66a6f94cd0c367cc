from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import blake3
import pytest

import fence
from fence.protocol import Fence
from fence.registry import Origin, Registry, note_files, outside_files


@pytest.mark.parametrize("name", list(fence.FENCES))
def test_every_registered_name_leads_to_a_fence(name: str) -> None:
    assert issubclass(fence.load(name), Fence)


def test_an_unknown_name_is_an_error_listing_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'legder', expected one of none, .*ledger"):
        fence.load("legder")


def test_the_package_needs_the_standard_library_and_the_hash_of_the_ledger() -> None:
    program = (
        f"import sys; sys.path.append({str(Path(blake3.__file__).parents[1])!r})\n"
        "import fence\n"
        "for name in fence.FENCES: fence.load(name)\n"
        "outside = {n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names) - {'fence'}\n"
        "print(sorted(n for n in outside if not n.startswith('__')))\n"
    )
    # -S: without the start-up code of packages.
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout.strip() == "['blake3']"


def named(name: str, record: object) -> str:
    return "" if isinstance(record, str) else "is no text"


@pytest.fixture
def registry() -> Registry[str]:
    return Registry("thing", "takeover_harness.no_such_group", {"ours": "a"}, named)


def test_a_record_of_a_file_is_found_and_says_its_origin(registry: Registry[str]) -> None:
    registry.add("theirs", "b", Origin("mine.py", "/mine.py"))
    assert (list(registry), registry["theirs"], dict(registry.outside)) == (
        ["ours", "theirs"],
        "b",
        {"theirs": "b"},
    )
    assert (registry.origin("ours"), registry.origin("theirs")) == (None, Origin("mine.py", "/mine.py"))
    registry.remove("theirs")
    assert "theirs" not in registry and registry.origin("theirs") is None


@pytest.mark.parametrize(
    ("name", "record", "told"),
    [
        ("ours", "b", "mine.py: the thing 'ours': the harness has a thing of that name already; rename one"),
        ("theirs", "b", "mine.py: the thing 'theirs': other.py has a thing of that name already; rename one"),
        ("third", 3, "mine.py: the thing 'third': is no text; mend the file"),
    ],
)
def test_a_record_that_cannot_be_added_is_told(
    registry: Registry[str], name: str, record: object, told: str
) -> None:
    registry.add("theirs", "a", Origin("other.py"))
    with pytest.raises(ValueError, match=told):
        registry.add(name, record, Origin("mine.py"))
    assert list(registry) == ["ours", "theirs"]


def test_files_of_records_are_told_once() -> None:
    note_files(["/b.py", "/a.py", "/b.py"])
    assert {"/a.py", "/b.py"} <= set(outside_files())
    assert outside_files() == sorted(set(outside_files()))
