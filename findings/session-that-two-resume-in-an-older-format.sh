#!/usr/bin/env bash
# pi-coding-agent 1.6.0 (npm @earendil-works/pi-coding-agent; seen with Node 20.20.2).
#
# Guess:  two processes may open one session of an older format: each migrates it, and the file holds the same lines.
# Seen:   the migration writes the file anew, in place: emptied first, then one line at a time. A process that opens it in
#         between finds an empty file, takes it for a new session and writes a header of its own. In its terminal the history is
#         gone, and both write to one file from its begin. The script opens the session a second time at just that moment.
# Matters to: users who resume a session in two terminals after an update.
#
# Output seen:
#   pi-coding-agent 1.6.0: opened while another one migrates: 1 lines, 0 of 2 entries, another session id
#
# Needs no root. Takes npm and its registry. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --omit=dev @earendil-works/pi-coding-agent@1.6.0 >install.log 2>&1

cat >both.mjs <<'NODE'
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const file = "session.jsonl";
const header = { type: "session", version: 2, id: "old", timestamp: "2026-01-01T00:00:00.000Z", cwd: process.cwd() };
const entry = (id, parentId, role) => ({ type: "message", id, parentId, timestamp: header.timestamp, message: { role, content: [] } });
fs.writeFileSync(file, [header, entry("a", null, "user"), entry("b", "a", "assistant")].map((line) => `${JSON.stringify(line)}\n`).join(""));

// Opens the session a second time as soon as the first one has emptied the file, and before it writes a line.
const { openSync } = fs;
let second;
fs.openSync = (path, flags, ...rest) => {
  const opened = openSync(path, flags, ...rest);
  if (flags === "w" && !second) {
    second = true;
    second = SessionManager.open(file);
    fs.copyFileSync(file, "seen.jsonl");
  }
  return opened;
};
syncBuiltinESMExports();
const { SessionManager } = await import("./node_modules/@earendil-works/pi-coding-agent/dist/core/session-manager.js");
SessionManager.open(file);
const lines = fs.readFileSync("seen.jsonl", "utf8").split("\n").filter(Boolean).length;
const other = second.getSessionId() !== "old";
console.log(
  `pi-coding-agent 1.6.0: opened while another one migrates: ${lines} lines, ${second.getEntries().length} of 2 entries, ${other ? "another" : "the same"} session id`,
);
process.exit(lines === 1 && second.getEntries().length === 0 && other ? 0 : 1);
NODE
node both.mjs
