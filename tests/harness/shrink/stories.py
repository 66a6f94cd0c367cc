"""List for each control the story that a person would write by hand.

A *cast* says what each lane of the scenario does, in the scenario's order, one word an
operation; a lane with an empty string does nothing:

    ``b l p r g v e``  a runner: begin_turn, load, append (a prompt), release_for_prompt,
                       guarded_write, recover, end_turn; another ``b`` is another turn
    ``g*2``            a guarded write of two lines
    ``g~``             a guarded write whose write call is cut short by a full disk
    ``w``              the runner's own writer: acquire, append, release
    ``a + R -``        any other participant: acquire, append, rewrite by rename, release; ``m``
                       appends a delivery mirror, ``M`` is a migration, and a last ``a`` without
                       ``-`` keeps the lock
    ``t5 z60``         thinks for 5 scheduling points, pauses for 60 virtual milliseconds
    ``+^kill@2``       any of these, at whose second step its process is killed; ``^stop60@2`` is
                       stopped there for 60 virtual milliseconds, ``^slow60`` and ``^ahead60`` likewise;
                       ``^torn@2``: killed in the midst of its second plain write;
                       ``a^eintr``: a signal ends its wait for the lock; ``R^refused``: its first and its
                       third rename are refused
    ``!NAME``          a rogue action; ``!NAME@250`` names the line, in thousandths of all

A *plot* says in which order lanes run. ``0 1 0``: the first lane, then all of the second
lane, then the rest of the first. Where a lane stops and runs again later, every stop is tried;
the shortest story counts that shows the control's violation and under which the control's
original shows none. ``1@2`` names a stop: the lane has ended its operation number 2, from 0;
``1@2.3``: the step number 3 of it. Stops are named where trying all takes long, and where the
original takes other steps than the control.

The stories follow from the controls and their scenarios, never from the shrinker. The comment
above a group says why no shorter story will do.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["STORIES", "Story"]

#: The shortest turn with a decision.
_TURN = "b l r g e"
#: The shortest turn with two decisions.
_TWICE = "b l r g g e"
_SECTION = "a + -"


class Story(NamedTuple):
    """A story by hand.

    Args:
        cast: what each lane does.
        plot: in which order lanes run.
        whole: whether the transcript begins as the scenario draws it, or with its header alone.
    """

    cast: tuple[str, ...]
    plot: str = "0 1 0"
    whole: bool = False


def _rogue(action: str, turn: str = _TURN, plot: str = "0 1 0", *, whole: bool = False) -> Story:
    """Return a story of a runner and one action."""
    return Story((turn, f"!{action}"), plot, whole)


def _cotenant(turn: str = _TURN, plot: str = "0 1 0") -> Story:
    """Return a story of a runner and one line of a co-tenant under the lock."""
    return Story((turn, _SECTION), plot)


STORIES: dict[str, Story] = {
    # One decision and the shortest action that the guard is there for: a missed takeover needs an
    # effect to miss and a decision that misses it.
    "pr-84046-without-dev-inode": _rogue("replace-same-bytes"),
    "pr-84046-without-birth-time": _rogue("recreate-same-bytes"),
    "pr-84046-without-size": _rogue("append-user"),
    "pr-84046-without-snapshot-consistency": _rogue("same-size-rewrite"),
    "pr-84046-without-prefix-hash": _rogue("same-size-rewrite"),
    "pr-84046-without-canonical-entries": _rogue("append-user"),
    "pr-84046-snapshot-retried": _rogue("same-size-rewrite"),
    "pr-84046-path-for-file": _rogue("replace-same-bytes", plot="0@2 1 0"),
    "pr-84046-hash-of-last-4-kib": _rogue("same-size-rewrite@40", whole=True),
    "pr-84046-hash-of-first-4-kib": _rogue("same-size-rewrite@960", whole=True),
    "pr-84046-line-count": _rogue("same-size-rewrite"),
    "pr-84046-last-id": _rogue("same-size-rewrite"),
    "stat-size-only": _rogue("same-size-rewrite"),
    "stat-whole-seconds": _rogue("same-size-rewrite"),
    "stat-without-ctime": _rogue("same-size-rewrite-mtime-restored"),
    "stat-baseline-after-unlock": _rogue("append-user", plot="0@2.3 1 0"),
    "stat-trusts-last-owner": _rogue("append-user"),
    "ledger-heals-itself": _rogue("append-user"),
    "ledger-looks-at-kept-file": _rogue("recreate-other-bytes"),
    "ledger-ignores-torn-line": _rogue("append-torn"),
    # The same, where the decision ends otherwise than with a verdict.
    "pr-84046-parses-foreign-lines": _rogue("append-not-json"),
    "stat-needs-a-file": _rogue("delete"),
    "ledger-waits-for-itself": _rogue("append-user"),
    "ledger-lock-left-behind": _rogue("append-user"),
    # The second decision misses the absorbed effect; the first one races with it.
    "pr-84046-without-slow-path-consistency": _rogue("same-size-rewrite", "b l r w g g e"),
    "ledger-refreshed-after-write": _rogue("append-user", "b l p r g e"),
    # The decision compares with the state after a write of its own, which has to come before.
    "ledger-believes-stat": _rogue("mmap-store-dirty", "b l p r g e"),
    "ledger-takes-ctime-for-change": _rogue("touch", "b l p r g e"),
    # A false alarm: a co-tenant's section and one decision.
    "ledger-look-before-lock": _cotenant(),
    "ledger-per-process": _cotenant(),
    "ledger-cotenant-silent": _cotenant(),
    # The same; the decision falls into what the co-tenant does late.
    "issue-84071-a-refreshed-after-unlock": _cotenant(plot="0@2 1 0 1"),
    "ledger-written-after-unlock": _cotenant(plot="0@2 1 0 1"),
    # The same, one decision later: the first one loses the co-tenant's record.
    "ledger-lock-let-go-between": _cotenant(_TWICE),
    # The first write loses the runner's own lines or lock; the second one finds that.
    "pr-84046-without-snapshot-after-throw": Story(("b l r g~ g e",), "0"),
    "stat-baseline-lost-by-throw": Story((_TWICE, "a -"), "0@2.3 1@0.3 0 1 0"),
    # No lane writes: the lock is held for longer than the runner waits.
    "ledger-time-out-is-takeover": Story((_TURN, "a z300 -"), "0 1@0 0 1"),
    # State that a report leaves for the next turn, for another runner, or after a recovery.
    "ledger-flag-kept-over-turns": _rogue("append-user", f"{_TURN} {_TURN}"),
    "ledger-baseline-of-first-turn": _rogue("append-user", f"b l r e {_TURN}"),
    "ledger-flag-per-process": Story((_TURN, _TURN, "!append-user"), "0 2 0 1"),
    "ledger-recovers-flag-only": _rogue("append-user", "b l r g v g e"),
    "ledger-blind-after-recovery": Story(("b l r g v g e", "!append-user !append-user"), "0 1@0 0@4 1 0"),
    # An action, and a participant that makes it lawful before the decision.
    "ledger-cotenant-looks": Story((_TURN, _SECTION, "!append-user"), "0 2 1 0"),
    "ledger-load-refreshes-all": Story((_TURN, "a R -", "!append-user"), "0 2 1 0"),
    "ledger-blind-rewrite": Story((_TURN, "a R -", "!append-user"), "0 2 1 0"),
    # Two writers, of which one does not know the other.
    "ledger-appends-to-kept-file": Story((_TURN, "a R -")),
    "none-remembered-offset": _cotenant(),
    "none-writes-its-copy-back": _cotenant(),
    # The second load of one process is the first that can be out of date.
    "none-cached-load": Story(("", "a R - a R -", _SECTION), "1 2 1"),
    # The second turn is the first that loads again; the runner's own prompt stands in between.
    "none-loads-once": Story(("b l p r e b l r e", ""), "0"),
    # A line is acknowledged, and comes with the end of the turn.
    "ledger-acknowledges-early": Story((_TURN, ""), "0"),
    "none-writes-at-turn-end": Story((_TURN, ""), "0"),
    # The old transcript is moved aside with a line in it, and the new one does not get its place.
    "none-moves-aside": Story(("", "a + -", "a R^refused -"), "1 2"),
    # Two lanes want the lock.
    "ledger-robs-paused-holder": Story(("b l r e", "a z60 + -"), "1@0 0 1"),
    "lock-neighbour-is-orphan": Story(("b l r e", "a + -", "", ""), "1@0 0 1"),
    "lock-empty-is-stale": Story(("", "", "a + -", "a -"), "2 3@0 2 3"),
    "lock-renamed-into-place": Story(("", "", "a -", "a -"), "2 3 2 3"),
    # A lane is slow while it makes the lock file; a lane is stopped between check and write.
    "lock-grace-too-short": Story(("", "a^slow200@2 + -", "a z300 -"), "1 2 1"),
    "ledger-checks-before-write": Story(("b l r e", "a +^stop400@7 -"), "1 0 1"),
    # A lane holds the lock and seems dead to the runner.
    "ledger-robs-the-dead": Story(("b l r e", "a + -"), "1@0 0 1"),
    # A lane waits for the runner's lock, and goes on without it.
    "lock-interrupted-is-held": Story((_TURN, "a^eintr + -"), "0@1 1 0@2 1 0"),
    # The laptop is closed while the model thinks.
    "ledger-late-is-takeover": Story(("b l r t1^ahead7200000@1 g e",), "0"),
    # A lane is killed while it holds the lock.
    "lock-dead-is-held": Story(("b l r e", "a +^kill@1 -"), "1 0"),
    # Three lanes: a holder, one that unlinks its lock, and one that takes the lock then.
    "lock-released-twice": Story(("b l r e", "a + -", "a -", ""), "0 1@0 0 2 1"),
    "lock-unlinked-at-time-out": Story(("b l r e", "a z300 + -", "a -"), "1@0 2 0 1"),
    # Two turns, or two jobs, and a lawful write in between.
    "ledger-refuses-at-load": Story(("b l r e b l r e", _SECTION), "0@3 1 0"),
    "ledger-cotenant-cries-wolf": Story((_TURN, "a + - a -"), "1@2 0 1"),
    # A lawful write in the window, and a call that errs about its own lines.
    "none-writes-then-refuses": _cotenant(),
    "none-writes-twice": _cotenant(),
    "none-rewrite-does-nothing": Story(("", "a R -"), "1"),
    "none-summary-beside-lines": Story(("", "a R -"), "1"),
    # A call that changes lines which it was not asked to change.
    "none-keeps-last-lines": Story((_TURN, ""), "0"),
    "none-trims-at-release": Story(("", "a -"), "1"),
    # Two turns of four writes each are the fewest with eight.
    "ledger-counts-to-eight": Story(("b l r g g g g e b l r g g g g e", ""), "0"),
    # The second load is the first that errs.
    "none-load-times-out": Story(("b l r e b l r e", ""), "0"),
    # The lock is held for longer than the runner waits.
    "none-writes-past-the-lock": Story((_TURN, "a z300 -"), "0 1@0 0 1"),
    "none-gives-up-early": Story(("b l r e", "a z300 -"), "1@0 0 1"),
    # The runner is inside its section while the job writes.
    "none-acquires-nothing": Story((_TURN, "a + -"), "0@2 1 0"),
    # An action, and a report of another kind.
    "ledger-reports-twice": _rogue("append-user"),
    "ledger-time-out-in-disguise": _rogue("append-user"),
    "ledger-stale-in-disguise": _rogue("append-user"),
    # An action that leaves equal what the control compares.
    "pr-84046-sorted-lines": _rogue("swap-lines", whole=True),
    "pr-84046-skips-first-byte": _rogue("change-first-byte"),
    "pr-84046-skips-last-byte": _rogue("change-last-byte"),
    "ledger-counts-lines-once": _rogue("repeat-line"),
    "ledger-decodes-text": _rogue("append-not-utf8"),
    "pr-84046-role-by-substring": _rogue("append-quoting"),
    "stat-of-the-link": Story((_TURN, "", "!append-user"), "0 2 0"),
    # More writes than are kept; a second difference.
    "ledger-keeps-eight-writes": Story(("b l p r g e", *["a + - " * 4] * 2), "0@3 1 2 0"),
    "pr-84046-one-mirror": Story((_TWICE, "a m - a m -"), "0@2 1@2 0@3 1 0"),
    # A lawful write that makes the action look lawful.
    "ledger-trusts-after-own-writer": _rogue("append-user", "b l r w g e"),
    "pr-84149-one-epoch": Story((_TURN, "a -", "!append-user"), "0 1 2 0"),
    # A guarded write of two lines, with the action in between, or another one after it.
    "ledger-checks-each-line": Story(("b l r g*2 e", "", "!append-user"), "0 2 0"),
    "ledger-records-first-line": Story(("b l r g*2 g e",), "0"),
    # The lock is there, and its maker's id is another's.
    "lock-pid-is-enough": Story(("b l r e",), "0"),
    # A holder is killed: two reclaim its lock, or one takes up what it left behind.
    "ledger-reclaims-twice": Story(("", "a +^kill@1 -", "a -", "a + -"), "1 2 3@0 2@0 3"),
    "ledger-keeps-old-temporary": Story(("b l r e", "a M^kill@12 -", "a R -"), "0 1 2", whole=True),
    "ledger-record-in-place": Story((_TURN, "a +^torn@3 -"), "0@2 1 0"),
    "ledger-accepts-after-death": Story((_TURN, "a + -^kill@1", "!append-user"), "0 1 2 0"),
    # A recovery from an action, and a lawful write before the next decision.
    "ledger-recovers-to-its-copy": Story(("b l r g v g e", "!append-user", _SECTION, ""), "0 1 0@4 2 0"),
    # The runner times out while an action is there.
    "ledger-fresh-after-time-out": Story((_TWICE, "a z150 -", "!append-user"), "0@2 1@0 2 0"),
    # The lock is kept, and the next turn cannot begin.
    "ledger-waits-for-ever": Story(("b l r e", "a", ""), "1 0"),
}
