"""An adapter that keeps something over schedules is started anew for each, and makes the same histories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import Harness, write_scenario
from tests.fence.external.adapters import KEEPS_STATE, RANDOM_IDS, command

#: Of the pool and the counter of a module that Node loads before the fence is served.
_NODE = """\
import {{ serve }} from "{host}";
import {{ randomFillSync }} from "node:crypto";
import {{ appendFile, open, readFile, unlink }} from "node:fs/promises";

const pool = randomFillSync(Buffer.alloc(1024));
let taken = 0;

class Store {{
  constructor({{ transcript }}) {{
    [this.path, this.lock, this.held] = [transcript, `${{transcript}}.lock`, false];
  }}
  async acquire() {{
    for (;;) {{
      try {{ await (await open(this.lock, "wx")).close(); this.held = true; return; }} catch {{}}
      await new Promise((go) => setTimeout(go, 20));
    }}
  }}
  async release() {{ this.held = false; await unlink(this.lock); }}
  async beginTurn() {{ await this.acquire(); }}
  async load() {{ return readFile(this.path); }}
  async append(entries) {{
    for (const entry of entries) {{
      const id = `${{taken}}-${{pool.readUInt8(taken++ % 1024)}}`;
      await appendFile(this.path, JSON.stringify({{ ...JSON.parse(entry), uuid: id }}) + "\\n");
    }}
  }}
  async releaseForPrompt() {{ await this.release(); }}
  async guardedWrite(entries) {{ await this.acquire(); await this.append(entries); await this.release(); }}
  async endTurn() {{ if (this.held) await this.release(); }}
}}
serve(Store, {{ name: "store", lock: "sidecar" }});
"""


def _run(harness: Harness, tmp_path: Path, fence: str, explorers: int) -> dict[str, Any]:
    arguments = ("--fence", f"exec:{fence}", "--schedules", 9, "--explorers", explorers, "--json")
    ended = harness.run(write_scenario(tmp_path), *arguments, "--out", tmp_path / f"out-{explorers}")
    assert ended.status == 0, ended
    return ended.object


def _check(harness: Harness, tmp_path: Path, fence: str, started_anew: int) -> None:
    first, second = (_run(harness, tmp_path, fence, explorers) for explorers in (1, 2))
    assert first["repeated"] > 0 and first["histories"] == second["histories"]
    assert [first["started_anew"], second["started_anew"]] == [started_anew] * 2


@pytest.mark.requires("kernel-gate")
def test_an_adapter_with_a_counter_and_a_pool_makes_the_same_histories(
    harness: Harness, tmp_path: Path
) -> None:
    _check(harness, tmp_path, command(KEEPS_STATE), 9)


@pytest.mark.requires("kernel-gate")
def test_an_adapter_that_keeps_nothing_lives_over_schedules(harness: Harness, tmp_path: Path) -> None:
    _check(harness, tmp_path, command(RANDOM_IDS), 0)


@pytest.mark.requires("kernel-gate")
@pytest.mark.requires("node")
def test_a_module_of_node_that_keeps_a_pool_makes_the_same_histories(
    harness: Harness, tmp_path: Path
) -> None:
    host = Path(__file__).parents[2] / "examples" / "node" / "host.mjs"
    adapter = tmp_path / "store.mjs"
    adapter.write_text(_NODE.format(host=host))
    _check(harness, tmp_path, f"node {adapter}", 9)
