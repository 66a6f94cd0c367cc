"""Test every action: it has its declared effect and leaves no files behind."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import random
from pathlib import Path

import pytest

from harness.scenario.actions import ACTIONS, Action, make_line

KINDS = ("user", "assistant", "toolResult", "custom", "delivery-mirror")
SAMPLE = "".join(f"{make_line(kind, f'e{index}')}\n" for index, kind in enumerate(KINDS)).encode()

every_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)


@dataclasses.dataclass
class Session:
    """A directory with a transcript."""

    directory: Path

    def __post_init__(self) -> None:
        self.directory.mkdir(exist_ok=True)
        self.transcript = self.directory / "transcript.jsonl"
        self.transcript.write_bytes(SAMPLE)
        # Held open, so that no new file gets its inode number.
        self.original = self.transcript.open("rb")

    def perform(self, action: Action, seed: int = 1) -> None:
        action.perform(str(self.transcript), action.draw(random.Random(seed)) | {"id": "x1"})

    def content(self) -> bytes | None:
        return self.transcript.read_bytes() if self.transcript.exists() else None

    def same_file(self) -> bool:
        return self.transcript.stat().st_ino == os.fstat(self.original.fileno()).st_ino

    def extra(self) -> set[str]:
        return {name for name in os.listdir(self.directory) if name != "transcript.jsonl"}


@pytest.fixture
def session(tmp_path: Path):
    made = Session(tmp_path / "session")
    yield made
    made.original.close()


@every_action
@pytest.mark.parametrize("seed", range(5))
def test_a_reader_sees_the_declared_effect_of_an_action(session: Session, action: Action, seed: int) -> None:
    session.perform(action, seed)
    if action.effect == "changes":
        assert session.content() != SAMPLE
    else:
        assert session.content() == SAMPLE
        assert session.same_file() == (action.effect == "none")


@every_action
def test_only_files_meant_to_stay_are_left_behind(session: Session, action: Action) -> None:
    session.perform(action)
    assert {name.rsplit(".", 1)[1] for name in session.extra()} == set(action.leaves)


@every_action
def test_no_descriptor_is_left_open(session: Session, action: Action) -> None:
    before = os.listdir("/proc/self/fd")
    session.perform(action)
    assert os.listdir("/proc/self/fd") == before


@every_action
def test_a_missing_transcript_stops_the_action_and_nothing_is_made(session: Session, action: Action) -> None:
    session.transcript.unlink()
    session.perform(action)
    assert os.listdir(session.directory) == []


@every_action
def test_an_empty_transcript_is_no_obstacle(session: Session, action: Action) -> None:
    session.transcript.write_bytes(b"")
    session.perform(action)
    assert {name.rsplit(".", 1)[1] for name in session.extra()} == set(action.leaves)


@every_action
def test_the_same_seed_does_the_same(tmp_path: Path, action: Action) -> None:
    one, other = Session(tmp_path / "one"), Session(tmp_path / "other")
    for session in (one, other):
        session.perform(action, seed=7)
        session.original.close()
    assert one.content() == other.content()
    assert one.extra() == other.extra()


@every_action
def test_drawing_uses_nothing_but_random_numbers_and_gives_plain_data(action: Action) -> None:
    class OnlyRandom(random.Random):
        def getrandbits(self, k: int) -> int:
            raise AssertionError("only random() may be used")

    drawn = action.draw(OnlyRandom(5))
    assert json.loads(json.dumps(drawn)) == drawn
    assert drawn == action.draw(random.Random(5))


@every_action
def test_a_failure_of_the_machine_is_not_hidden(session: Session, action: Action, monkeypatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EIO, "injected")

    for name in ("open", "unlink", "rename", "link", "utime", "chmod", "stat"):
        monkeypatch.setattr(os, name, fail)
    with pytest.raises(OSError, match="injected"):
        session.perform(action)


@pytest.mark.parametrize("name", [name for name in ACTIONS if name.startswith("append-")])
def test_an_append_keeps_every_byte_that_was_there(session: Session, name: str) -> None:
    session.perform(ACTIONS[name])
    content = session.content()
    assert content is not None
    assert content.startswith(SAMPLE)
    assert session.same_file()


@pytest.mark.parametrize("seed", range(20))
def test_a_replacement_keeps_the_size_or_grows(seed: int, session: Session) -> None:
    args = ACTIONS["replace-other-bytes"].draw(random.Random(seed))
    ACTIONS["replace-other-bytes"].perform(str(session.transcript), args)
    content = session.content()
    assert content is not None
    assert (len(content) > len(SAMPLE)) == args["grow"]


def test_a_draw_keeps_the_size_about_half_of_the_time() -> None:
    rng = random.Random(1)
    grown = sum(bool(ACTIONS["replace-other-bytes"].draw(rng)["grow"]) for _ in range(1000))
    assert 400 < grown < 600


@pytest.mark.parametrize(
    "name", ["same-size-rewrite", "mmap-store-clean", "recreate-other-bytes", "truncate-regrow"]
)
def test_changed_bytes_keep_the_size_and_the_lines_stay_json(session: Session, name: str) -> None:
    session.perform(ACTIONS[name])
    content = session.content()
    assert content is not None
    assert len(content) == len(SAMPLE)
    assert [json.loads(line)["id"] for line in content.splitlines()] == [f"e{i}" for i in range(len(KINDS))]


@pytest.mark.parametrize("name", ["same-size-rewrite-mtime-restored", "replace-other-bytes-mtime-copied"])
def test_mtime_is_put_back_to_the_nanosecond(session: Session, name: str) -> None:
    os.utime(session.transcript, ns=(1, 1_700_000_000_123_456_789))
    session.perform(ACTIONS[name])
    assert session.transcript.stat().st_mtime_ns == 1_700_000_000_123_456_789


def test_symlink_swap_links_to_a_changed_copy(session: Session) -> None:
    session.perform(ACTIONS["symlink-swap"])
    assert session.transcript.is_symlink()
    aside = next(name for name in session.extra() if name.endswith(".aside"))
    assert (session.directory / aside).read_bytes() == SAMPLE


def test_rename_over_twice_changed_keeps_the_file(session: Session) -> None:
    session.perform(ACTIONS["rename-over-twice-changed"])
    assert session.same_file()


def test_every_action_describes_itself_in_one_line() -> None:
    for name, action in ACTIONS.items():
        assert name == action.name
        assert name == name.lower().replace("_", "-")
        assert 10 < len(action.about) < 100
        assert "\n" not in action.about


#: The fate of the original file: still at the path with its bytes changed in place
#: (same), or another one in its place while it keeps its bytes (other), or none at all (gone).
_FATE = {
    **dict.fromkeys((name for name in ACTIONS if name.startswith("append-")), "same"),
    **dict.fromkeys(
        (
            *("same-size-rewrite", "same-size-rewrite-mtime-restored", "change-earlier-and-append"),
            *("truncate", "truncate-regrow", "rename-over-twice-changed", "hardlink-write"),
            *("mmap-store-clean", "mmap-store-dirty"),
            *("swap-lines", "change-first-byte", "change-last-byte", "repeat-line"),
        ),
        "same",
    ),
    **dict.fromkeys(
        (
            *("recreate-other-bytes", "recreate-other-bytes-same-inode", "replace-other-bytes"),
            *("replace-other-bytes-mtime-copied", "rotate", "exchange", "symlink-swap"),
        ),
        "other",
    ),
    "delete": "gone",
}


def test_the_fate_of_the_file_is_listed_for_every_change() -> None:
    assert set(_FATE) == {name for name, action in ACTIONS.items() if action.effect == "changes"}


@pytest.mark.parametrize(("name", "fate"), _FATE.items(), ids=_FATE)
def test_each_action_changes_the_file_as_listed(session: Session, name: str, fate: str) -> None:
    session.perform(ACTIONS[name])
    assert session.transcript.exists() == (fate != "gone")
    if fate == "same":
        assert session.same_file()
    else:
        assert os.pread(session.original.fileno(), len(SAMPLE) + 1, 0) == SAMPLE
        assert fate == "gone" or not session.same_file()


@pytest.mark.parametrize("name", ["chmod", "chmod-and-back", "touch", "hardlink-touch", "open-close"])
def test_a_metadata_action_makes_the_change_in_its_name(session: Session, name: str) -> None:
    os.chmod(session.transcript, 0o600)
    os.utime(session.transcript, ns=(1, 1))
    session.perform(ACTIONS[name])
    after = session.transcript.stat()
    assert (after.st_mtime_ns != 1) == (name == "touch")
    assert (after.st_mode & 0o777 != 0o600) == (name == "chmod")
    assert after.st_nlink == 1


@pytest.mark.parametrize("name", ["exchange-and-back", "rename-over-twice", "rename-away-decoy-back"])
def test_renaming_away_and_back_keeps_bytes_and_mtime(session: Session, name: str) -> None:
    os.utime(session.transcript, ns=(1, 1))
    session.perform(ACTIONS[name])
    assert session.same_file()
    assert session.transcript.stat().st_mtime_ns == 1


def test_rotate_leaves_an_empty_file_and_keeps_the_original(session: Session) -> None:
    session.perform(ACTIONS["rotate"])
    assert session.content() == b""
    (aside,) = session.extra()
    assert (session.directory / aside).read_bytes() == SAMPLE


@pytest.mark.parametrize("seed", range(5))
def test_swapped_lines_are_the_same_lines_in_other_order(session: Session, seed: int) -> None:
    session.perform(ACTIONS["swap-lines"], seed)
    content = session.content()
    assert content is not None
    assert sorted(content.splitlines()) == sorted(SAMPLE.splitlines())


@pytest.mark.parametrize(
    ("name", "rest"), [("change-first-byte", slice(1, None)), ("change-last-byte", slice(-1))]
)
def test_one_byte_at_an_end_changes_and_no_other(session: Session, name: str, rest: slice) -> None:
    session.perform(ACTIONS[name])
    content = session.content()
    assert content is not None
    assert len(content) == len(SAMPLE)
    assert content[rest] == SAMPLE[rest]
    session.perform(ACTIONS[name])
    assert session.content() not in (content, SAMPLE)


@pytest.mark.parametrize("seed", range(5))
def test_a_repeated_line_is_one_that_was_there(session: Session, seed: int) -> None:
    session.perform(ACTIONS["repeat-line"], seed)
    content = session.content()
    assert content is not None
    assert content.removeprefix(SAMPLE) in SAMPLE.splitlines(keepends=True)


@pytest.mark.parametrize("alone", [False, True])
def test_bytes_that_are_no_utf8_come_alone_or_in_a_line(session: Session, alone: bool) -> None:
    ACTIONS["append-not-utf8"].perform(str(session.transcript), {"alone": alone, "id": "x1"})
    content = session.content()
    assert content is not None
    added = content.removeprefix(SAMPLE)
    with pytest.raises(UnicodeDecodeError):
        added.decode()
    text = added.decode(errors="ignore")
    assert text == ("" if alone else make_line("user", "x1") + "\n")


def test_a_quoting_line_is_a_users_with_words_of_others(session: Session) -> None:
    session.perform(ACTIONS["append-quoting"])
    content = session.content()
    assert content is not None
    added = content.removeprefix(SAMPLE)
    assert json.loads(added)["message"]["role"] == "user"
    assert b"delivery-mirror" in added
    assert b"assistant" in added
