"""The session directory followed by looking at it: no process, just files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.gates.kernel.virtual_files import TRANSCRIPT, VirtualFiles
from harness.model.history import Absent, LockEvent, digest
from harness.model.program import Entry, Filesystem, Program

START = 1_700_000_000_123_456_789
SECOND = 1_000_000_000


class Clock:
    now_ns = START


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> VirtualFiles:
    found = VirtualFiles(str(tmp_path.resolve()), "sidecar", lambda: clock.now_ns, lambda ino: False)
    begin(found)
    return found


def begin(world: VirtualFiles, **filesystem: object) -> None:
    initial = (Entry("a", "user", "aaaa"), Entry("b", "user", "bbbb"))
    world.begin(Program((), initial, Filesystem(**filesystem), START))  # type: ignore[arg-type]


def make(world: VirtualFiles, name: str, content: bytes = b"") -> None:
    Path(world.directory, name).write_bytes(content)


def test_a_schedule_begins_with_the_initial_lines_and_nothing_else(world: VirtualFiles) -> None:
    make(world, "left-over")
    os.mkdir(os.path.join(world.directory, "locked"), 0)
    begin(world)
    assert os.listdir(world.directory) == [TRANSCRIPT]
    assert Path(world.path).read_bytes() == b"aaaa\nbbbb\n"
    assert (world.state.file, world.state.content, world.state.size) == ("f0", digest(b"aaaa\nbbbb\n"), 10)
    assert world.blobs == {world.state.content: b"aaaa\nbbbb\n"}


def test_looking_again_finds_nothing_new(world: VirtualFiles) -> None:
    state = world.state
    assert not world.rescan()
    assert not world.look()
    assert world.state is state


def test_other_bytes_of_the_same_length_are_seen(world: VirtualFiles) -> None:
    make(world, TRANSCRIPT, b"AAAA\nbbbb\n")
    assert world.look()
    assert (world.state.file, world.state.size) == ("f0", 10)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 2_000_000])
def test_a_transcript_of_any_size_is_read_whole(world: VirtualFiles, size: int) -> None:
    content = bytes(n % 251 for n in range(size))
    make(world, TRANSCRIPT, content)
    assert world.look()
    assert world.state.size == size
    assert world.blobs[world.state.content] == content


def test_a_file_that_is_gone_is_absent(world: VirtualFiles) -> None:
    os.unlink(world.path)
    assert world.rescan()
    assert world.look()
    assert world.state == Absent
    assert not world.look()


def test_the_same_bytes_in_another_file_are_another_state(world: VirtualFiles) -> None:
    before = world.state
    make(world, "other", b"aaaa\nbbbb\n")
    os.rename(os.path.join(world.directory, "other"), world.path)
    assert world.rescan()
    assert world.look()
    assert world.state.content == before.content
    assert (before.file, world.state.file) == ("f0", "f1")


def test_a_directory_in_the_transcript_s_place_is_no_file(world: VirtualFiles) -> None:
    os.unlink(world.path)
    os.mkdir(world.path)
    world.rescan()
    world.look()
    assert world.state == Absent or world.state.size <= 0


def test_a_fifo_in_the_transcript_s_place_does_not_stop_the_look(world: VirtualFiles) -> None:
    os.unlink(world.path)
    os.mkfifo(world.path)
    world.rescan()
    world.look()
    assert world.state.size <= 0


def test_names_are_told_in_words_that_are_the_same_everywhere(world: VirtualFiles) -> None:
    assert world.alias(TRANSCRIPT) == "T"
    assert world.alias(TRANSCRIPT + ".lock") == "T.lock"
    first, second = world.alias("sed8fJ2x"), world.alias(TRANSCRIPT + ".4711.tmp")
    assert first != second
    assert "4711" not in second
    assert "8fJ2x" not in first
    assert world.alias("sed8fJ2x") == first
    begin(world)
    assert world.alias("sedOther") == first


def test_a_file_is_called_by_the_transcript_s_name_while_it_has_it(world: VirtualFiles) -> None:
    node = world.names[TRANSCRIPT]
    os.link(world.path, world.path + ".link")
    world.rescan()
    assert world.names[TRANSCRIPT + ".link"] is node
    assert node.alias == "T"
    os.unlink(world.path)
    world.rescan()
    assert node.alias == "T.link"
    os.unlink(world.path + ".link")
    world.rescan()
    assert node.alias == "T.link"


def test_new_links_move_ctime_and_a_write_of_names_moves_the_directory_s_mtime(
    world: VirtualFiles, clock: Clock
) -> None:
    node = world.names[TRANSCRIPT]
    clock.now_ns += SECOND
    os.link(world.path, world.path + ".link")
    world.rescan()
    assert (node.btime, node.mtime, node.ctime) == (START, START, START + SECOND)
    assert world.directory_node.mtime == world.directory_node.ctime == START + SECOND


@pytest.mark.parametrize(
    ("grain_ms", "stamp"), [(0, START), (4, START - 3_456_789), (1000, START - 123_456_789)]
)
def test_stamps_are_cut_to_the_grain(world: VirtualFiles, grain_ms: int, stamp: int) -> None:
    begin(world, time_grain_ms=grain_ms)
    assert world.stamp() == stamp
    assert world.names[TRANSCRIPT].btime == stamp


def numbers(world: VirtualFiles, names: list[str]) -> list[int]:
    """Make a file of each name and remove it again; the numbers that are told."""
    told = []
    for name in names:
        make(world, name)
        world.rescan()
        told.append(world.names[name].told_ino)
        os.unlink(os.path.join(world.directory, name))
        world.rescan()
    return told


def test_a_freed_number_goes_to_the_next_file(world: VirtualFiles) -> None:
    assert len(set(numbers(world, ["a", "b", "c"]))) == 1
    assert world.reused


def test_a_number_never_comes_back_where_that_was_asked_for(world: VirtualFiles) -> None:
    begin(world, inode_reuse="never")
    assert len(set(numbers(world, ["a", "b", "c"]))) == 3
    assert not world.reused


def test_of_several_freed_numbers_the_lowest_goes_first(world: VirtualFiles) -> None:
    for name in ("a", "b", "c"):
        make(world, name)
        world.rescan()
    told = {name: world.names[name].told_ino for name in ("a", "b", "c")}
    for name in ("b", "a"):
        os.unlink(os.path.join(world.directory, name))
        world.rescan()
    for name, expected in (("x", told["a"]), ("y", told["b"])):
        make(world, name)
        world.rescan()
        assert world.names[name].told_ino == expected


def test_a_symlink_is_a_file_of_its_own_and_the_look_follows_it(world: VirtualFiles) -> None:
    make(world, "real", b"elsewhere\n")
    os.unlink(world.path)
    os.symlink("real", world.path)
    world.rescan()
    assert world.symlinks == {TRANSCRIPT}
    assert world.look()
    assert world.state.file == world.names["real"].name
    assert world.blobs[world.state.content] == b"elsewhere\n"


def lock(world: VirtualFiles) -> str:
    return os.path.join(world.directory, world.lock.name)


def watch(world: VirtualFiles, lane: int) -> LockEvent | None:
    """What a lane did to the lock file since the last look."""
    world.rescan()
    return world.lock.named(lane, world.names)


def test_who_makes_the_lock_file_owns_it_and_who_removes_it_lets_it_go(world: VirtualFiles) -> None:
    make(world, world.lock.name)
    assert watch(world, 1) == LockEvent("acquired")
    assert world.lock.owner == 1
    assert watch(world, 0) is None
    os.unlink(lock(world))
    assert watch(world, 1) == LockEvent("released")
    assert world.lock.owner == -1


def test_who_removes_another_s_lock_file_reclaims_it(world: VirtualFiles) -> None:
    make(world, world.lock.name)
    watch(world, 1)
    os.unlink(lock(world))
    assert watch(world, 0) == LockEvent("reclaimed", 1)
    assert world.lock.robbed == {1}
    make(world, world.lock.name)
    assert watch(world, 1) == LockEvent("acquired")
    assert world.lock.robbed == set()


def test_who_renames_a_lock_file_over_another_s_takes_it_away(world: VirtualFiles) -> None:
    make(world, world.lock.name)
    watch(world, 1)
    make(world, "mine")
    os.rename(os.path.join(world.directory, "mine"), lock(world))
    assert watch(world, 0) == LockEvent("acquired", 1)
    assert (world.lock.owner, world.lock.robbed) == (0, {1})


def test_a_lock_file_that_no_lane_made_is_nobody_s(world: VirtualFiles) -> None:
    make(world, world.lock.name)
    watch(world, -1)
    os.unlink(lock(world))
    assert watch(world, 0) == LockEvent("reclaimed", -1)


def test_a_new_file_is_not_the_one_whose_number_the_file_system_gave_it_again(world: VirtualFiles) -> None:
    gone = world.names[TRANSCRIPT]
    # Counted, but no descriptor came of it; copies were made, so that the table was asked.
    gone.opens, world.copied = 1, True
    os.unlink(world.path)
    world.recheck(TRANSCRIPT)
    assert gone.freed
    make(world, f"{TRANSCRIPT}.lock")
    # What the file system may do, or not.
    world.by_ino[os.stat(f"{world.path}.lock").st_ino] = gone
    world.recheck(f"{TRANSCRIPT}.lock")
    assert world.names[f"{TRANSCRIPT}.lock"] is not gone
    assert world.names[f"{TRANSCRIPT}.lock"].alias == "T.lock"
