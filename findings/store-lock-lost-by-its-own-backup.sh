#!/usr/bin/env bash
# duckdb 2.0.1 (Python 3.11.7) and classic-level 3.0.0, which is LevelDB (npm, Node 20.20.2); seen on Linux 6.18.
#
# Guess:  while a process has the store open, a second one is refused: DuckDB "Could not set lock on file", LevelDB LEVEL_LOCKED.
# Seen:   it is refused until the first process copies the store's files, for a backup, by shutil.copytree or fs.cpSync. Both
#         stores lock by fcntl, and the kernel lets go of all such locks of a process on a file when that process closes any
#         descriptor of it. After the copy the second process opens the store and commits; the first one goes on to commit. Each
#         is told that its write is done, and one of the writes is gone: in DuckDB that of the second, in LevelDB that of the first
#         after the copy. A copy that another process makes, by cp, does no harm to the lock.
# Matters to: services that keep sessions or logs in such a store and back it up from within; the lock is what they rely on.
#
# Output seen:
#   duckdb 2.0.1: a second process is refused; after a copy by cp refused; by the first process:
#   it commits; stored: first before, first after
#   classic-level 3.0.0: a second process is refused; after a copy by cp refused; by the first process:
#   it commits; stored: first before, second
#
# Needs no root. Takes pip and npm with their registries. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target packages duckdb==2.0.1
npm install --silent --no-audit --no-fund --ignore-scripts --omit=dev classic-level@3.0.0 >install.log 2>&1

cat >duck.py <<'PYTHON'
import os
import shutil
import subprocess
import sys

import duckdb

STORE = "duck/store"
INSERT = "INSERT INTO lines VALUES (?)"


def second():
    """Print what a second process is told that opens the store and inserts a line."""
    try:
        with duckdb.connect(STORE) as opened:
            opened.execute(INSERT, ["second"])
        print("it commits")
    except duckdb.IOException as error:
        print("refused" if "Could not set lock" in str(error) else error)


def told():
    return subprocess.run([sys.executable, __file__, "second"], check=True, capture_output=True, text=True).stdout.strip()


if sys.argv[1:]:
    second()
    sys.exit()
os.mkdir("duck")
first = duckdb.connect(STORE)
first.execute("CREATE TABLE lines (line TEXT)")
first.execute(INSERT, ["first before"])
alone = told()
subprocess.run(["cp", "-r", "duck", "duck-by-cp"], check=True)
by_cp = told()
shutil.copytree("duck", "duck-by-first")
by_first = told()
first.execute(INSERT, ["first after"])
first.close()
with duckdb.connect(STORE) as opened:
    stored = ", ".join(line for (line,) in opened.execute("SELECT line FROM lines").fetchall())
after = f"after a copy by cp {by_cp}; by the first process: {by_first}"
print(f"duckdb {duckdb.__version__}: a second process is {alone}; {after}; stored: {stored}")
sys.exit((alone, by_cp, by_first, stored) != ("refused", "refused", "it commits", "first before, first after"))
PYTHON

cat >level.cjs <<'NODE'
const { execFileSync } = require("node:child_process");
const { cpSync } = require("node:fs");
const { ClassicLevel } = require("classic-level");
const { version } = require("classic-level/package.json");

const told = () => execFileSync(process.execPath, [__filename, "second"], { encoding: "utf8" }).trim();
async function second() {
  const opened = new ClassicLevel("level");
  try {
    await opened.open();
    await opened.put("2", "second");
    await opened.close();
    console.log("it commits");
  } catch (error) {
    console.log(error.cause?.code === "LEVEL_LOCKED" ? "refused" : String(error));
  }
}
async function main() {
  const first = new ClassicLevel("level");
  await first.put("1", "first before");
  const alone = told();
  execFileSync("cp", ["-r", "level", "level-by-cp"]);
  const byCp = told();
  cpSync("level", "level-by-first", { recursive: true });
  const byFirst = told();
  await first.put("3", "first after");
  await first.close();
  const opened = new ClassicLevel("level");
  const stored = (await opened.values().all()).join(", ");
  const after = `after a copy by cp ${byCp}; by the first process: ${byFirst}`;
  console.log(`classic-level ${version}: a second process is ${alone}; ${after}; stored: ${stored}`);
  const so = [alone, byCp, byFirst, stored].join("; ");
  process.exitCode = so === "refused; refused; it commits; first before, second" ? 0 : 1;
}
process.argv[2] ? second() : main();
NODE

status=0
PYTHONPATH=packages python3 duck.py || status=1
node level.cjs || status=1
exit "$status"
