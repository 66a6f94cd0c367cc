"""The runtime's own timer: it wakes up and leaves a note in the transcript (issue #84071)."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from annotated_types import MinLen, doc

from harness.entries import EntryType
from harness.roles.participant import WriterSettings, draw_writes, size_of_writes
from harness.roles.protocol import Role

__all__ = ["ROLE", "Settings"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(WriterSettings):
    """A lane of the role heartbeat."""

    role: Literal["heartbeat"]
    entries: Annotated[tuple[EntryType, ...], MinLen(1), doc("Types of the lines, drawn one by one.")] = (
        "assistant",
        "custom",
    )


ROLE = Role(
    "heartbeat",
    "A timer of the runtime that appends assistant and custom lines under the lock.",
    True,
    Settings,
    draw_writes,
    size_of_writes,
)
