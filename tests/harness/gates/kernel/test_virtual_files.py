"""The session directory followed by looking at it: no process, just files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fence.locks import LockFile
from harness.gates.kernel.laid_files import LINKED, TRANSCRIPT
from harness.gates.kernel.virtual_files import VirtualFiles
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
def files(tmp_path: Path, clock: Clock) -> VirtualFiles:
    found = VirtualFiles(
        str(tmp_path.resolve()), (LockFile("sidecar"),), lambda: clock.now_ns, lambda ino: False
    )
    begin(found)
    return found


def begin(files: VirtualFiles, **filesystem: object) -> None:
    initial = (Entry("a", "user", "aaaa"), Entry("b", "user", "bbbb"))
    files.begin(Program((), initial, Filesystem(**filesystem), START))  # type: ignore[arg-type]


def make(files: VirtualFiles, name: str, content: bytes = b"") -> None:
    Path(files.directory, name).write_bytes(content)


def test_a_schedule_begins_with_the_initial_lines_and_nothing_else(files: VirtualFiles) -> None:
    make(files, "left-over")
    os.mkdir(os.path.join(files.directory, "locked"), 0)
    begin(files)
    assert os.listdir(files.directory) == [TRANSCRIPT]
    assert Path(files.path).read_bytes() == b"aaaa\nbbbb\n"
    assert (files.state.file, files.state.content, files.state.size) == ("f0", digest(b"aaaa\nbbbb\n"), 10)
    assert files.blobs == {files.state.content: b"aaaa\nbbbb\n"}


def test_a_linked_transcript_is_one_file_with_two_names(files: VirtualFiles) -> None:
    initial = (Entry("a", "user", "aaaa"),)
    for _ in range(2):
        files.begin(Program((), initial, Filesystem(), START, symlink=True))
        assert sorted(os.listdir(files.directory)) == [LINKED, TRANSCRIPT]
        assert os.readlink(files.path) == LINKED
        assert (files.state.file, files.state.size) == ("f0", 5)
        assert files.alias(LINKED) == files.alias(TRANSCRIPT) == files.names[LINKED].alias == "T"
        assert not files.rescan()
    make(files, LINKED, b"AAAA\n")
    assert files.look()
    begin(files)
    assert os.listdir(files.directory) == [TRANSCRIPT]
    assert files.alias(LINKED) != "T"


def test_a_program_without_initial_lines_starts_where_there_is_no_file(files: VirtualFiles) -> None:
    files.begin(Program((), (), Filesystem(), START))
    assert os.listdir(files.directory) == []
    assert files.state.file is None
    make(files, TRANSCRIPT, b"")
    files.recheck(TRANSCRIPT)
    assert files.look() and files.state.file == "f0"


def test_looking_again_finds_nothing_new(files: VirtualFiles) -> None:
    state = files.state
    assert not files.rescan()
    assert not files.look()
    assert files.state is state


def test_other_bytes_of_the_same_length_are_seen(files: VirtualFiles) -> None:
    make(files, TRANSCRIPT, b"AAAA\nbbbb\n")
    assert files.look()
    assert (files.state.file, files.state.size) == ("f0", 10)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 2_000_000])
def test_a_transcript_of_any_size_is_read_whole(files: VirtualFiles, size: int) -> None:
    content = bytes(n % 251 for n in range(size))
    make(files, TRANSCRIPT, content)
    assert files.look()
    assert files.state.size == size
    assert files.blobs[files.state.content] == content


def test_a_file_that_is_gone_is_absent(files: VirtualFiles) -> None:
    os.unlink(files.path)
    assert files.rescan()
    assert files.look()
    assert files.state == Absent
    assert not files.look()


def test_the_same_bytes_in_another_file_are_another_state(files: VirtualFiles) -> None:
    before = files.state
    make(files, "other", b"aaaa\nbbbb\n")
    os.rename(os.path.join(files.directory, "other"), files.path)
    assert files.rescan()
    assert files.look()
    assert files.state.content == before.content
    assert (before.file, files.state.file) == ("f0", "f1")


def test_a_directory_in_the_transcript_s_place_is_no_file(files: VirtualFiles) -> None:
    os.unlink(files.path)
    os.mkdir(files.path)
    files.rescan()
    files.look()
    assert files.state == Absent or files.state.size <= 0


def test_a_fifo_in_the_transcript_s_place_does_not_stop_the_look(files: VirtualFiles) -> None:
    os.unlink(files.path)
    os.mkfifo(files.path)
    files.rescan()
    files.look()
    assert files.state.size <= 0


def test_names_are_told_in_words_that_are_the_same_everywhere(files: VirtualFiles) -> None:
    assert files.alias(TRANSCRIPT) == "T"
    assert files.alias(TRANSCRIPT + ".lock") == "T.lock"
    first, second = files.alias("sed8fJ2x"), files.alias(TRANSCRIPT + ".4711.tmp")
    assert first != second
    assert "4711" not in second
    assert "8fJ2x" not in first
    assert files.alias("sed8fJ2x") == first
    begin(files)
    assert files.alias("sedOther") == first


def test_a_file_is_called_by_the_transcript_s_name_while_it_has_it(files: VirtualFiles) -> None:
    inode = files.names[TRANSCRIPT]
    os.link(files.path, files.path + ".link")
    files.rescan()
    assert files.names[TRANSCRIPT + ".link"] is inode
    assert inode.alias == "T"
    os.unlink(files.path)
    files.rescan()
    assert inode.alias == "T.link"
    os.unlink(files.path + ".link")
    files.rescan()
    assert inode.alias == "T.link"


def test_new_links_move_ctime_and_a_write_of_names_moves_the_directory_s_mtime(
    files: VirtualFiles, clock: Clock
) -> None:
    inode = files.names[TRANSCRIPT]
    clock.now_ns += SECOND
    os.link(files.path, files.path + ".link")
    files.rescan()
    assert (inode.btime, inode.mtime, inode.ctime) == (START, START, START + SECOND)
    assert files.directory_inode.mtime == files.directory_inode.ctime == START + SECOND


@pytest.mark.parametrize(
    ("grain_ms", "stamp"), [(0, START), (4, START - 3_456_789), (1000, START - 123_456_789)]
)
def test_stamps_are_cut_to_the_grain(files: VirtualFiles, grain_ms: int, stamp: int) -> None:
    begin(files, time_grain_ms=grain_ms)
    assert files.stamp() == stamp
    assert files.names[TRANSCRIPT].btime == stamp


def numbers(files: VirtualFiles, names: list[str]) -> list[int]:
    """Make a file of each name and remove it again; the numbers that are told."""
    told = []
    for name in names:
        make(files, name)
        files.rescan()
        told.append(files.names[name].virtual_ino)
        os.unlink(os.path.join(files.directory, name))
        files.rescan()
    return told


def test_a_freed_number_goes_to_the_next_file(files: VirtualFiles) -> None:
    assert len(set(numbers(files, ["a", "b", "c"]))) == 1
    assert files.reused


def test_a_number_never_comes_back_where_that_was_asked_for(files: VirtualFiles) -> None:
    begin(files, inode_reuse="never")
    assert len(set(numbers(files, ["a", "b", "c"]))) == 3
    assert not files.reused


def test_of_several_freed_numbers_the_lowest_goes_first(files: VirtualFiles) -> None:
    for name in ("a", "b", "c"):
        make(files, name)
        files.rescan()
    told = {name: files.names[name].virtual_ino for name in ("a", "b", "c")}
    for name in ("b", "a"):
        os.unlink(os.path.join(files.directory, name))
        files.rescan()
    for name, expected in (("x", told["a"]), ("y", told["b"])):
        make(files, name)
        files.rescan()
        assert files.names[name].virtual_ino == expected


def test_a_symlink_is_a_file_of_its_own_and_the_look_follows_it(files: VirtualFiles) -> None:
    make(files, "real", b"elsewhere\n")
    os.unlink(files.path)
    os.symlink("real", files.path)
    files.rescan()
    assert files.symlinks == {TRANSCRIPT}
    assert files.look()
    assert files.state.file == files.names["real"].name
    assert files.blobs[files.state.content] == b"elsewhere\n"


def lock(files: VirtualFiles) -> str:
    return os.path.join(files.directory, files.lock.name)


def watch(files: VirtualFiles, lane: int) -> LockEvent | None:
    """Return the event that a lane made at the lock file since the last look."""
    files.rescan()
    return files.lock.named(lane, files.names)


def test_the_maker_of_the_lock_file_owns_it_until_removal(files: VirtualFiles) -> None:
    make(files, files.lock.name)
    assert watch(files, 1) == LockEvent("acquired")
    assert files.lock.owner == 1
    assert watch(files, 0) is None
    os.unlink(lock(files))
    assert watch(files, 1) == LockEvent("released")
    assert files.lock.owner == -1


def test_a_lane_that_removes_another_s_lock_file_reclaims_it(files: VirtualFiles) -> None:
    make(files, files.lock.name)
    watch(files, 1)
    os.unlink(lock(files))
    assert watch(files, 0) == LockEvent("reclaimed", 1)
    assert files.lock.robbed == {1}
    make(files, files.lock.name)
    assert watch(files, 1) == LockEvent("acquired")
    assert files.lock.robbed == set()


def test_a_rename_over_another_s_lock_file_takes_it_away(files: VirtualFiles) -> None:
    make(files, files.lock.name)
    watch(files, 1)
    make(files, "mine")
    os.rename(os.path.join(files.directory, "mine"), lock(files))
    assert watch(files, 0) == LockEvent("acquired", 1)
    assert (files.lock.owner, files.lock.robbed) == (0, {1})


def test_a_file_may_be_the_lock_of_one_lane_after_the_other(files: VirtualFiles) -> None:
    token = f"{files.directory}/token"
    make(files, "token")
    for lane in (1, 0, 1):
        os.rename(token, lock(files))
        assert watch(files, lane) == LockEvent("acquired")
        os.rename(lock(files), token)
        assert watch(files, lane) == LockEvent("released")


def test_a_lock_that_is_moved_back_is_its_makers_again(files: VirtualFiles) -> None:
    aside = f"{files.directory}/aside"
    make(files, files.lock.name)
    watch(files, 1)
    os.rename(lock(files), aside)
    assert watch(files, 0) == LockEvent("reclaimed", 1)
    os.link(aside, lock(files))
    assert watch(files, 0) == LockEvent("returned", 1)


def test_a_lock_file_that_no_lane_made_has_no_owner(files: VirtualFiles) -> None:
    make(files, files.lock.name)
    watch(files, -1)
    os.unlink(lock(files))
    assert watch(files, 0) == LockEvent("reclaimed", -1)


def test_a_new_file_with_a_reused_inode_number_is_another_file(files: VirtualFiles) -> None:
    gone = files.names[TRANSCRIPT]
    # Counted, but no descriptor came of it; copies were made, so that the table was asked.
    gone.opens, files.copied = 1, True
    os.unlink(files.path)
    files.recheck(TRANSCRIPT)
    assert gone.freed
    make(files, f"{TRANSCRIPT}.lock")
    # The file system may give the inode number again, or not.
    files.by_ino[os.stat(f"{files.path}.lock").st_ino] = gone
    files.recheck(f"{TRANSCRIPT}.lock")
    assert files.names[f"{TRANSCRIPT}.lock"] is not gone
    assert files.names[f"{TRANSCRIPT}.lock"].alias == "T.lock"


def test_a_lock_from_before_belongs_to_no_lane(files: VirtualFiles) -> None:
    files.begin(Program((), (), Filesystem(), START), b"{}")
    assert Path(files.directory, files.lock.name).read_bytes() == b"{}"
    assert files.lock.named(1, files.names) is None
    assert files.lock.owner == -1
    os.unlink(os.path.join(files.directory, files.lock.name))
    assert files.recheck(files.lock.name)
    assert files.lock.named(1, files.names) == LockEvent("reclaimed", -1)
    begin(files)
    assert files.lock.name not in os.listdir(files.directory)


# Directories


def tree(files: VirtualFiles) -> None:
    """Two directories: ``a`` holds a file, a link and a directory with a file, ``b`` a file."""
    for name in ("a", "a/in", "b"):
        os.mkdir(os.path.join(files.directory, name))
        files.recheck(name)
    for name in ("a/one", "a/in/two", "b/one"):
        make(files, name)
        files.recheck(name)
    os.symlink("one", os.path.join(files.directory, "a/link"))
    files.recheck("a/link")
    files.take_tree_change()


def below(files: VirtualFiles) -> dict[str, int]:
    return {name: inode.number for name, inode in sorted(files.names.items()) if name != TRANSCRIPT}


def test_a_directory_that_is_moved_takes_along_the_names_below(files: VirtualFiles, clock: Clock) -> None:
    tree(files)
    before, changed = below(files), files.names["a/in/two"].ctime
    clock.now_ns += 1000
    os.rename(os.path.join(files.directory, "a"), os.path.join(files.directory, "c"))
    assert files.recheck("a", "c")
    assert below(files) == {("c" + name[1:] if name[0] == "a" else name): at for name, at in before.items()}
    assert files.names["c/in/two"].alias == "c/in/two"
    assert files.names["c/in/two"].ctime == changed < files.names["c"].ctime == files.directory_inode.mtime
    assert files.symlinks == {"c/link"}
    assert files.take_tree_change()
    # A look at everything finds nothing else.
    assert not files.rescan()


def test_directories_that_change_places_take_their_files_along(files: VirtualFiles) -> None:
    tree(files)
    before = below(files)
    place = os.path.join(files.directory, "place")
    for old, new in (("a", "place"), ("b", "a"), ("place", "b")):
        os.rename(*(place if name == "place" else os.path.join(files.directory, name) for name in (old, new)))
    assert files.recheck("a", "b")
    swapped = {"a": "b", "b": "a"}
    assert below(files) == {swapped[name[0]] + name[1:]: number for name, number in before.items()}
    assert not files.rescan()


def test_a_whole_look_finds_the_same_as_looks_step_by_step(files: VirtualFiles) -> None:
    tree(files)
    before = below(files)
    os.rename(os.path.join(files.directory, "a"), os.path.join(files.directory, "b/moved"))
    assert files.rescan()
    moved = {name: ("b/moved" + name[1:] if name[0] == "a" else name) for name in before}
    assert below(files) == {moved[name]: number for name, number in before.items()}


def test_a_directory_is_gone_with_its_number(files: VirtualFiles) -> None:
    tree(files)
    path = os.path.join(files.directory, "b")
    inode = files.names["b"]
    status = os.stat(path)
    assert files.place_of(status) == "b/"
    os.unlink(path + "/one")
    files.recheck("b/one")
    os.rmdir(path)
    assert files.recheck("b")
    assert files.place_of(status) is None
    assert status.st_ino not in files.directories
    assert inode.freed
    assert files.parent("b/one") is None


def test_strange_names_in_directories_are_called_by_number(files: VirtualFiles) -> None:
    assert files.alias(".git/HEAD.lock") == ".git/HEAD.lock"
    assert files.alias(".git/COMMIT_EDITMSG") == ".git/COMMIT_EDITMSG"
    assert files.alias(".git/objects/3f") == ".git/objects/tmp1"
    assert files.alias(f"{TRANSCRIPT}.lock/pid") == "T.lock/pid"
    assert files.alias("mon.stale.17/pid") == "tmp2/pid"
    # A directory that is called like the transcript's short name is not taken for it.
    assert files.alias("T/x") == "tmp3/x"
    assert files.alias(".git/tOfwaEf") == ".git/tmp4"
