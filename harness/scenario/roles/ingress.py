"""Define a channel message that arrives while the model thinks: a queued user turn (issue #124160)."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from annotated_types import MinLen, doc

from harness.model.transcript_lines import EntryType
from harness.scenario.roles.participant import WriterSettings, draw_writes, size_of_writes
from harness.scenario.roles.role import Role

__all__ = ["ROLE", "IngressSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class IngressSettings(WriterSettings):
    """The keys of a lane of the role ingress."""

    role: Annotated[Literal["ingress"], doc("Activity of the lane.")]
    entries: Annotated[tuple[EntryType, ...], MinLen(1), doc("Types of the lines, drawn one by one.")] = (
        "user",
    )


ROLE = Role(
    "ingress",
    "A channel message: appends user lines under the lock.",
    True,
    IngressSettings,
    draw_writes,
    size_of_writes,
)
