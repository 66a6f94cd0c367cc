"""Coverage: how much a search has seen, and what it may have missed.

Only an exhaustive search is a proof. A search that found nothing in N schedules says with
95 % confidence that less than 3 in N of such schedules violate (Hanley, Lippman-Hand, JAMA
1983). That holds for schedules which the same strategy draws, and for no others.
"""

from __future__ import annotations

import msgspec

from harness.results.stats import Stats

__all__ = ["Coverage", "coverage_line", "coverage_of"]

_BLIND = {
    "kernel": (
        "accesses of the lanes of one process to each other's memory are not ordered",
        "a store through a shared mapping happens somewhere in the step in which its lane moved",
        "polls that find a lock taken are waited out, not interleaved",
        "no power fails, so data that was never flushed is never lost",
    ),
    "free": (
        "no lane is stopped: orders come as the machine makes them",
        "overlapping calls count as racing, and the loss of a lock is not seen",
    ),
}


#: A smaller chance is not told: "at least 0%" says nothing.
_CHANCE_TOLD_MIN = 0.005


class Coverage(msgspec.Struct, frozen=True):
    """Figures for one scenario under one fence.

    Args:
        schedules: that were run to a known end.
        distinct_schedules: different sequences of events among them.
        distinct_classes: different orders of the steps that meet, see `harness.results.trace_class`.
        exact: whether the two counts are exact; else they are estimates within about one percent.
        curve: ``(schedules, classes)`` at 1, 2, 4 ... schedules; a flat curve means that more
            such schedules will show little that is new.
        new_in_last_half: classes that the second half of the schedules added.
        violation_rate_max: with 95 % confidence no larger share of such schedules violates; 1
            where some did or none was run.
        depth_bounds: by PCT's depth, the chance that its schedules here would have found
            a bug of that depth if there is one (Burckhardt et al., ASPLOS 2010).
        blind: classes of events that this gate cannot see.
    """

    schedules: int
    distinct_schedules: int
    distinct_classes: int
    exact: bool
    curve: tuple[tuple[int, int], ...]
    new_in_last_half: int
    violation_rate_max: float
    depth_bounds: dict[str, float]
    blind: tuple[str, ...]


def coverage_of(stats: Stats, gate: str, lanes: int) -> Coverage:
    """Return the coverage of a search.

    Args:
        stats: of all its schedules.
        gate: name.
        lanes: in the scenario.
    """
    known = stats.schedules - min(stats.schedules, stats.inconclusive)
    classes = stats.classes.count()
    clean = not any(stats.violations.values()) and known
    return Coverage(
        schedules=known,
        distinct_schedules=stats.distinct.count(),
        distinct_classes=classes,
        exact=stats.distinct.exact and stats.classes.exact,
        curve=tuple(stats.classes.curve(stats.schedules)),
        new_in_last_half=classes - stats.classes.count(stats.schedules // 2),
        violation_rate_max=round(min(1.0, 3 / known), 6) if clean else 1.0,
        depth_bounds={} if gate == "free" else _depth_bounds(stats, lanes),
        blind=_BLIND[gate],
    )


def _depth_bounds(stats: Stats, lanes: int) -> dict[str, float]:
    if not stats.schedules:
        return {}
    steps = max(1.0, stats.steps / stats.schedules)
    found = {}
    for depth in (2, 3):
        part = stats.parts.get(f"pct:{depth}")
        if part is not None and part.schedules:
            chance = 1 / (lanes * steps ** (depth - 1))
            found[str(depth)] = round(1 - (1 - chance) ** part.schedules, 4)
    return found


def coverage_line(coverage: Coverage) -> str:
    """Return the coverage in words, on one line."""
    about = "" if coverage.exact else "about "
    line = (
        f"worth: {about}{coverage.distinct_schedules} different schedules in "
        f"{about}{coverage.distinct_classes} classes, {coverage.new_in_last_half} of them "
        "new in the second half"
    )
    if coverage.violation_rate_max < 1:
        one_in = int(1 / coverage.violation_rate_max)
        line += f"; with 95 % confidence fewer than 1 in {one_in} of such schedules violates"
    for depth, chance in coverage.depth_bounds.items():
        if chance < _CHANCE_TOLD_MIN:
            continue
        line += f"; a bug of depth {depth} would have shown with at least {chance:.0%}"
    return line
