"""Test openclaw.mjs with a fake release: the effects of calls and the meaning of errors."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from fence.errors import ExternalError, LockTimeoutError, StaleLockError, TakeoverError
from fence.external import ExternalFence, external
from fence.protocol import Site
from fence.targets import openclaw
from fence.targets.openclaw import tools

RELEASE = Path(__file__).parent / "release.cjs"
ADAPTER = Path(openclaw.__file__).parent / "openclaw.mjs"
HOST = tools.host()
MESSAGE = b'{"type":"message"}\n'
COMPACTION = b'{"type":"compaction"}\n'

pytestmark = pytest.mark.requires("node")


@pytest.fixture(params=["openclaw@1"])
def fence(request: pytest.FixtureRequest) -> Iterator[type[ExternalFence]]:
    words = ("node", str(ADAPTER), "openclaw", str(HOST), str(RELEASE), request.param)
    made = external(shlex.join(words))
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "transcript.jsonl"
    path.write_text("first\n")
    return path


def handle(fence: type[ExternalFence], path: Path, **options: int) -> ExternalFence:
    """Return a handle for a new schedule."""
    return fence(Site(str(path), "runner", {}, dict(options)))


def add(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")


def in_the_window(fence: type[ExternalFence], path: Path) -> ExternalFence:
    runner = handle(fence, path)
    runner.begin_turn()
    runner.release_for_prompt()
    return runner


def lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def test_a_turn_is_a_controller(fence: type[ExternalFence], transcript: Path) -> None:
    runner = handle(fence, transcript)
    runner.begin_turn()
    assert lock_of(transcript).exists()
    assert runner.load() == b"first\n"
    runner.append([b"second\n"])
    runner.release_for_prompt()
    assert not lock_of(transcript).exists()
    runner.guarded_write([b"third\n", b"fourth\n"])
    runner.guarded_write([MESSAGE])
    runner.end_turn()
    assert transcript.read_bytes() == b"first\nsecond\nthird\nfourth\n" + MESSAGE


def test_a_turn_that_ends_early_releases_the_lock(fence: type[ExternalFence], transcript: Path) -> None:
    runner = handle(fence, transcript)
    runner.begin_turn()
    runner.end_turn()
    assert not lock_of(transcript).exists()


def test_a_co_tenant_takes_the_lock_and_writes(fence: type[ExternalFence], transcript: Path) -> None:
    other = handle(fence, transcript)
    other.acquire()
    assert lock_of(transcript).exists()
    other.append([b"second\n"])
    other.rewrite([b"first\n", b"third\n"], "in_place")
    other.release()
    assert transcript.read_bytes() == b"first\nthird\n"
    assert not lock_of(transcript).exists()


def test_a_rewrite_by_rename_puts_another_file_there(fence: type[ExternalFence], transcript: Path) -> None:
    before = transcript.stat().st_ino
    other = handle(fence, transcript)
    other.acquire()
    other.rewrite([b"other\n"], "rename")
    other.release()
    assert transcript.read_bytes() == b"other\n"
    assert transcript.stat().st_ino != before


def test_a_missing_transcript_loads_as_empty(fence: type[ExternalFence], tmp_path: Path) -> None:
    assert handle(fence, tmp_path / "none.jsonl").load() == b""


def test_the_name_of_the_release_s_error_is_the_verdict(fence: type[ExternalFence], transcript: Path) -> None:
    runner = in_the_window(fence, transcript)
    add(transcript, "stranger")
    for _ in range(2):
        with pytest.raises(TakeoverError, match="fingerprint"):
            runner.guarded_write([b"mine\n"])
    runner.end_turn()
    assert b"mine" not in transcript.read_bytes()


def test_a_takeover_flag_set_by_an_error_is_a_verdict(fence: type[ExternalFence], transcript: Path) -> None:
    runner = in_the_window(fence, transcript)
    add(transcript, "merge-fails")
    with pytest.raises(TakeoverError, match=r"hasSessionTakeover\(\) after Error: cannot merge"):
        runner.guarded_write([b"mine\n"])


@pytest.mark.parametrize(("line", "sees_it"), [(MESSAGE, True), (COMPACTION, True), (b"other\n", False)])
def test_a_second_handle_of_the_lane_informs_the_controller(
    fence: type[ExternalFence], transcript: Path, line: bytes, sees_it: bool
) -> None:
    site = Site(str(transcript), "runner", {}, {})
    runner, writer = fence(site), fence(site)
    runner.begin_turn()
    runner.release_for_prompt()
    writer.acquire()
    writer.append([line])
    writer.release()
    if sees_it:
        runner.guarded_write([MESSAGE])
        assert transcript.read_bytes() == b"first\n" + line + MESSAGE
    else:
        with pytest.raises(TakeoverError):
            runner.guarded_write([MESSAGE])


def test_a_compaction_over_a_foreign_line_is_no_own_write(
    fence: type[ExternalFence], transcript: Path
) -> None:
    runner = in_the_window(fence, transcript)
    add(transcript, "stranger")
    runner.append([COMPACTION])
    with pytest.raises(TakeoverError):
        runner.guarded_write([MESSAGE])


def test_another_lane_does_not_inform_the_controller(fence: type[ExternalFence], transcript: Path) -> None:
    process: dict[str, object] = {}
    runner, other = (fence(Site(str(transcript), lane, process, {})) for lane in ("runner", "heartbeat"))
    runner.begin_turn()
    runner.release_for_prompt()
    other.acquire()
    other.append([MESSAGE])
    other.release()
    with pytest.raises(TakeoverError):
        runner.guarded_write([MESSAGE])


@pytest.mark.parametrize(
    ("line", "kind"), [("held", LockTimeoutError), ("stale", StaleLockError), ("no class", StaleLockError)]
)
def test_errors_of_the_lock_are_no_verdict(
    fence: type[ExternalFence], transcript: Path, line: str, kind: type[Exception]
) -> None:
    add(transcript, line)
    with pytest.raises(kind, match=r"^session .*: pid=\.\.\.$"):
        handle(fence, transcript).acquire()
    with pytest.raises(kind, match=r"^session .*: pid=\.\.\.$"):
        handle(fence, transcript).begin_turn()


def test_limits_of_the_scenario_override_those_of_the_release(
    fence: type[ExternalFence], transcript: Path
) -> None:
    add(transcript, "limits")
    with pytest.raises(ExternalError, match=r'\{"timeoutMs":7,"staleMs":8\}'):
        handle(fence, transcript, lock_timeout_ms=7, lock_stale_ms=8, other=9).acquire()


def test_attributes_of_fs_functions_stay_available(fence: type[ExternalFence], transcript: Path) -> None:
    add(transcript, "native")
    with pytest.raises(ExternalError, match=r"realpathSync\.native is a function"):
        handle(fence, transcript).acquire()


def test_each_schedule_has_a_fresh_instance_of_the_release(
    fence: type[ExternalFence], transcript: Path
) -> None:
    states = set()
    for _ in range(3):
        other = handle(fence, transcript)
        other.acquire()
        states.add(lock_of(transcript).read_text())
        other.release()
    assert states == {"11"}


@pytest.mark.parametrize(
    ("fence", "merges"), [("openclaw@1", False), ("openclaw@1+merge", True)], indirect=["fence"]
)
def test_the_merge_callback_is_set_where_the_name_says_so(
    fence: type[ExternalFence], transcript: Path, merges: bool
) -> None:
    runner = in_the_window(fence, transcript)
    add(transcript, "foreign")
    if merges:
        runner.guarded_write([b"mine\n"])
        assert transcript.read_bytes().endswith(b"mine\n")
    else:
        with pytest.raises(TakeoverError):
            runner.guarded_write([b"mine\n"])
