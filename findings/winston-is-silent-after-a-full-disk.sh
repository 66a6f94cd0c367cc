#!/usr/bin/env bash
# winston 3.19.0, its File transport (npm; seen with Node 20.20.2), with pino 10.4.0 beside it.
#
# Guess:  a line that finds the file system full is lost and told by an error event; lines after there is room again come.
# Seen:   half of that line stays in the file, without a newline, and no line comes any more until the process ends. Neither
#         the logger nor the transport emits "error", and the transport goes on to emit "logged" for lines that no file has. The
#         error destroys the transport's stream to the file; the transport hears of it, tells it to its debug output alone, and
#         opens no other stream. Its documents say that the logger emits "error" when something goes wrong within it.
#         pino emits "error" at its destination, keeps the rest of the line, and writes it, whole and in order, once there is room.
# Matters to: services that log to a JSONL file and outlive a full disk: the log ends in half a line, and nothing says so.
#
# Output seen:
#   winston 3.19.0: 0 errors, 5 lines called logged; in the file: line 1, half of line 2
#   pino 10.4.0: told of the error; in the file: line 1, line 2, line 3, line 4, line 5
#
# Needs root, or a kernel that lets users make namespaces, and npm with its registry. Exit status 0 if this is still so, 1 if it
# has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --omit=dev winston@3.19.0 pino@10.4.0 >install.log 2>&1
mkdir small

# Writes line 1, fills the file system but for the page that line 1 is in, writes lines 2 and 3, makes room, writes 4 and 5.
cat >lines.cjs <<'NODE'
const fs = require("node:fs");
const { setTimeout: pause } = require("node:timers/promises");
const file = "small/log.jsonl";
const counts = { errors: 0, logged: 0 };
const writers = {
  winston() {
    const winston = require("winston");
    const transport = new winston.transports.File({ filename: file });
    const logger = winston.createLogger({ format: winston.format.json(), transports: [transport] });
    for (const emitter of [transport, logger]) emitter.on("error", () => (counts.errors += 1));
    transport.on("logged", () => (counts.logged += 1));
    return (text) => logger.info(text);
  },
  pino() {
    const pino = require("pino");
    const destination = pino.destination({ dest: file, sync: false });
    destination.on("error", () => (counts.errors += 1));
    const logger = pino(destination);
    return (text) => logger.info(text);
  },
};

function described(line) {
  const number = /line (\d)/.exec(line)[0];
  try {
    JSON.parse(line);
    return number;
  } catch {
    return `half of ${number}`;
  }
}

(async () => {
  const log = writers[process.argv[2]]();
  await pause(1000);
  log("line 1");
  while (!fs.existsSync(file) || fs.statSync(file).size === 0) await pause(10);
  fs.writeFileSync("small/filling", Buffer.alloc(3 * 4096));
  log(`line 2 ${"x".repeat(6000)}`);
  while (fs.statSync(file).size < 4096) await pause(10);
  await pause(1000);
  log("line 3");
  await pause(1000);
  fs.unlinkSync("small/filling");
  log("line 4");
  log("line 5");
  await pause(3000);
  const lines = fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map(described).join(", ");
  const { version } = require(`${process.argv[2]}/package.json`);
  const told = counts.errors > 0 ? "told of the error" : `0 errors, ${counts.logged} lines called logged`;
  console.log(`${process.argv[2]} ${version}: ${told}; in the file: ${lines}`);
  process.exit();
})();
NODE

on_four_pages() {
    # The command's $1 is expanded within the new namespace.
    # shellcheck disable=SC2016
    unshare --map-root-user --mount bash -c 'mount -t tmpfs -o size=16k tmpfs small && exec node lines.cjs "$1"' on_four_pages "$1"
}
silent=$(on_four_pages winston)
told=$(on_four_pages pino)
printf '%s\n' "$silent" "$told"
[ "$silent" = "winston 3.19.0: 0 errors, 5 lines called logged; in the file: line 1, half of line 2" ] &&
    [ "$told" = "pino 10.4.0: told of the error; in the file: line 1, line 2, line 3, line 4, line 5" ]
