"""A namespace of process ids: the next id can be chosen, and all ends with its first process."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.system import pid_namespace, read_only_mounts
from harness.system.descriptors import close_all_but
from harness.system.pid_namespace import PidNamespace

pytestmark = pytest.mark.requires("pid-namespace of this process")


@pytest.fixture
def inside(tmp_path: Path):
    """Run functions in a thread that has entered a namespace; its children are in there."""
    namespace = pid_namespace.take()
    with in_a_thread_of(namespace, tmp_path) as run:
        yield namespace, run
        namespace.close()


@contextlib.contextmanager
def in_a_thread_of(namespace: PidNamespace, directory: Path) -> Iterator[Callable[[Callable[[], Any]], Any]]:
    def enter() -> bool:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        return read_only_mounts.make_read_only(str(directory.resolve())) and namespace.enter()

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(enter).result()
        yield lambda call: thread.submit(call).result()


def started(child: Callable[[], Any]) -> tuple[int, int]:
    """Start a process; return its id here and the number that it says; 0 where it was killed before."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(writing, b"%d" % child())
        os.close(writing)
        while True:
            signal.pause()
    os.close(writing)
    said = b""
    while part := os.read(reading, 20):
        said += part
    os.close(reading)
    return pid, int(said or b"0")


def ended(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_process_has_the_id_that_was_chosen(inside: Any) -> None:
    namespace, run = inside
    for number in (500, 500, 20_000, 77):
        namespace.next_id(number)
        pid, said = run(lambda: started(os.getpid))
        assert said == number != pid
        ended(pid)


def test_a_number_that_is_taken_goes_to_no_other_process(inside: Any) -> None:
    namespace, run = inside
    namespace.next_id(500)
    first, _ = run(lambda: started(os.getpid))
    namespace.next_id(500)
    second, said = run(lambda: started(os.getpid))
    assert said == 501
    ended(first)
    ended(second)


def test_proc_names_processes_as_they_name_each_other(inside: Any) -> None:
    namespace, run = inside
    namespace.next_id(500)
    pid, said = run(lambda: started(lambda: int(os.readlink("/proc/self"))))
    assert said == 500
    assert os.path.exists(f"{namespace.root}/proc/500/stat")
    ended(pid)


def test_no_process_outside_can_be_named(inside: Any) -> None:
    _, run = inside
    outside = os.getpid()

    def look() -> int:
        try:
            os.kill(outside, 0)
        except ProcessLookupError:
            return 1
        return 0

    pid, said = run(lambda: started(look))
    # Where its number is one of the few that the namespace has given, it is another process.
    assert said == 1 or outside < 10
    ended(pid)


def test_its_list_of_ids_cannot_be_written_to_from_inside(inside: Any) -> None:
    _, run = inside

    def write() -> int:
        try:
            os.close(os.open("/proc/sys/kernel/ns_last_pid", os.O_WRONLY))
        except OSError:
            return 1
        return 0

    pid, said = run(lambda: started(write))
    assert said == 1
    ended(pid)


def test_all_its_processes_end_with_it(inside: Any) -> None:
    namespace, run = inside
    pids = [run(lambda: started(os.getpid))[0] for _ in range(3)]
    assert namespace.alive() and namespace.first in pid_namespace.held()
    namespace.close()
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    while namespace.first in pid_namespace.held():
        time.sleep(0.01)
    assert not psutil.pid_exists(namespace.first)


def test_it_ends_with_the_process_that_has_it() -> None:
    """Also where that is killed, and its children live on with its descriptors."""
    reading, writing = os.pipe()
    holder = os.fork()
    if not holder:
        namespace = pid_namespace.take()
        heir = os.fork()
        if heir:
            os.write(writing, b"%d %d" % (namespace.first, heir))
        while True:
            signal.pause()
    first, heir = map(int, os.read(reading, 100).split())
    ended(holder)
    try:
        while psutil.pid_exists(first) and psutil.Process(first).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert psutil.pid_exists(heir)
    finally:
        os.kill(heir, signal.SIGKILL)
        os.close(reading)
        os.close(writing)


def test_it_is_known_when_its_first_process_was_killed(inside: Any) -> None:
    namespace, _ = inside
    os.kill(namespace.first, signal.SIGKILL)
    while namespace.alive():
        time.sleep(0.01)


def test_no_id_is_chosen_where_its_first_process_was_killed(inside: Any) -> None:
    namespace, _ = inside
    assert namespace.next_id(500)
    os.kill(namespace.first, signal.SIGKILL)
    assert not namespace.next_id(500)
    while namespace.first in pid_namespace.held():
        time.sleep(0.01)
    assert not namespace.next_id(500)


def test_it_is_known_when_its_first_process_ends_and_another_one_is_not_reaped(inside: Any) -> None:
    """The kernel keeps the first one until all others are reaped, and lets none be started meanwhile."""
    namespace, run = inside
    pid, _ = run(lambda: started(os.getpid))
    os.kill(namespace.first, signal.SIGKILL)
    while namespace.alive():
        time.sleep(0.01)
    assert os.waitpid(namespace.first, os.WNOHANG) == (0, 0)
    # It is ending a moment before the kernel starts no more.
    with pytest.raises(OSError, match="Cannot allocate memory"):
        while True:
            last, _ = run(lambda: started(os.getpid))
            ended(last)
    os.waitpid(pid, 0)


def with_a_child() -> int:
    if not os.fork():
        close_all_but(())
        while True:
            signal.pause()
    return os.getpid()


def test_a_prepared_namespace_is_taken_again_and_is_empty_then(tmp_path: Path) -> None:
    pid_namespace.prepare()
    seen = []
    for _ in range(3):
        namespace = pid_namespace.take()
        seen.append(namespace.first)
        with in_a_thread_of(namespace, tmp_path) as run:
            namespace.next_id(500)
            pid, said = run(lambda: started(with_a_child))
            assert said == 500
            ended(pid)
            (left,) = psutil.Process(namespace.first).children()
            namespace.close()
            assert not left.is_running()
    assert len(set(seen)) == 1
    namespace.end()
    assert not psutil.pid_exists(namespace.first)


def test_a_prepared_namespace_that_was_killed_is_not_taken() -> None:
    others = pid_namespace.held()
    pid_namespace.prepare()
    (first,) = pid_namespace.held() - others
    os.kill(first, signal.SIGKILL)
    namespace = pid_namespace.take()
    assert namespace.first != first
    assert first not in pid_namespace.held()
    namespace.close()


def test_to_prepare_leaves_later_processes_where_they_were() -> None:
    others = pid_namespace.held()
    pid_namespace.prepare()
    (first,) = pid_namespace.held() - others
    pid, said = started(os.getpid)
    assert said == pid
    ended(pid)
    namespace = pid_namespace.take()
    assert namespace.first == first
    namespace.end()
