"""The kernel keeps a process in its directory, without a supervisor that reads its calls."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import multiprocess
import pytest

from harness.model.errors import GateUnavailable
from harness.system import landlock, read_only_mounts
from harness.system.confined_starter import ConfinedStarter
from harness.system.descriptors import close_all_but
from tests.harness.system.reaching_out import (
    ATTEMPTS,
    BY_CAPABILITY,
    BY_MOUNT,
    KEPT_OUT,
    SILENT,
    TRACING,
    Place,
    outcome_of,
    place_of,
    state_of,
)

pytestmark = pytest.mark.requires("landlock")

#: Users that make the attempts: root, and a user without capabilities.
USERS = ["root", "user"] if os.geteuid() == 0 else ["user"]
NOBODY = 65534


@pytest.fixture(params=USERS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    user = NOBODY if request.param == "user" and os.geteuid() == 0 else os.geteuid()
    with place_of(user, watched="without_walls" not in request.node.name) as place:
        yield place


Ask = Callable[[Callable[[], str]], str]


class Processes:
    """Processes that are started confined or free, and what they say."""

    def __init__(self, starter: ConfinedStarter | None) -> None:
        self._starter = starter
        self._context: Any = multiprocess.get_context("fork")

    def ask(self, function: Callable[[], str], user: int) -> str:
        """Return what a function returns in a process of a user."""
        ours, theirs = socket.socketpair()

        def main() -> None:
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            if user != os.geteuid():
                os.setgid(user)
                os.setuid(user)
            try:
                said = function()
            except BaseException as error:
                said = repr(error)
            theirs.sendall(said.encode() + b".")
            os._exit(0)

        with ours, theirs:
            process = self._context.Process(target=main)
            if self._starter is None:
                process.start()
            else:
                self._starter.start(process)
            theirs.close()
            with ours.makefile("rb") as file:
                answer = file.read().decode()
            process.join()
        assert answer.endswith("."), answer
        return answer[:-1]


@pytest.fixture(params=["mounts and landlock", "landlock alone"])
def confined(place: Place, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    if request.param == "landlock alone":
        monkeypatch.setattr(read_only_mounts, "make_read_only", lambda directory: False)
    user = os.stat(place.inside).st_uid
    starter = ConfinedStarter(place.inside)
    processes = Processes(starter)
    yield lambda function: processes.ask(function, user)
    starter.close()


@pytest.mark.parametrize("attempt", sorted({*ATTEMPTS} - BY_MOUNT))
def test_nothing_outside_is_reached(place: Place, confined: Ask, attempt: str) -> None:
    before = state_of(place.outside)
    said = confined(lambda: outcome_of(attempt, place))
    assert state_of(place.outside) == before
    if attempt in SILENT:
        return
    assert said in ({"EPERM"} if attempt in BY_CAPABILITY else KEPT_OUT)


@pytest.mark.requires("mounts")
@pytest.mark.parametrize("confined", ["mounts and landlock"], indirect=True)
@pytest.mark.parametrize("attempt", sorted(BY_MOUNT))
def test_the_attributes_of_a_file_outside_do_not_change(place: Place, confined: Ask, attempt: str) -> None:
    if os.geteuid() == 0:
        before = os.stat(place.victim)
        assert confined(lambda: outcome_of(attempt, place)) == "EROFS"
        assert os.stat(place.victim) == before
    else:
        assert confined(lambda: outcome_of(attempt, place)) == "done"


@pytest.mark.parametrize("attempt", sorted({*ATTEMPTS} - BY_CAPABILITY - {"make a device inside"} - TRACING))
def test_without_walls_each_attempt_arrives(place: Place, attempt: str) -> None:
    """An attempt that failed anyway would show nothing."""
    user = os.stat(place.inside).st_uid
    assert Processes(None).ask(lambda: outcome_of(attempt, place), user) == "done"


@pytest.mark.requires("mounts", "root")
@pytest.mark.parametrize("confined", ["mounts and landlock"], indirect=True)
def test_a_device_node_inside_is_not_opened(place: Place, confined: Ask) -> None:
    """However it came there; a confined process cannot make one."""
    node = f"{place.inside}/null"
    os.mknod(node, 0o20666, os.makedev(1, 3))
    os.chmod(node, 0o666)

    def open_it() -> str:
        try:
            with open(node, "rb") as file:
                return f"read {len(file.read())}"
        except OSError as error:
            return errno.errorcode[error.errno or 0]

    assert confined(open_it) == "EACCES"
    assert open_it() == "read 0"


@pytest.mark.requires("mounts", "root")
def test_a_directory_that_stays_read_only_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing could be written there, and each fence would fail of that."""
    really = read_only_mounts._set
    monkeypatch.setattr(read_only_mounts, "_set", lambda path, *more: path == b"/" and really(path, *more))
    with tempfile.TemporaryDirectory() as directory:
        starter = ConfinedStarter(os.path.realpath(directory))
        with pytest.raises(GateUnavailable, match=f"mount_setattr of {os.path.realpath(directory)}"):
            starter.start(multiprocess.get_context("fork").Process(target=os.getpid))
        starter.close()
        Path(directory, "file").write_bytes(b"the thread alone was confined")


def test_a_program_gets_no_capability_back(place: Place, confined: Ask) -> None:
    """Root gets all of them back where it starts a program, unless something forbids that."""

    def capabilities_of_a_program() -> str:
        said = subprocess.run(["cat", "/proc/self/status"], capture_output=True, check=True, text=True).stdout
        return said.partition("CapPrm:")[2].split()[0]

    kept = sum(1 << number for number in (0, 1, 3, 4, 5, 6, 7, 8, 10))
    assert int(confined(capabilities_of_a_program), 16) & ~kept == 0


def test_inside_all_is_as_without(place: Place, confined: Ask) -> None:
    def act() -> str:
        os.chdir(place.inside)
        os.mkdir("one")
        Path("one/file").write_bytes(b"text")
        os.rename("one/file", "moved")
        os.link("moved", "one/again")
        os.symlink("moved", "symlink")
        Path("symlink").write_bytes(b"other text")
        os.truncate("moved", 3)
        os.mkfifo("pipe")
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket")
        os.unlink("one/again")
        os.rmdir("one")
        Path(os.devnull).write_bytes(b"gone")
        return ",".join(sorted(os.listdir(".")))

    assert confined(act) == "moved,pipe,socket,symlink"
    assert Path(place.inside, "moved").read_bytes() == b"oth"


def test_processes_of_one_session_may_signal_and_meet_each_other(place: Place, confined: Ask) -> None:
    name = f"takeover-harness-inside-{os.getpid()}"
    told: list[str] = []

    def wait_for_signal() -> str:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("\0" + name)
            one.listen()
            Path(place.inside, "pid").write_text(str(os.getpid()))
            one.accept()
        return signal.sigwait([signal.SIGUSR1]).name

    def first() -> None:
        told.append(confined(wait_for_signal))

    def act() -> str:
        pid = 0
        while not pid:
            try:
                pid = int(Path(place.inside, "pid").read_text() or 0)
            except FileNotFoundError:
                continue
        with socket.socket(socket.AF_UNIX) as one:
            one.connect("\0" + name)
        os.kill(pid, signal.SIGUSR1)
        return "sent"

    # The starter's thread is made by the first process, and two threads ask here.
    assert confined(lambda: "started") == "started"
    thread = threading.Thread(target=first)
    thread.start()
    assert confined(act) == "sent"
    thread.join()
    assert told == ["SIGUSR1"]


def test_the_starter_s_own_process_stays_free(place: Place, confined: Ask) -> None:
    assert confined(lambda: outcome_of("write", place)) in ("EACCES", "EROFS")
    assert outcome_of("write", place) == "done"
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


@pytest.mark.requires("pid-namespace of this process")
def test_where_the_ids_of_a_session_have_ended_others_are_made(tmp_path: Path) -> None:
    starter = ConfinedStarter(os.path.realpath(tmp_path), own_pids=True)
    context: Any = multiprocess.get_context("fork")

    def said() -> int:
        reading, writing = os.pipe()
        process = context.Process(target=lambda: os.write(writing, b"%d" % os.getpid()))
        starter.start(process, 500)
        process.join()
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            return int(file.read())

    try:
        assert said() == 500
        assert starter.pids is not None
        os.kill(starter.pids.first, signal.SIGKILL)
        assert said() == 500
    finally:
        starter.close()


def test_the_interface_is_told(place: Place) -> None:
    assert landlock.abi() >= 1
    assert landlock.why_not() == ""


def test_all_descriptors_but_some_are_closed(place: Place, confined: Ask) -> None:
    def act() -> str:
        reading, writing = os.pipe()
        kept = {0, 1, 2, reading}
        # The one that the answer goes through.
        kept |= {fd for fd in map(int, os.listdir("/dev/fd")) if _is_socket(fd)}
        close_all_but(kept)
        left = {int(name) for name in os.listdir("/proc/self/fd")}
        return f"{writing in left} {reading in left} {len(left - kept)}"

    # The listing has a descriptor itself.
    assert confined(act) == "False True 1"


def _is_socket(fd: int) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
    except OSError:
        return False
