"""Every kind of change is seen, at the step that made it."""

from __future__ import annotations

import pytest

from tests.harness.gates.kernel.call_names import LINK
from tests.harness.gates.kernel.changing import Changing
from tests.harness.gates.kernel.stage import INITIAL, Stage

pytestmark = pytest.mark.requires("kernel-gate")

SPARE = ["openat T.spare", "write T.spare", "close T.spare"]
GONE = None

#: Word, its steps, and which of them leaves what for a reader.
CASES = [
    ("write", ["openat T", "write T", "close T"], {1: INITIAL + b"cccc\n"}),
    ("write_same", ["openat T", "write T", "close T"], {}),
    ("pwrite", ["openat T", "pwrite64 T", "close T"], {1: b"aaaa\nXXbb\n"}),
    ("writev", ["openat T", "writev T", "close T"], {1: b"XXYY\nbbbb\n"}),
    ("pwritev2", ["openat T", "pwritev2 T", "close T"], {1: b"aaaa\nXYbb\n"}),
    ("truncate", ["truncate T"], {0: b"aaaa\n"}),
    ("ftruncate", ["openat T", "ftruncate T", "close T"], {1: b"aaaa\nbb"}),
    ("open_truncating", ["openat T", "close T"], {0: b""}),
    ("creat", ["creat T", "close T"], {0: b""}),
    ("rename_over", [*SPARE, "rename T.spare > T"], {3: b"new\n"}),
    ("rename_over_same_bytes", [*SPARE, "rename T.spare > T"], {3: INITIAL}),
    ("rename_away", ["rename T > T.old"], {0: GONE}),
    ("rename_away_and_back", ["rename T > T.old", "rename T.old > T"], {0: GONE, 1: INITIAL}),
    ("exchange", [*SPARE, "renameat2 T.spare > T"], {3: b"new\n"}),
    ("unlink", ["unlink T"], {0: GONE}),
    (
        "unlink_and_create",
        ["unlink T", "openat T", "write T", "close T"],
        {0: GONE, 1: b"", 2: INITIAL},
    ),
    (
        "write_through_link",
        [f"{LINK} T > T.link", "openat T.link", "write T", "close T"],
        {2: b"XXaa\nbbbb\n"},
    ),
    (
        "swap_symlink_in",
        [*SPARE, "rename T > T.old", "symlink T"],
        {3: GONE, 4: b"elsewhere\n"},
    ),
    (
        "write_through_symlink",
        ["symlink T.sym", "openat T.sym", "write T", "close T", "truncate T.sym"],
        {2: b"XXaa\nbbbb\n", 4: b"XXa"},
    ),
    (
        "write_behind_symlink",
        [
            *SPARE,
            "rename T > T.old",
            "symlink T",
            "openat T.spare",
            "write T.spare",
            "close T.spare",
            "openat T.other",
            "write T.other",
            "close T.other",
            "rename T.other > T.spare",
        ],
        {3: GONE, 4: b"elsewhere\n", 6: b"EEsewhere\n", 11: b"third\n"},
    ),
    (
        "store_clean",
        ["openat T", "mmap T", "read T", "msync", "close T"],
        {1: b"Xaaa\nbbbb\n", 2: b"XYaa\nbbbb\n"},
    ),
    ("store_dirty", ["openat T", "mmap T", "newfstatat T", "newfstatat T", "close T"], {3: b"Xaaa\nbbbb\n"}),
    ("store_after_close", ["openat T", "mmap T", "close T", "newfstatat T"], {3: b"Xaaa\nbbbb\n"}),
    ("store_after_mprotect", ["openat T", "mmap T", "close T"], {1: b"Xaaa\nbbbb\n"}),
    (
        "copy_file_range",
        [*SPARE, "openat T.spare", "openat T", "copy_file_range T", "close T.spare", "close T"],
        {5: b"ZZaa\nbbbb\n"},
    ),
    (
        "sendfile",
        [*SPARE, "openat T.spare", "openat T", "sendfile T", "close T.spare", "close T"],
        {5: b"ZZaa\nbbbb\n"},
    ),
    ("splice", ["openat T", "splice T", "close T"], {1: b"ZZaa\nbbbb\n"}),
    ("fallocate", ["openat T", "fallocate T", "close T"], {1: INITIAL + b"\0\0"}),
    ("write_by_standard_output", ["openat T", "write T", "dup2 T", "close T"], {1: INITIAL + b"cccc\n"}),
    ("write_by_dup", ["openat T", "close T", "write T", "close T"], {2: INITIAL + b"cccc\n"}),
    ("touch", ["utimensat T", "chmod T", f"{LINK} T > T.link", "unlink T.link"], {}),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("changes"), Changing) as stage:
        yield stage


@pytest.mark.parametrize(("word", "calls", "changes"), CASES, ids=[case[0] for case in CASES])
def test_a_change_is_seen_at_the_step_that_made_it(
    stage: Stage, word: str, calls: list[str], changes: dict[int, bytes | None]
) -> None:
    seen = stage.run([word])
    assert seen.outcomes() == ["ok"]
    assert not seen.end.inconclusive
    # msync has no descriptor, so it is no call on a file of ours.
    assert seen.calls() == [call for call in calls if call != "msync"]
    found = {at: seen.content(step.change) for at, step in enumerate(seen.steps) if step.change}
    assert found == changes


@pytest.mark.parametrize("word", ["write", "pwrite", "truncate", "open_truncating", "rename_over", "unlink"])
def test_a_change_through_the_transcripts_link_is_a_change(stage: Stage, word: str) -> None:
    plain, linked = stage.run([word]), stage.run([word], symlink=True)
    assert linked.outcomes() == ["ok"]
    assert not linked.end.inconclusive
    assert linked.calls() == plain.calls()
    assert [change[1:] for change in linked.changes()] == [change[1:] for change in plain.changes()]
