#!/usr/bin/env bash
# lmdb 3.5.6 (npm, lmdb-js; seen with Node 20.20.2).
#
# Guess:  db.ifVersion(key, version, callback) writes what its callback writes only if the key still has this version, and its promise
#         says whether it did: "conditionally execute any puts or removes that are called in the callback".
# Seen:   that holds for put and remove that are called before the callback first waits. putSync and removeSync in it, and a put behind
#         an await, are done whatever the version is. The promise says false all the same: the caller is told that another process was
#         first and that it was refused, and the entry of that process is overwritten. db.transaction lets its callback wait, and
#         putSync and put do the same in it, so neither looks wrong here. A single put with a version is refused as it should be.
# Matters to: several processes on one store that take the version for a fence: sessions, leases, elections.
#
# Output seen:
#   lmdb 3.5.6, another process has written version 2, ifVersion(1): put: false, other; putSync: false, mine;
#   removeSync: false, gone; put behind an await: false, mine; a put with a version: false, other
#
# Needs no root. Takes npm and its registry. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --omit=dev lmdb@3.5.6 >install.log 2>&1

cat >fence.cjs <<'NODE'
const { execFileSync } = require("node:child_process");
const { open } = require("lmdb");

const writers = {
  put: (db) => db.ifVersion("key", 1, () => void db.put("key", "mine", 3)),
  putSync: (db) => db.ifVersion("key", 1, () => void db.putSync("key", "mine", 3)),
  removeSync: (db) => db.ifVersion("key", 1, () => void db.removeSync("key")),
  "put behind an await": (db) =>
    db.ifVersion("key", 1, async () => {
      await null;
      db.put("key", "mine", 3);
    }),
  "a put with a version": (db) => db.put("key", "mine", 3, 1),
};

// The process that comes first: its entry has version 2.
async function other(path) {
  const db = open({ path, useVersions: true });
  await db.put("key", "other", 2);
  await db.close();
}

// Returns what the second process is told, and what the store has then.
async function refused(name, path) {
  const db = open({ path, useVersions: true });
  await db.put("key", "old", 1);
  execFileSync(process.execPath, [__filename, path]);
  const told = await writers[name](db);
  await db.committed;
  const has = db.get("key") ?? "gone";
  await db.close();
  return `${name}: ${told}, ${has}`;
}

async function main() {
  const seen = [];
  for (const [number, name] of Object.keys(writers).entries()) seen.push(await refused(name, `store-${number}`));
  const version = require("./node_modules/lmdb/package.json").version;
  console.log(`lmdb ${version}, another process has written version 2, ifVersion(1): ${seen.join("; ")}`);
  const mine = "putSync: false, mine; removeSync: false, gone; put behind an await: false, mine";
  const so = `put: false, other; ${mine}; a put with a version: false, other`;
  process.exitCode = seen.join("; ") === so ? 0 : 1;
}

process.argv[2] ? other(process.argv[2]) : main();
NODE
node fence.cjs
