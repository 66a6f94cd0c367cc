"""Play turns of the ledger in the tree of the working directory, as `tests.ledger_size` asks for them.

It runs in trees of other commits too, so it uses nothing but the calls of a fence. Each line of the
standard input asks for one sample, and each line of the output answers.
"""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from typing import Any

sys.path.insert(0, os.getcwd())

from fence.ledger import LedgerFence
from fence.protocol import Site

__all__: list[str] = []

_REPLY = b'{"type":"message","id":"reply","message":{"role":"assistant","content":"done"}}\n'


def _turn(path: str) -> tuple[int, int, int, int]:
    """Play one turn.

    Returns:
        The time of its load and of its guarded write, ns, and the memory that each held at most, bytes.
    """
    handle = LedgerFence(Site(path, "runner", {}, {}))
    size = os.stat(path).st_size
    handle.begin_turn()
    before, held = time.process_time_ns(), _held()
    data = handle.load()
    load_ns, load_bytes = time.process_time_ns() - before, _held_at_most(held)
    del data
    handle.release_for_prompt()
    before, held = time.process_time_ns(), _held()
    handle.guarded_write([_REPLY])
    write_ns, write_bytes = time.process_time_ns() - before, _held_at_most(held)
    handle.end_turn()
    # The next turn finds the same file, and no ledger.
    os.truncate(path, size)
    folder = os.path.dirname(path)
    for name in os.listdir(folder):
        if name != os.path.basename(path):
            os.unlink(os.path.join(folder, name))
    return load_ns, write_ns, load_bytes, write_bytes


def _held() -> int:
    tracemalloc.reset_peak()
    return tracemalloc.get_traced_memory()[0]


def _held_at_most(before: int) -> int:
    return tracemalloc.get_traced_memory()[1] - before


def _sample(asked: dict[str, Any]) -> dict[str, float]:
    """Play some turns; return the least processor time of each call, us, and what it held at most."""
    if asked["memory"]:
        tracemalloc.start()
    turns = [_turn(asked["path"]) for _ in range(asked["turns"])]
    tracemalloc.stop()
    load_ns, write_ns, load_bytes, write_bytes = (min(of_one) for of_one in zip(*turns, strict=True))
    return {
        "load_us": load_ns / 1e3,
        "write_us": write_ns / 1e3,
        "load_bytes": load_bytes,
        "write_bytes": write_bytes,
    }


if __name__ == "__main__":
    for request in sys.stdin:
        print(json.dumps(_sample(json.loads(request))), flush=True)
