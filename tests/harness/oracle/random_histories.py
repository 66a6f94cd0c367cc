"""Draw random histories that are consistent: lanes change a model of the file, one event at a time.

A `Play` is programs and the order in which lanes advance. Without some of its lanes, it gives the
history of the other lanes' events in the same order, with all states computed again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import msgspec
from hypothesis import strategies as st

from harness.model.history import IN_REAL_TIME, History, Invoke, LaneInfo, digest
from harness.oracle.whole_lines import every_id
from tests.harness.oracle.histories import (
    CRON,
    EDITOR,
    HEARTBEAT,
    LANES,
    POLICIES,
    RUNNER,
    SCRIPT,
    Story,
    compaction,
    line,
    lines,
)

__all__ = ["LOCKING", "ROGUES", "Play", "plays"]

ROGUES = (EDITOR, SCRIPT)

_TURN = st.lists(
    st.sampled_from(["admit", "admit", "refuse", "timeout", "recover", "append", "reload"]),
    min_size=1,
    max_size=4,
)
_PARTICIPANT = st.lists(
    st.sampled_from(["append", "append", "compact", "compact_new", "stale_append", "swap"]), max_size=3
)
#: Operations of participants beside that where the oracle's first pass is compared with the whole analysis.
LOCKING = st.lists(
    st.sampled_from(
        [
            *("hold", "hold", "let_go", "rob", "close", "hollow", "append", "append", "unlocked"),
            *(
                "gives_up",
                "sleeps",
                "sleeps_briefly",
                "waits_really",
                "stale",
                "refuses",
                "refused_write",
                "other_text",
                "compact",
            ),
            *("idle_rewrite", "compact_named", "drop", "reorder", "number", "extend", "retext", "repeat"),
            *("keeps", "keeps_decided", "flushes", "flushes_later"),
        ]
    ),
    max_size=6,
)
#: Operations that are not appends, rewrites or a rogue's, by the name of the act.
_KINDS = {
    "hold": "acquire",
    "rob": "acquire",
    "gives_up": "acquire",
    "sleeps": "acquire",
    "sleeps_briefly": "acquire",
    "waits_really": "acquire",
    "let_go": "release",
    "flushes": "release",
    "keeps_decided": "guarded_write",
    "stale": "release",
}
_OUTCOMES = {
    "gives_up": "lock_timeout",
    "sleeps": "lock_timeout",
    "sleeps_briefly": "lock_timeout",
    "waits_really": "lock_timeout",
    "stale": "stale_lock",
    "refuses": "refused",
    "refused_write": "refused",
}
#: Of those that ask for the lock; a scenario that asks them to wait asks for 100.
_WAITED_MS = {"gives_up": 0, "sleeps": 100, "sleeps_briefly": 20, "waits_really": IN_REAL_TIME}
_APPENDS = ("append", "stale_append", "unlocked", "refuses", "refused_write", "other_text", "keeps")
_ROGUE = st.lists(
    st.sampled_from(["append", "identical", "aba", "remove", "swap", "touch", "undo", "away", "garbage"]),
    max_size=3,
)
_TORN = st.booleans()
_UNKNOWN = st.just(False)
_MIXTURE = st.lists(st.integers(0, 4), min_size=40, max_size=60)


@dataclasses.dataclass(frozen=True)
class Play:
    """The operations of each lane, and the order of the lanes.

    Attributes:
        policy: name of the policy.
        turns: names of the runner's operations, by turn.
        programs: names of operations, for each lane after the runner.
        order: numbers that choose among the lanes that are not done.
        torn: whether loads return bytes that were never in the file.
        known: whether the history says what each entry was to be, and how long to wait for the lock.
    """

    policy: str
    turns: tuple[tuple[str, ...], ...]
    programs: tuple[tuple[str, ...], ...]
    order: tuple[int, ...]
    torn: bool = False
    known: bool = False

    def lanes_moving(self) -> list[int]:
        """Return the lane of each event if all lanes take part."""
        moved: list[int] = []
        generators = dict(enumerate(self._generators(Story(self.policy))))
        order = iter(self.order)
        while generators:
            lane = sorted(generators)[next(order, 0) % len(generators)]
            try:
                next(generators[lane])
                moved.append(lane)
            except StopIteration:
                del generators[lane]
        return moved

    def history(
        self,
        without: tuple[int, ...] = (),
        lanes: tuple[LaneInfo, ...] = LANES,
        extra: tuple[int, ...] = (),
    ) -> History:
        """Return the history without some lanes, and with touches by an extra lane at some places."""
        story = Story(self.policy, lanes)
        generators = self._generators(story)
        for at, lane in enumerate(self.lanes_moving()):
            if at in extra:
                story.touch(len(lanes) - 1, ("chmod", "utimensat", "link")[at % 3])
            if lane not in without:
                next(generators[lane], None)
        return self._told(story.history())

    def _told(self, history: History) -> History:
        """Add what every entry was to be, and how long to wait for the lock."""
        if not self.known:
            return history
        wanted = {name: line(name).decode().rstrip() for name in _entries(history)}
        header = msgspec.structs.replace(history.header, lines=wanted, lock_timeout_ms=100)
        return msgspec.structs.replace(history, header=header)

    def _generators(self, story: Story) -> list[Iterator[None]]:
        # A history in which no lane takes the watched lock says nothing about unlocked writes.
        locks = not any(name in _KINDS for names in self.programs for name in names)
        runner = _runner(story, self.turns, self.torn, locks)
        others = [_other(story, lane, names) for lane, names in enumerate(self.programs, RUNNER + 1)]
        return [runner, *others]


def _entries(history: History) -> set[str]:
    calls = [event for event in history.events if isinstance(event, Invoke)]
    return {name for call in calls for name, _ in call.entries}


def _runner(story: Story, turns: tuple[tuple[str, ...], ...], torn: bool, locks: bool) -> Iterator[None]:
    number = 0
    for turn in turns:
        yield from _quiet(story, "begin_turn", locks)
        yield from _load(story, "load", torn)
        yield from _quiet(story, "release_for_prompt")
        for name in turn:
            number += 1
            if name == "reload":
                yield from _load(story, "load", torn)
            elif name == "recover":
                yield from _load(story, "recover", torn)
            elif name == "append":
                yield from _decision(story, "append", "ok", f"own{number}")
            else:
                outcome = {"admit": "ok", "refuse": "refused", "timeout": "lock_timeout"}[name]
                yield from _decision(story, "guarded_write", outcome, f"reply{number}")
        yield from _quiet(story, "end_turn")


def _quiet(story: Story, kind: str, locks: bool = False) -> Iterator[None]:
    story.call(RUNNER, kind)
    if locks:
        story.lock(RUNNER, "acquired")
        story.lock(RUNNER, "released")
    yield
    story.done(RUNNER)
    yield


def _load(story: Story, kind: str, torn: bool) -> Iterator[None]:
    story.call(RUNNER, kind)
    yield
    story.look(RUNNER, "openat")
    yield
    returned = digest(b"torn" if torn else story.content or b"")
    story.look(RUNNER)
    yield
    story.look(RUNNER, "close")
    yield
    story.done(RUNNER, "ok", returned)
    yield


def _decision(story: Story, kind: str, outcome: str, name: str) -> Iterator[None]:
    story.call(RUNNER, kind, name)
    yield
    story.look(RUNNER, "statx")
    yield
    story.look(RUNNER)
    yield
    if outcome == "ok":
        story.put(RUNNER, (story.content or b"") + line(name))
        yield
    story.done(RUNNER, outcome)
    yield


def _other(story: Story, lane: int, names: tuple[str, ...]) -> Iterator[None]:
    for number, name in enumerate(names):
        entry = f"l{lane}n{number}"
        kind = "append" if name in _APPENDS else _KINDS.get(name, "rewrite")
        kind = "action" if lane in ROGUES else kind
        story.call(lane, kind, *([entry] if kind in ("append", "guarded_write") else []))
        yield
        yield from _ACTIONS[name](story, lane, entry)
        story.done(lane, _OUTCOMES.get(name, "ok"), waited_ms=_WAITED_MS.get(name, -1))
        yield


def _append(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.put(lane, (story.content or b"") + line(entry))
    yield


def _stale_append(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.put(lane, (story.content or b"") + line(entry), reclaimed=True)
    yield


def _compact(story: Story, lane: int, entry: str) -> Iterator[None]:
    content = story.content or b""
    story.put(lane, b"", call="openat")
    yield
    story.put(lane, line(f"sum-{entry}") + content)
    yield


def _compact_new(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.put(lane, line(f"sum-{entry}") + (story.content or b""), f"new-{entry}", call="rename")
    yield


def _compact_named(story: Story, lane: int, entry: str) -> Iterator[None]:
    """Replace the first line by a summary that names its entry."""
    first, *rest = (story.content or line("first")).splitlines(keepends=True)
    names = sorted(every_id(first))
    story.put(lane, compaction(f"sum-{entry}", *names) + b"".join(rest), f"new-{entry}", call="rename")
    yield


def _drop(story: Story, lane: int, entry: str) -> Iterator[None]:
    kept = (story.content or b"").splitlines(keepends=True)[1:]
    story.put(lane, b"".join(kept))
    yield


def _reorder(story: Story, lane: int, entry: str) -> Iterator[None]:
    kept = (story.content or b"").splitlines(keepends=True)
    story.put(lane, b"".join(kept[::-1]))
    yield


def _number(story: Story, lane: int, entry: str) -> Iterator[None]:
    """Add a line with a number that the next such line has as well."""
    story.put(lane, (story.content or b"") + b'{"id":"sum-%b","ordinal":7}\n' % entry.encode())
    yield


def _extend(story: Story, lane: int, entry: str) -> Iterator[None]:
    """Give the last line a field more."""
    kept = (story.content or line("first")).splitlines(keepends=True)
    kept[-1] = kept[-1].replace(b"}", b', "note": "%b"}' % entry.encode(), 1)
    story.put(lane, b"".join(kept))
    yield


def _retext(story: Story, lane: int, entry: str) -> Iterator[None]:
    """Give the last line another type."""
    kept = (story.content or line("first")).splitlines(keepends=True)
    kept[-1] = kept[-1].replace(b'"user"', b'"custom"', 1)
    story.put(lane, b"".join(kept))
    yield


def _repeat(story: Story, lane: int, entry: str) -> Iterator[None]:
    content = story.content or b""
    story.put(lane, content + b"".join(content.splitlines(keepends=True)[:1]))
    yield


def _sleeps(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.look(lane, "openat", "T.lock")
    yield
    story.look(lane, "sleep", "")
    yield
    story.look(lane, "openat", "T.lock")
    yield


def _garbage(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.put(lane, b"garbage " + entry.encode())
    yield


def _swap(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.put(lane, story.content or b"", f"swap-{entry}", call="rename")
    yield


def _identical(story: Story, lane: int, entry: str) -> Iterator[None]:
    content = story.content or b""
    story.put(lane, b"", call="openat")
    yield
    story.put(lane, content)
    yield


def _aba(story: Story, lane: int, entry: str) -> Iterator[None]:
    content, file = story.content, story.file
    story.put(lane, b"other " + entry.encode())
    yield
    story.put(lane, content, file)
    yield


def _away(story: Story, lane: int, entry: str) -> Iterator[None]:
    content, file = story.content, story.file
    story.put(lane, None, call="rename")
    yield
    story.put(lane, content, file, call="rename")
    yield


def _remove(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.put(lane, None, call="unlink")
    yield


def _touch(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.look(lane, "chmod")
    yield


def _undo(story: Story, lane: int, entry: str) -> Iterator[None]:
    """Remove all lines of rogues from the first file."""
    rogue = tuple(line(f"l{other}n{number}") for other in ROGUES for number in range(4))
    kept = [text for text in (story.content or lines("first")).splitlines(keepends=True) if text not in rogue]
    story.put(lane, b"".join(kept), story.file or "f0")
    yield


def _hold(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.lock(lane, "acquired")
    yield


def _let_go(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.lock(lane, "released")
    yield


def _rob(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.lock(lane, "reclaimed", (lane + 1) % 3)
    yield
    story.lock(lane, "acquired")
    yield


def _hollow(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.lock(lane, "hollow")
    yield


def _unlocked(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.put(lane, (story.content or b"") + line(entry), held=False)
    yield


def _other_text(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.put(lane, (story.content or b"") + b'{"id": "%b"}\n' % entry.encode())
    yield


def _flushes(story: Story, lane: int, entry: str) -> Iterator[None]:
    """Write the lines that the lane has kept."""
    said = (event for event in story.events if isinstance(event, Invoke) and event.lane == lane)
    names = [name for call in said for name, _ in call.entries]
    kept = [name for name in names if line(name) not in (story.content or b"")]
    story.put(lane, (story.content or b"") + lines(*kept))
    yield
    story.lock(lane, "released")
    yield


def _nothing(story: Story, lane: int, entry: str) -> Iterator[None]:
    story.look(lane)
    yield


_ACTIONS: dict[str, Callable[[Story, int, str], Iterator[None]]] = {
    "append": _append,
    "hold": _hold,
    "let_go": _let_go,
    "stale": _let_go,
    "close": _let_go,
    "rob": _rob,
    "hollow": _hollow,
    "unlocked": _unlocked,
    "refused_write": _append,
    "other_text": _other_text,
    "refuses": _nothing,
    "keeps": _nothing,
    "keeps_decided": _nothing,
    "flushes": _flushes,
    "flushes_later": _flushes,
    "gives_up": _nothing,
    "idle_rewrite": _nothing,
    "stale_append": _stale_append,
    "compact": _compact,
    "compact_new": _compact_new,
    "compact_named": _compact_named,
    "drop": _drop,
    "reorder": _reorder,
    "number": _number,
    "extend": _extend,
    "retext": _retext,
    "repeat": _repeat,
    "sleeps": _sleeps,
    "sleeps_briefly": _sleeps,
    "waits_really": _nothing,
    "garbage": _garbage,
    "swap": _swap,
    "identical": _identical,
    "aba": _aba,
    "away": _away,
    "remove": _remove,
    "touch": _touch,
    "undo": _undo,
}


@st.composite
def plays(
    draw: st.DrawFn,
    policies: tuple[str, ...] = tuple(POLICIES),
    participants: st.SearchStrategy[list[str]] = _PARTICIPANT,
    rogues: st.SearchStrategy[list[str]] = _ROGUE,
    turn: st.SearchStrategy[list[str]] = _TURN,
    torn: st.SearchStrategy[bool] = _TORN,
    known: st.SearchStrategy[bool] = _UNKNOWN,
) -> Play:
    """Return random plays of a runner, two co-tenants and two rogues."""
    turns = tuple(tuple(draw(turn)) for _ in range(draw(st.integers(1, 2))))
    by_lane = {HEARTBEAT: participants, CRON: participants, EDITOR: rogues, SCRIPT: rogues}
    programs = tuple(tuple(draw(by_lane[lane])) for lane in sorted(by_lane))
    # The runner opens its window with some steps of its own; a long mixture of all lanes follows.
    order = (0,) * draw(st.integers(0, 12)) + tuple(draw(_MIXTURE))
    return Play(draw(st.sampled_from(policies)), turns, programs, order, draw(torn), draw(known))
