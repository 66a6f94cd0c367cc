"""Define a scheduled job that reports into the conversation when it is done."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from annotated_types import MinLen, doc

from harness.model.transcript_lines import EntryType
from harness.scenario.roles.participant import WriterSettings, draw_writes, size_of_writes
from harness.scenario.roles.role import Role

__all__ = ["ROLE", "CronSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CronSettings(WriterSettings):
    """The keys of a lane of the role cron."""

    role: Annotated[Literal["cron"], doc("Activity of the lane.")]
    entries: Annotated[tuple[EntryType, ...], MinLen(1), doc("Types of the lines, drawn one by one.")] = (
        "custom",
        "assistant",
    )


ROLE = Role(
    "cron",
    "A scheduled job that appends custom and assistant lines under the lock.",
    True,
    CronSettings,
    draw_writes,
    size_of_writes,
)
