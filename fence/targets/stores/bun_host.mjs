// Serves one lane under Bun, where host.mjs cannot see which work is pending: Bun has no hooks for that.
//
// Requests are read synchronously and carried out one after the other. So a synchronous sleep is one of the protocol, too, and
// no timer fires. The clock, Math.random and the random functions of node:crypto are those of host.mjs, which was imported before.

import { readSync } from "node:fs";

const CHUNK = 1 << 16;
let rest = Buffer.alloc(0);

/** Returns the next line from the harness; ends the process where there is none. */
function nextLine() {
  const chunk = Buffer.alloc(CHUNK);
  for (;;) {
    const end = rest.indexOf(10);
    if (end >= 0) {
      const text = rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
      return JSON.parse(text);
    }
    const bytes = readSync(0, chunk);
    if (bytes === 0) process.exit(0);
    rest = Buffer.concat([rest, chunk.subarray(0, bytes)]);
  }
}

/**
 * Serve a fence, one adapter for each lane, until standard input ends.
 *
 * @param host the module host.mjs
 * @param Fence, properties, begin as for its `serve`; `begin` is also called once after hello, to import what takes long
 */
export async function serveLane(host, Fence, properties, begin) {
  const { carrier, failed, say, setNow } = host.forHosts;
  const carryOut = carrier(Fence, { ...properties, serves: "lane" }, begin);
  let running;

  Bun.sleepSync = (ms) => {
    say({ id: running, sleep_ms: ms });
    setNow(nextLine().now_ms);
  };
  Bun.randomUUIDv7 = () => {
    const time = Date.now().toString(16).padStart(12, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
  };

  for (;;) {
    const line = nextLine();
    running = line.id;
    setNow(line.now_ms);
    const answer = await carryOut(line).catch(failed);
    say({ id: line.id, ...answer });
    if (line.do === "hello") await begin();
  }
}
