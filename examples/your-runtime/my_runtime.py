"""The importer of the runtime, for which the harness has no role, and the promise it makes of a batch."""

import dataclasses
import json
from typing import Annotated, Literal

from annotated_types import doc

from takeover_harness import CountRange, Extension, LaneSettings, Op, Role, Size, highest, pick, waits


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImporterSettings(LaneSettings):
    role: Annotated[Literal["importer"], doc("Activity of the lane.")]
    times: Annotated[CountRange, doc("Number of batches.")] = 1
    batch: Annotated[CountRange, doc("Lines of a batch, before the one that ends it.")] = (1, 3)


def _draw(settings, rng, ids):
    ops = []
    for group in range(1, pick(rng, settings.times) + 1):
        ops += waits(settings, rng, group)
        ops.append(Op("acquire", group=group))
        for kind in ["custom"] * pick(rng, settings.batch) + ["label"]:
            ops.append(Op("append", group=group, entries=(ids.entry(rng, kind),)))
        ops.append(Op("release", group=group))
    return tuple(ops)


def _size(settings):
    times, batch = highest(settings.times), highest(settings.batch)
    return Size(ops=times * (batch + 5), entries=times * (batch + 1))


def batches_are_whole(lines, acknowledged):
    """Say which line stands in the midst of a batch."""
    within = False
    for number, line in enumerate(lines, 1):
        entry = json.loads(line)
        own = str(entry.get("id")).startswith("importer-")
        if within and not own:
            return f"line {number} stands in the midst of a batch"
        within = own and entry.get("type") != "label"
    return "the last batch has no end" if within else None


EXTENSION = Extension(
    roles=[Role("importer", "Appends a batch of lines.", True, ImporterSettings, _draw, _size)],
    invariants=[batches_are_whole],
)
