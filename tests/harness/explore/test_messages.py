"""Messages between the harness and its explorers are data, and nothing in them is carried out."""

from __future__ import annotations

import os
import pickle
from multiprocessing.connection import Pipe
from pathlib import Path

import msgspec
import pytest

from harness.explore import messages, worker_pool
from harness.explore.messages import (
    DONE,
    STOP,
    Bug,
    decode_finding,
    decode_work,
    encode_failure,
    encode_finding,
    encode_work,
)
from harness.explore.work_item import WorkItem
from harness.explore.worker_pool import ExplorerProcess, Lost
from harness.model import errors
from harness.model.errors import Fault, HarnessError, ScenarioError, UsageError, WorkerDied
from harness.results.stats import Stats
from harness.scenario import load_data
from harness.system.janitor import SessionRoot

SCENARIO = load_data(
    {
        "name": "small",
        "about": "a",
        "source": "b",
        "policy": "coordinated",
        "lanes": [{"role": "runner", "process": "p"}],
        "expect": {},
    },
    where="test",
)
ITEM = WorkItem(SCENARIO, "ledger", "kernel", "random", 1, 0, 1, 5, more=(range(7, 20, 3), range(2)))


class Opens:
    """Its pickle makes a folder when it is read by pickle."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (os.environ["TEST_PICKLE"],)


def test_work_arrives_as_it_was() -> None:
    assert decode_work(encode_work(ITEM)) == ITEM
    assert decode_work(STOP) is None


def test_a_number_that_is_too_large_is_the_user_s_mistake() -> None:
    with pytest.raises(UsageError, match="64 bits"):
        encode_work(msgspec.structs.replace(ITEM, seed=1 << 64))


def test_findings_arrive_as_they_were() -> None:
    stats = Stats(schedules=3, violations={"crash": 2})
    stats.doubt(4, "unknown")
    assert decode_finding(encode_finding(stats), Stats) == stats
    assert decode_finding(encode_finding(None), Stats | None) is None
    assert decode_finding(DONE, Stats) is DONE


@pytest.mark.parametrize(
    "message",
    [b"", b"f", b"f\xc1", b"x\xc1", b"g" + b"0" * 50, b"f" + msgspec.msgpack.encode([1, 2]), b"stop"],
)
def test_a_message_that_is_no_finding_is_an_explorer_bug(message: bytes) -> None:
    with pytest.raises(Bug, match="an explorer process sent"):
        decode_finding(message, Stats)


def test_a_pickle_is_not_carried_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "made"
    monkeypatch.setenv("TEST_PICKLE", str(made))
    for message in (pickle.dumps(Opens()), b"f" + pickle.dumps(Opens()), b"x" + pickle.dumps(Opens())):
        with pytest.raises(Bug):
            decode_finding(message, Stats)
    assert not made.exists()
    with pytest.raises(FileExistsError):
        # It would have been.
        pickle.loads(pickle.dumps(Opens()))
        pickle.loads(pickle.dumps(Opens()))


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name not in ("Fault", "ScenarioError")])
def test_an_error_keeps_its_class_and_its_words(name: str) -> None:
    cls = getattr(errors, name)
    with pytest.raises(cls, match="what it says") as caught:
        decode_finding(encode_failure(cls("what it says")), Stats)
    assert type(caught.value) is cls


def test_an_error_with_more_than_words_is_told_as_the_nearest_that_has_only_these() -> None:
    class Special(WorkerDied):
        pass

    for error, cls in (
        (Special("words"), WorkerDied),
        (ScenarioError([Fault("f", 1, 1, "", "words")]), UsageError),
    ):
        with pytest.raises(HarnessError, match="words") as caught:
            decode_finding(encode_failure(error), Stats)
        assert type(caught.value) is cls


def test_a_message_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "BYTES_MAX", 1000)
    with pytest.raises(UsageError, match="to report"):
        decode_finding(encode_finding({"x": "y" * 2000}), dict)
    ours, theirs = Pipe()
    with ours, theirs:
        theirs.send_bytes(b"f" + b"y" * 2000)
        with pytest.raises(OSError, match=r"bad message|[Mm]essage"):
            messages.receive(ours)


def test_an_explorer_whose_message_is_too_large_is_lost_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "BYTES_MAX", 1000)
    monkeypatch.setattr(worker_pool, "_REAP_S", 0.1)
    ours, theirs = Pipe()
    with SessionRoot(str(tmp_path)) as root, theirs:
        explorer = ExplorerProcess(sorted(os.sched_getaffinity(0))[0], root)
        try:
            # Instead of its own pipe, which it keeps waiting at.
            far, explorer.connection = explorer.connection, ours
            theirs.send_bytes(b"f" + b"y" * 2000)
            with pytest.raises(Lost, match="closed its pipe, or sent a message of more than"):
                explorer.receive()
            far.close()
        finally:
            explorer.end()
        assert not explorer.alive


def test_an_explorer_that_sends_a_wrong_message_ends_the_work(tmp_path: Path) -> None:
    with SessionRoot(str(tmp_path)) as root:
        explorer = ExplorerProcess(sorted(os.sched_getaffinity(0))[0], root)
        try:
            explorer.give(msgspec.structs.replace(ITEM, fence="no such fence"))
            with pytest.raises(errors.FenceLoadError):
                explorer.receive()
        finally:
            explorer.end()
