// Answers load with the results of its timers and clocks: for tests of examples/node/host.mjs.

import { serve } from "../../../examples/node/host.mjs";
import { setTimeout as sleep, setInterval as ticks } from "node:timers/promises";
import { readFile } from "node:fs/promises";

const log = [];
let begun = 0;

class Named extends Event {}

/** What tells time beside the clocks: the uptime, events of three kinds as they are seen 2 s later, and marks. */
async function stamps() {
  const seen = [new Event("one"), new Named("two")];
  const target = new EventTarget();
  target.addEventListener("two", (event) => seen.push(event));
  const uptime = process.uptime();
  await sleep(2_000);
  target.dispatchEvent(seen[1]);
  const aborter = new AbortController();
  aborter.signal.addEventListener("abort", (event) => seen.push(event));
  aborter.abort();
  const times = [...seen.map((event) => event.timeStamp), performance.mark("now").startTime];
  const isEvent = seen.every((event) => event instanceof Event);
  const date = performance.timeOrigin + performance.now() - Date.now();
  return [...times.map((time) => time - uptime * 1e3), process.uptime() - uptime, isEvent, Math.round(date)].map(
    (one) => (typeof one === "number" ? Math.round(one) : one),
  );
}

class Clock {
  constructor({ transcript }) {
    this.path = transcript;
  }
  async beginTurn() {
    begun = Date.now();
    const note = (what) => log.push([what, Date.now() - begun]);
    const never = setTimeout(note, 10, "cleared");
    clearTimeout(never);
    const every = setInterval(note, 20_000, "interval");
    setTimeout(note, 30_000, "thirty");
    setTimeout(note, 30_000, "thirty, set later");
    setTimeout(note, 90_000, "outlived its request");
    const before = [performance.now(), process.hrtime.bigint(), new Date().getTime()];
    await sleep(60_000);
    await readFile(this.path);
    note("sixty");
    clearInterval(every);
    const after = [performance.now(), process.hrtime.bigint(), new Date().getTime()];
    log.push(["clocks", after.map((value, index) => Number(value - before[index]))]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 5);
    await sleep(1_000_000, null, { signal: controller.signal }).catch((error) => note(error.message));
    for await (const _ of ticks(7)) break;
    note("tick");
    log.push(["stamps", await stamps()]);
    const started = Date.now();
    performance.mark("here");
    const aborted = AbortSignal.timeout(1_500);
    await new Promise((resolve) => aborted.addEventListener("abort", resolve));
    const measures = [["a", "here"], ["b", { start: "here" }], ["c", { start: 0, duration: 7 }]].map((one) => performance.measure(...one));
    const ago = performance.now() - performance.measure("d").duration;
    log.push(["aborted", Date.now() - started, aborted.reason.name, ...measures.map((one) => Math.round(one.duration)), ago]);
  }
  async load() {
    return Buffer.from(JSON.stringify(log));
  }
  async append() {}
}

serve(Clock, { name: "clock", lock: "sidecar" });
