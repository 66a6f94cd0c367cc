"""What the attempts of two gates at the same violation come to: medians, ratios, totals.

An attempt that found nothing within the limit is *censored*: what it took is a lower bound,
and stands behind everything that was found. A ratio counts for the kernel gate only as far
as it is sure. `harness.versus` makes the attempts.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec

__all__ = ["Attempt", "Row", "Side", "Totals", "row_of", "rows", "told", "totals_of"]

_TEN = 10.0
#: The clock is read no finer; who was called off at once has none and no schedules.
_TICK_S = 0.0001


class Attempt(msgspec.Struct, frozen=True):
    """One gate in one round.

    Args:
        seconds: to the first violation, or how long was looked in vain.
        schedules: up to it, or all of them.
        found: whether it showed; if not, both figures are lower bounds (*censored*).
        inconclusive: schedules of which the truth was not known.
    """

    seconds: float
    schedules: int
    found: bool
    inconclusive: int = 0


class Side(msgspec.Struct, frozen=True):
    """One gate over all rounds.

    Args:
        seconds, schedules: medians.
        censored: whether the medians are lower bounds.
        attempts: round by round.
    """

    seconds: float
    schedules: float
    censored: bool
    attempts: tuple[Attempt, ...]

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Side:
        """The medians; a censored attempt counts as longer than each that found something."""
        ordered = sorted(attempts, key=lambda one: (not one.found, one.seconds))
        middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
        by_count = sorted(attempts, key=lambda one: (not one.found, one.schedules))
        counts = by_count[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
        return cls(
            round(statistics.fmean(one.seconds for one in middle), 4),
            statistics.fmean(one.schedules for one in counts),
            not all(one.found for one in middle),
            tuple(attempts),
        )


class Row(msgspec.Struct, frozen=True):
    """What came of one control.

    Args:
        control, scenario, caught_by: who and where, and what was looked for.
        emulated: whether lanes under the kernel gate are told stamps that real files may not have.
        kernel, free: both sides.
        ratio: the free gate's seconds over the kernel gate's; None where neither found it.
        bound: ``at least`` where the free gate did not find it, ``at most`` where the
            kernel gate did not, else empty; the same goes for both ratios.
        schedules_ratio: the same of schedules.
        blind: why the comparison says nothing, empty when it does.
    """

    control: str
    scenario: str
    caught_by: str
    emulated: bool
    kernel: Side
    free: Side
    ratio: float | None
    bound: str
    schedules_ratio: float | None
    blind: str = ""

    @property
    def ahead(self) -> bool:
        """Whether the kernel gate was faster for sure."""
        return self.bound != "at most" and self.ratio is not None and self.ratio > 1

    @property
    def ten_times(self) -> bool:
        """Whether it was ten times faster for sure."""
        return self.ahead and self.ratio is not None and self.ratio >= _TEN


class Totals(msgspec.Struct, frozen=True):
    """Over several controls.

    Args:
        compared: how many.
        ahead, ten_times: on how many the kernel gate's median of seconds is lower, and ten times lower.
        fewer_schedules: on how many it needs fewer schedules.
        behind: names of those on which it is not ahead.
    """

    compared: int
    ahead: int
    ten_times: int
    fewer_schedules: int
    behind: tuple[str, ...]


def row_of(
    control: str,
    scenario: str,
    caught_by: str,
    kernel: Sequence[Attempt],
    free: Sequence[Attempt],
    *,
    emulated: bool,
) -> Row:
    """What the attempts at one control come to; the arguments are fields of a `Row`."""
    ours, theirs = Side.of(kernel), Side.of(free)
    bound = "at least" if theirs.censored else "at most" if ours.censored else ""
    open_ended = ours.censored and theirs.censored
    blind = all(not one.found and one.inconclusive == one.schedules for one in free)
    return Row(
        control,
        scenario,
        caught_by,
        emulated,
        ours,
        theirs,
        None if open_ended else round(theirs.seconds / max(ours.seconds, _TICK_S), 2),
        "" if open_ended else bound,
        None if open_ended else round(theirs.schedules / max(ours.schedules, 1), 2),
        "no schedule of the free gate came to a verdict" if blind else "",
    )


def totals_of(rows: Sequence[Row]) -> Totals:
    """On how many of these controls the kernel gate is ahead."""
    return Totals(
        compared=len(rows),
        ahead=sum(row.ahead for row in rows),
        ten_times=sum(row.ten_times for row in rows),
        fewer_schedules=sum(row.bound != "at most" and (row.schedules_ratio or 0) > 1 for row in rows),
        behind=tuple(row.control for row in rows if not row.ahead),
    )


def rows(found: Sequence[Row]) -> list[tuple[str, ...]]:
    """A table, its head first; the controls on which the kernel gate is least ahead come first."""
    head = ("control", "caught by", "kernel s", "free s", "ratio", "schedules", "free", "result")
    ordered = sorted(found, key=lambda row: (row.ahead, row.ratio or 0.0))
    return [head, *(_cells(row) for row in ordered)]


def _cells(row: Row) -> tuple[str, ...]:
    kernel, free = row.kernel, row.free
    bound = {"at least": ">= ", "at most": "<= "}.get(row.bound, "")
    word = "10 times ahead" if row.ten_times else "ahead" if row.ahead else "behind"
    return (
        row.control,
        row.caught_by.replace("_", " "),
        _value(kernel.seconds, kernel.censored, 2),
        _value(free.seconds, free.censored, 2),
        "-" if row.ratio is None else f"{bound}{row.ratio:.1f}",
        _value(kernel.schedules, kernel.censored, 0),
        _value(free.schedules, free.censored, 0),
        "not compared" if row.blind else word,
    )


def _value(value: float, censored: bool, digits: int) -> str:
    return f"{'> ' if censored else ''}{value:.{digits}f}"


def told(totals: Totals) -> str:
    """The totals in a sentence."""
    return (
        f"ahead on {totals.ahead} of {totals.compared} controls, 10 times ahead on {totals.ten_times}, "
        f"with fewer schedules on {totals.fewer_schedules}"
    )
