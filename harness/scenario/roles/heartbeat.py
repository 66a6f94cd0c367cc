"""Define the runtime's own timer: it wakes up and appends a note to the transcript (issue #84071)."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from annotated_types import MinLen, doc

from harness.model.transcript_lines import EntryType
from harness.scenario.roles.participant import WriterSettings, draw_writes, size_of_writes
from harness.scenario.roles.role import Role

__all__ = ["ROLE", "HeartbeatSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeartbeatSettings(WriterSettings):
    """The keys of a lane of the role heartbeat."""

    role: Annotated[Literal["heartbeat"], doc("Activity of the lane.")]
    entries: Annotated[tuple[EntryType, ...], MinLen(1), doc("Types of the lines, drawn one by one.")] = (
        "assistant",
        "custom",
    )


ROLE = Role(
    "heartbeat",
    "A timer of the runtime that appends assistant and custom lines under the lock.",
    True,
    HeartbeatSettings,
    draw_writes,
    size_of_writes,
)
