"""An ordinary user's sessions have process ids and mounts of their own, and no more rights than before."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import multiprocess
import pytest

from harness.system import own_ids, pid_namespace, read_only_mounts, user_namespace
from harness.system.confined_starter import ConfinedStarter, unconfined
from tests import ordinary_user
from tests.harness.system.reaching_out import (
    ATTEMPTS,
    BY_CAPABILITY,
    BY_MOUNT,
    KEPT_OUT,
    SILENT,
    Place,
    outcome_of,
    place_of,
    state_of,
)
from tests.ordinary_user import told_by

pytestmark = [
    pytest.mark.requires("landlock"),
    pytest.mark.requires("pid-namespace of an ordinary user"),
]


def told_by_a_process_of(starter: ConfinedStarter, work: Callable[[], Any], number: int = 0) -> Any:
    """Return the result of some work in a process of a session."""
    reading, writing = os.pipe()

    def main() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.write(writing, json.dumps(work()).encode())
        os._exit(0)

    process = multiprocess.get_context("fork").Process(target=main)
    starter.start(process, number)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        said = file.read()
    process.join()
    process.close()
    return json.loads(said)


def outcomes(place: Place, attempts: list[str]) -> dict[str, str]:
    starter = ConfinedStarter(place.inside)
    try:
        return {
            one: told_by_a_process_of(starter, lambda one=one: outcome_of(one, place)) for one in attempts
        }
    finally:
        starter.close()


@pytest.fixture(scope="module")
def kept() -> Iterator[dict[str, str]]:
    """Yield by attempt the error that keeps processes of a session in a user namespace from it."""
    with place_of(ordinary_user.USER) as place:
        before = state_of(place.outside)

        def work() -> dict[str, str]:
            own_ids.prepare(place.inside)
            assert user_namespace.entered()
            return outcomes(place, sorted(ATTEMPTS))

        found = told_by(ordinary_user.become, work)
        assert state_of(place.outside) == before
        yield found


@pytest.mark.parametrize("attempt", sorted({*ATTEMPTS} - SILENT))
def test_nothing_outside_is_reached_from_a_user_namespace(kept: dict[str, str], attempt: str) -> None:
    if attempt in BY_MOUNT:
        assert kept[attempt] == "EROFS"
    else:
        assert kept[attempt] in ({"EPERM"} if attempt in BY_CAPABILITY else KEPT_OUT)


def test_without_walls_a_user_namespace_would_let_them_mount() -> None:
    """So it is the walls that keep them from it."""
    with place_of(ordinary_user.USER) as place:

        def work() -> dict[str, str]:
            own_ids.prepare(place.inside)
            with unconfined():
                return outcomes(place, ["new root", "new mount namespace"])

        assert told_by(ordinary_user.become, work) == {
            "new root": "done",
            "new mount namespace": "done",
        }


def who() -> dict[str, Any]:
    """Return the identity of the calling process, by the answers that it gets."""
    facts = dict(line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "ids": [os.getpid(), int(os.readlink("/proc/self")), os.getppid()],
        "user": [os.getuid(), os.getgid(), os.stat("/proc/self").st_uid],
        "capabilities": [facts[f"Cap{which}"] for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")],
        "no new privileges": facts["NoNewPrivs"],
        "first process": outcome(lambda: os.readlink("/proc/1/ns/user")),
    }


def outcome(call: Callable[[], Any]) -> str:
    try:
        call()
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"
    return "done"


def test_processes_have_ids_of_choice_and_no_capability() -> None:
    with ordinary_user.folder() as directory:

        def work() -> list[dict[str, Any]]:
            own_ids.prepare(str(directory))
            starter = ConfinedStarter(str(directory), own_pids=True)
            found = [told_by_a_process_of(starter, who, 500) for _ in range(2)]
            starter.close()
            return found

        first, again = told_by(ordinary_user.become, work)
    assert first == again
    user = ordinary_user.USER
    group = user if os.geteuid() == 0 else os.getegid()
    assert first == {
        "ids": [500, 500, 0],
        "user": [user, group, user],
        "capabilities": ["0" * 16] * 5,
        "no new privileges": "1",
        "first process": "PermissionError: Permission denied",
    }


def test_a_user_without_namespaces_gets_the_setting_to_allow() -> None:
    with ordinary_user.folder() as directory:

        def work() -> list[Any]:
            before = os.readlink("/proc/self/ns/user")
            # Nothing is entered half-way.
            own_ids.prepare(str(directory))
            refused = outcome_of_take()
            same = os.readlink("/proc/self/ns/user") == before
            return [same, refused, own_ids.examine(str(directory))]

        same, refused, (ids, mounts) = told_by(ordinary_user.become_one_without_namespaces, work)
    assert same
    assert refused == "unshare(CLONE_NEWPID): Operation not permitted"
    assert ids == mounts
    assert ids.startswith("unshare(CLONE_NEWUSER): No space left on device; ")
    assert "sysctl user.max_user_namespaces=15000" in ids


def outcome_of_take() -> str:
    try:
        pid_namespace.take()
    except pid_namespace.Refused as refused:
        return str(refused)
    return "taken"


def test_a_failure_half_way_leaves_the_user_as_before() -> None:
    """As where AppArmor lets a user in, and no further."""
    with ordinary_user.folder() as directory:

        def work() -> list[Any]:
            own_ids.prepare(str(directory))
            return [user_namespace.entered(), os.geteuid(), own_ids.examine(str(directory))]

        entered, user, (ids, mounts) = told_by(ordinary_user.become_one_with_a_read_only_proc, work)
    assert (entered, user) == (False, ordinary_user.USER)
    assert ids == mounts
    assert ids.startswith("/proc/self/uid_map: Read-only file system; ")


def test_where_parts_of_proc_are_hidden_mounts_are_had_and_ids_are_not() -> None:
    """The kernel refuses a mount of another /proc, which would show what is hidden."""
    with ordinary_user.folder() as directory:

        def work() -> list[Any]:
            found = own_ids.examine(str(directory))
            own_ids.prepare(str(directory))
            starter = ConfinedStarter(str(directory), own_pids=True)
            mode = told_by_a_process_of(starter, lambda: outcome(lambda: os.chmod(directory.parent, 0o1777)))
            ids = starter.pids
            starter.close()
            return [found, user_namespace.entered(), ids, mode, outcome_of_take()]

        (why, mounts), entered, ids, mode, refused = told_by(
            ordinary_user.become_one_with_a_masked_proc, work
        )
    assert (entered, ids, mounts) == (True, None, "")
    assert refused == "a mount of /proc: Operation not permitted"
    assert why.startswith(refused) and "an unmasked /proc" in why
    assert mode == "OSError: Read-only file system"


def test_a_privileged_process_enters_none() -> None:
    with ordinary_user.folder() as directory:

        def work() -> list[bool]:
            user_namespace.enter()
            # It has all capabilities now, as root has.
            return [user_namespace.wanted(), read_only_mounts.make_read_only(str(directory))]

        assert told_by(ordinary_user.become, work) == [False, True]
