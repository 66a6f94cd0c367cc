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
        start_s: of the seconds, until the first explorer's workers stood ready.
    """

    seconds: float
    schedules: int
    found: bool
    inconclusive: int = 0
    start_s: float = 0.0


class Side(msgspec.Struct, frozen=True):
    """One gate over all rounds.

    Args:
        seconds, search_s, schedules: medians; `search_s` without the start of the workers.
        censored: whether the medians are lower bounds.
        attempts: round by round.
    """

    seconds: float
    search_s: float
    schedules: float
    censored: bool
    attempts: tuple[Attempt, ...]

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Side:
        """The medians; a censored attempt counts as longer than each that found something."""
        alive = sorted(not one.found for one in attempts)
        return cls(
            round(_median([(not one.found, one.seconds) for one in attempts]), 4),
            round(_median([(not one.found, one.seconds - one.start_s) for one in attempts]), 4),
            _median([(not one.found, float(one.schedules)) for one in attempts]),
            alive[len(alive) // 2],
            tuple(attempts),
        )


def _median(values: Sequence[tuple[bool, float]]) -> float:
    """The middle value, or the mean of both; what is censored stands behind the rest."""
    ordered = sorted(values)
    return statistics.fmean(value for _, value in ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1])


class Row(msgspec.Struct, frozen=True):
    """What came of one control.

    Args:
        control, scenario, caught_by: who and where, and what was looked for.
        emulated: whether lanes under the kernel gate are told stamps that real files may not have.
        kernel, free: both sides.
        ratio: the free gate's seconds over the kernel gate's; None where neither found it.
        bound: ``at least`` where the free gate did not find it, ``at most`` where the
            kernel gate did not, else empty; the same goes for all ratios.
        search_ratio, schedules_ratio: the same of seconds without the workers' start, and of schedules.
        blind: why the free gate could not have shown it, empty when it could; one that was
            therefore not asked has no attempts, and the limit for its seconds.
    """

    control: str
    scenario: str
    caught_by: str
    emulated: bool
    kernel: Side
    free: Side
    ratio: float | None
    bound: str
    search_ratio: float | None
    schedules_ratio: float | None
    blind: str = ""

    @property
    def ahead(self) -> bool:
        """Whether the kernel gate was faster for sure."""
        return self.surely(self.ratio, 1)

    def surely(self, ratio: float | None, times: float) -> bool:
        """Whether one of the ratios is above `times` for sure; 1 itself is a tie, and no lead."""
        return self.bound != "at most" and ratio is not None and (ratio > 1 and ratio >= times)


class Totals(msgspec.Struct, frozen=True):
    """Over several controls.

    Args:
        compared: how many.
        ahead, ten_times: on how many the kernel gate's median of seconds is lower, and ten times lower.
        search_ahead, search_ten_times: the same without the start of the workers, which both need.
        fewer_schedules: on how many it needs fewer schedules.
        behind: names of those on which it is not ahead.
    """

    compared: int
    ahead: int
    ten_times: int
    search_ahead: int
    search_ten_times: int
    fewer_schedules: int
    behind: tuple[str, ...]


def row_of(
    control: str,
    scenario: str,
    caught_by: str,
    kernel: Sequence[Attempt],
    free: Sequence[Attempt],
    *,
    limit_s: float,
    emulated: bool,
    barred: str = "",
) -> Row:
    """What the attempts at one control come to.

    Args:
        control, scenario, caught_by, emulated: as in `Row`.
        kernel, free: attempts; none where the free gate was not asked.
        limit_s: after so many seconds a gate gave up.
        barred: why the free gate was not asked; empty when it was.
    """
    ours = Side.of(kernel)
    theirs = Side.of(free) if free else Side(limit_s, limit_s, 0.0, True, ())
    bound = "at least" if theirs.censored else "at most" if ours.censored else ""
    open_ended = ours.censored and theirs.censored

    def ratio(free_value: float, kernel_value: float, least: float) -> float | None:
        return None if open_ended else round(free_value / max(kernel_value, least), 2)

    unsure = all(not one.found and one.inconclusive == one.schedules for one in free)
    blind = barred or ("no schedule of the free gate came to a verdict" if unsure else "")
    return Row(
        control,
        scenario,
        caught_by,
        emulated,
        ours,
        theirs,
        ratio(theirs.seconds, ours.seconds, _TICK_S),
        "" if open_ended else bound,
        ratio(theirs.search_s, ours.search_s, _TICK_S),
        ratio(theirs.schedules, ours.schedules, 1) if free else None,
        blind,
    )


def totals_of(rows: Sequence[Row]) -> Totals:
    """On how many of these controls the kernel gate is ahead."""
    return Totals(
        compared=len(rows),
        ahead=sum(row.ahead for row in rows),
        ten_times=sum(row.surely(row.ratio, _TEN) for row in rows),
        search_ahead=sum(row.surely(row.search_ratio, 1) for row in rows),
        search_ten_times=sum(row.surely(row.search_ratio, _TEN) for row in rows),
        fewer_schedules=sum(row.surely(row.schedules_ratio, 1) for row in rows),
        behind=tuple(row.control for row in rows if not row.ahead),
    )


def rows(found: Sequence[Row]) -> list[tuple[str, ...]]:
    """A table, its head first; the controls on which the kernel gate is least ahead come first."""
    head = (
        *("control", "caught by", "kernel s", "free s", "ratio"),
        *("search s", "free s", "ratio", "schedules", "free", "result"),
    )
    ordered = sorted(found, key=lambda row: (row.ahead, row.ratio or 0.0))
    return [head, *(_cells(row) for row in ordered)]


def _cells(row: Row) -> tuple[str, ...]:
    kernel, free = row.kernel, row.free
    word = "10 times ahead" if row.surely(row.ratio, _TEN) else "ahead" if row.ahead else "behind"
    return (
        row.control,
        row.caught_by.replace("_", " "),
        _value(kernel.seconds, kernel.censored, 2),
        _value(free.seconds, free.censored, 2),
        _times(row.ratio, row.bound),
        _value(kernel.search_s, kernel.censored, 2),
        _value(free.search_s, free.censored, 2),
        _times(row.search_ratio, row.bound),
        _value(kernel.schedules, kernel.censored, 0),
        _value(free.schedules, free.censored, 0) if free.attempts else "-",
        "out of reach" if row.blind and row.ahead else word,
    )


def _times(ratio: float | None, bound: str) -> str:
    sign = {"at least": ">= ", "at most": "<= "}.get(bound, "")
    return "-" if ratio is None else f"{sign}{ratio:.1f}"


def _value(value: float, censored: bool, digits: int) -> str:
    return f"{'> ' if censored else ''}{value:.{digits}f}"


def told(totals: Totals) -> str:
    """The totals in a sentence."""
    return (
        f"ahead on {totals.ahead} of {totals.compared} controls, 10 times ahead on {totals.ten_times} "
        f"(without the start of the workers on {totals.search_ahead} and {totals.search_ten_times}), "
        f"with fewer schedules on {totals.fewer_schedules}"
    )
