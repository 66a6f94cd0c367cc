"""A process in another PID namespace seems to be none, to every asker and by every call."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
import pytest

from fence.locks.sidecar import process_start
from harness.model.program import Program
from tests.harness.gates.kernel.stage import Scripted, Stage, program_of
from tests.harness.gates.kernel.words import Words, error_of

pytestmark = pytest.mark.requires("kernel-gate")


class Asking(Words):
    """Leaves its pid beside the transcript, and asks for that of another."""

    def sign(self) -> None:
        with open(f"{self.path}.pid", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def ask(self) -> str:
        with open(f"{self.path}.pid", encoding="ascii") as file:
            pid = int(file.read())
        try:
            os.kill(pid, 0)
            signalled = "there"
        except OSError as error:
            signalled = error_of(error)
        looked = [os.path.exists(f"/proc/{pid}"), process_start(pid) is not None]
        return f"{signalled} {looked[0]} {looked[1]}"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("namespaces"), Asking, ["p", "p", "q"]) as stage:
        yield stage


def apart(stage: Stage, asked: int, *namespaces: str) -> str:
    """Return the answers that a lane gets about the process of lane 0."""
    words = [["sign"], [], []]
    words[asked] = [*words[asked], "ask"]
    program = program_of(stage.lanes, words)
    lanes = tuple(
        msgspec.structs.replace(lane, pid_namespace=namespace)
        for lane, namespace in zip(program.lanes, namespaces, strict=True)
    )
    whole: Program = msgspec.structs.replace(program, lanes=lanes)
    seen = stage.play(whole, Scripted())
    assert not seen.end.inconclusive
    return seen.said(asked)[-1]


SEEN, HIDDEN = "there True True", "ESRCH False False"


@pytest.mark.parametrize(
    ("asked", "namespaces", "found"),
    [
        (2, ("", "", ""), SEEN),
        (2, ("a", "a", "a"), SEEN),
        (2, ("", "", "a"), HIDDEN),
        (2, ("a", "a", ""), HIDDEN),
        (2, ("a", "a", "b"), HIDDEN),
        (1, ("a", "a", ""), SEEN),
        (0, ("a", "a", "b"), SEEN),
    ],
)
def test_a_process_is_seen_from_its_own_namespace_alone(
    stage: Stage, asked: int, namespaces: tuple[str, ...], found: str
) -> None:
    assert apart(stage, asked, *namespaces) == found


def test_the_next_schedule_may_have_other_namespaces(stage: Stage) -> None:
    assert apart(stage, 2, "", "", "a") == HIDDEN
    assert apart(stage, 2, "", "", "") == SEEN
