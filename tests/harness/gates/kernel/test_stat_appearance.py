"""Answers of stat where a scenario says that they differ from the file."""

from __future__ import annotations

import ctypes
import json
import os

import pytest

from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.program import Filesystem
from tests.harness.gates.kernel.looking import Looking
from tests.harness.gates.kernel.stage import START_NS, Scripted, Seen, Stage, program_of

pytestmark = pytest.mark.requires("kernel-gate")

MS = 1_000_000


class Looks(Looking):
    """Looks by name, by descriptor and at links, and changes a little."""

    def number(self) -> str:
        return str(os.stat(self.path).st_ino)

    def size(self) -> str:
        return str(os.stat(self.path).st_size)

    def number_of_an_open_file(self) -> str:
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self.kept = fd
        return str(os.fstat(fd).st_ino)

    def number_of_the_kept_one(self) -> str:
        found = f"{os.fstat(self.kept).st_ino} {os.stat(self.path).st_ino}"
        os.close(self.kept)
        return found

    def numbers_of_two_links(self) -> str:
        other = self.path + ".other"
        os.link(self.path, other)
        found = f"{os.stat(self.path).st_ino} {os.stat(other).st_ino} {os.stat(other).st_ino}"
        os.unlink(other)
        return found

    def changed(self) -> str:
        return str(os.stat(self.path).st_ctime_ns)

    def stamps(self) -> str:
        status = os.stat(self.path)
        return f"{status.st_mtime_ns} {status.st_ctime_ns}"

    def other_mode(self) -> None:
        os.chmod(self.path, 0o640)

    def set_mtime(self) -> None:
        os.utime(self.path, ns=(START_NS, START_NS))

    def append_one(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, b"x")
        os.close(fd)

    def watch(self) -> str:
        libc = ctypes.CDLL(None)
        self.queue = libc.inotify_init1(os.O_CLOEXEC)
        return str(libc.inotify_add_watch(self.queue, os.fsencode(self.path), 2))

    def watch_no_more(self) -> None:
        os.close(self.queue)

    def open_to_read(self) -> None:
        os.close(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC))

    def open_to_write(self) -> None:
        os.close(os.open(self.path, os.O_WRONLY | os.O_CLOEXEC))


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("appearance"), Looks, ["p", "q"]) as stage:
        yield stage


def play(
    stage: Stage, *words: str, other: tuple[str, ...] = (), order: tuple[int, ...] = (), **keys: object
) -> Seen:
    program = program_of(stage.lanes, [words, other], filesystem=Filesystem(**keys))  # type: ignore[arg-type]
    seen = stage.play(program, Scripted(list(order)))
    assert not seen.end.inconclusive
    return seen


def said(seen: Seen, lane: int = 0) -> list[str]:
    return [detail for detail in seen.said(lane) if detail]


def test_a_forgotten_file_has_another_number(stage: Stage) -> None:
    words = ("number", "number", "pause:30", "number", "number", "pause:30", "number")
    first, again, later, still, last = said(play(stage, *words, inode_forget_ms=20))
    assert first == again and later == still
    assert len({first, later, last}) == 3
    assert len(set(said(play(stage, *words)))) == 1


def test_an_open_file_is_not_forgotten(stage: Stage) -> None:
    words = ("number_of_an_open_file", "pause:90", "number_of_the_kept_one", "pause:90", "number")
    kept, both, later = said(play(stage, *words, inode_forget_ms=20))
    assert both == f"{kept} {kept}"
    assert later != kept


def test_a_watched_file_is_not_forgotten(stage: Stage) -> None:
    words = ("number", "watch", "pause:90", "number", "watch_no_more", "pause:90", "number")
    first, watch, watched, later = said(play(stage, *words, inode_forget_ms=20))
    assert watch == "1" and watched == first != later


def test_a_number_that_changes_is_the_same_for_all_and_each_time(stage: Stage) -> None:
    words = ("number", "pause:50", "number")
    seen = [play(stage, *words, other=("pause:60", "number"), inode_forget_ms=20) for _ in range(3)]
    assert seen[0].events == seen[1].events == seen[2].events
    assert said(seen[0], 1) == [said(seen[0])[-1]]


def test_ctime_drifts_with_time_alone(stage: Stage) -> None:
    words = ("changed", "pause:3", "changed", "pause:25", "changed")
    first, soon, later = map(int, said(play(stage, *words, ctime_drift_ms=10)))
    assert first == soon == START_NS
    assert later > first and (later - START_NS) % (10 * MS) == 0
    assert set(map(int, said(play(stage, *words)))) == {START_NS}


def _stamps(seen: Seen) -> list[tuple[int, int]]:
    return [(int(mtime), int(ctime)) for mtime, ctime in map(str.split, said(seen))]


def test_stamps_of_a_forgotten_file_are_later_once(stage: Stage) -> None:
    words = ("append_one", "stamps", "stamps", "pause:30", "stamps", "pause:30", "stamps")
    at_once, again, later, last = _stamps(play(stage, *words, stamps_settle_ms=20))
    assert at_once == again
    assert later == last == (at_once[0] + MS, at_once[1] + MS)
    assert len(set(_stamps(play(stage, *words)))) == 1


def test_a_change_after_that_has_its_own_stamp(stage: Stage) -> None:
    words = ("append_one", "pause:30", "stamps", "append_one", "stamps", "pause:30", "stamps")
    first, second, later = _stamps(play(stage, *words, stamps_settle_ms=20))
    assert second[0] == second[1] > first[0]
    assert later == (second[0] + MS, second[1] + MS)


def test_an_mtime_that_a_process_set_stays(stage: Stage) -> None:
    words = ("append_one", "set_mtime", "stamps", "pause:30", "stamps")
    before, later = _stamps(play(stage, *words, stamps_settle_ms=20))
    assert before[0] == later[0] == START_NS
    assert later[1] == before[1] + MS


def test_the_number_stays_where_only_stamps_settle(stage: Stage) -> None:
    words = ("number", "append_one", "pause:30", "number")
    assert len(set(said(play(stage, *words, stamps_settle_ms=20)))) == 1


def test_a_ctime_that_is_the_mtime_shows_no_change_of_mode(stage: Stage) -> None:
    words = ("append_one", "stamps", "other_mode", "stamps", "set_mtime", "stamps")
    written, mode, set_back = _stamps(play(stage, *words, ctime_own=False))
    assert written == mode and written[0] == written[1] > START_NS
    assert set_back == (START_NS, START_NS)
    written, mode, set_back = _stamps(play(stage, *words))
    assert written[1] < mode[1] < set_back[1]


def test_links_have_numbers_of_their_own(stage: Stage) -> None:
    one, other, again = said(play(stage, "numbers_of_two_links", links_share_inode=False))[0].split()
    assert one != other == again
    assert len(set(said(play(stage, "numbers_of_two_links"))[0].split())) == 1


def test_a_process_is_told_remembered_attributes_for_their_time(stage: Stage) -> None:
    """Another process appends meanwhile; so much later, or after an open of its own, it sees that."""
    grown = {"attribute_cache_ms": 100}
    words = ("size", "pause:50", "size", "pause:100", "size")
    old, remembered, seen = map(int, said(play(stage, *words, other=("pause:10", "append_one"), **grown)))
    assert (remembered, seen) == (old, old + 1)
    old, at_once, later = map(int, said(play(stage, *words, other=("pause:10", "append_one"))))
    assert at_once == later == old + 1


@pytest.mark.parametrize(
    ("word", "more"), [("open_to_read", 1), ("append_one", 2), ("chmod", 1), ("number", 0)]
)
def test_a_process_sees_a_file_that_it_opens_or_changes(stage: Stage, word: str, more: int) -> None:
    words = ("size", "pause:50", word, "size")
    seen = said(play(stage, *words, other=("pause:10", "append_one"), attribute_cache_ms=1000))
    assert int(seen[-1]) - int(seen[0]) == more


def test_the_process_that_wrote_sees_it_and_the_other_does_not(stage: Stage) -> None:
    words, other = ("size", "append_one", "size"), ("size", "pause:60", "size")
    seen = play(stage, *words, other=other, order=(1,), attribute_cache_ms=1000)
    assert int(said(seen)[1]) == int(said(seen)[0]) + 1
    assert said(seen, 1)[0] == said(seen, 1)[1]


def test_the_first_open_for_writing_copies_the_file_up(stage: Stage) -> None:
    words = ("look", "open_to_read", "look", "open_to_write", "look", "open_to_write", "look")
    before, read, written, again = [json.loads(one) for one in said(play(stage, *words, copy_up=True))]
    assert before[:4] == read[:4] == [before[0], START_NS, START_NS, START_NS]
    ino, modified, changed, born = written[:4]
    assert (ino, modified) == (before[0], START_NS)
    assert changed == born > START_NS
    assert again[:4] == written[:4]
    assert len({tuple(json.loads(one)[:4]) for one in said(play(stage, *words))}) == 1


def test_nothing_stands_between_a_step_and_its_file_where_nothing_is_asked(stage: Stage) -> None:
    play(stage, "number", time_grain_ms=4, birth_time=False, inode_reuse="never")
    files = stage.gate._files
    assert isinstance(files, VirtualFiles)
    assert files.appearance() is None
