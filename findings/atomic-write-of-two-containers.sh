#!/usr/bin/env bash
# write-file-atomic 5.0.1 and 8.0.0 (npm; seen with Node 20.20.2).
#
# Guess:  its temporary file has a name of its own for each process, so the file at the path is the whole file of one writer.
# Seen:   the name is a hash of the module's path, the process id, the thread id and a counter. In two containers of one image
#         all four are the same: the program is process 1 in each. The second writer opens the first one's temporary file,
#         fills it, and renames it. The first one then writes into the file that stands at the path by now, and its rename
#         fails. Readers find a mixture of both, and the writer that is told ENOENT has written.
# Matters to: users of two containers of one image on one volume: settings, sessions, caches.
#
# Output seen:
#   write-file-atomic 8.0.0: two writers that are process 1: the file has {"by":"a"}-b-b-b-b; the first one was told
#   ENOENT, the second one done
#
# Needs root, or a kernel that lets users make namespaces, and npm with its registry. Takes a version as its argument. Exit
# status 0 if this is still so, 1 if it has changed.
set -euo pipefail
version=${1:-8.0.0}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --omit=dev "write-file-atomic@$version" >install.log 2>&1

# Pauses where the package says that its temporary file is there.
cat >write.cjs <<'NODE'
const { appendFileSync, existsSync } = require("node:fs");
const writeFile = require("write-file-atomic");
const [content, begun, goOn] = process.argv.slice(2);
const until = (path) => new Promise((resolve) => setInterval(() => existsSync(path) && resolve(), 10));
const tmpfileCreated = async () => {
  if (!begun) return;
  appendFileSync(begun, `${process.pid}`);
  await until(goOn);
};
writeFile("state", content, { tmpfileCreated }).then(
  () => console.log("done"),
  (error) => console.log(error.code),
).finally(() => process.exit());
NODE

as_first() { unshare --map-root-user --pid --fork --kill-child "$@"; }
as_first node write.cjs '{"by":"a"}' begun go-on >first &
for _ in $(seq 600); do [ -s begun ] && break || sleep 0.1; done
second=$(as_first node write.cjs '{"by":"b"}-b-b-b-b')
touch go-on
wait
found=$(cat state)
echo "write-file-atomic $version: two writers that are process $(cat begun): the file has $found; the first one was told $(cat first), the second one $second"
[ "$(cat begun)" = 1 ] && [ "$found" = '{"by":"a"}-b-b-b-b' ] && [ "$(cat first)" = ENOENT ] && [ "$second" = "done" ]
