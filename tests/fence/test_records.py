"""Test that the records of fences and locks cannot be changed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fence.ledger_content import ABSENT, Content
from fence.ledger_file import Intent
from fence.locks import KINDS
from fence.locks.sidecar import Payload
from fence.pr84046 import Snapshot
from fence.protocol import Site
from fence.stat_2026_5_17 import Fingerprint
from fence.statx import FileStat

RECORDS = [
    Content.of(b"a\n"),
    ABSENT,
    Intent(b"a\n", None),
    KINDS["flock"],
    Payload(1, 2, 3),
    Snapshot(FileStat(1, 2, 3, 4, 5, None), b"", None),
    Site("t", "lane", {}, {}),
    Fingerprint(),
    FileStat(1, 2, 3, 4, 5, 6),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_cannot_be_changed(record: Any) -> None:
    for field in dataclasses.fields(record):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, None)
