"""A scheduled job that reports into the conversation when it is done."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from annotated_types import MinLen, doc

from harness.entries import EntryType
from harness.roles.participant import WriterSettings, draw_writes, size_of_writes
from harness.roles.protocol import Role

__all__ = ["ROLE", "CronSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CronSettings(WriterSettings):
    """A lane of the role cron."""

    role: Annotated[Literal["cron"], doc("What the lane does.")]
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
