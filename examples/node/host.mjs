// Speaks the harness's protocol (docs/external-fence.md) for a fence written in JavaScript or TypeScript, and provides virtual
// time to it. A fence is a class; see stat.mjs for one:
//
//     import { serve, Takeover } from "./host.mjs";
//     serve(MyFence, { name: "my fence", lock: "sidecar", soundUnder: [] });
//
// Import this module before the code under test: from then on Date, performance.now, process.uptime, stamps of events, setTimeout,
// setInterval and timers/promises follow the harness, and Math.random and the random functions of node:crypto and webcrypto are drawn anew for
// each schedule, as are the names of fs.mkdtemp. Timers of other threads, keys and primes that node:crypto generates do not.

import { AsyncLocalStorage, createHook } from "node:async_hooks";
import crypto from "node:crypto";
import fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { performance } from "node:perf_hooks";

export class Takeover extends Error {} // its message: the check that tripped
export class LockTimeout extends Error {}
export class StaleLock extends Error {}
export class Unsupported extends Error {}

/** Maps the name of a request to the fence's method and the source of its argument. */
const METHODS = {
  begin_turn: ["beginTurn"],
  load: ["load"],
  append: ["append", "entries"],
  release_for_prompt: ["releaseForPrompt"],
  guarded_write: ["guardedWrite", "entries"],
  recover: ["recover"],
  end_turn: ["endTurn"],
  acquire: ["acquire"],
  release: ["release"],
  rewrite: ["rewrite", "lines"],
};
const OPTIONAL = ["recover", "rewrite"];

// Time

const RealDate = Date;
const realSetImmediate = setImmediate;
const realHrtime = process.hrtime;
let nowMs = RealDate.now(); // virtual, with a fraction: for timers; stands still between two lines
let startMs = nowMs;
let aheadMs = 0; // how far Date is ahead of it, as on a host with a wrong clock
const realNow = RealDate.now;
const SAME_DATE_MS = 60_000; // no scenario's date is so near to the machine's
let dateIsVirtual = false; // whether the harness answers reads of the date, which then moves within a request, too

function installClock() {
  const now = () => (dateIsVirtual ? realNow() : Math.floor(nowMs + aheadMs));
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, as) => Reflect.construct(target, args.length ? args : [now()], as),
    apply: () => new RealDate(now()).toString(),
  });
  RealDate.now = now;
  const steady = () => nowMs - startMs;
  performance.now = steady;
  Object.defineProperty(performance, "timeOrigin", { get: () => startMs + aheadMs, configurable: true });
  const realMark = performance.mark;
  performance.mark = (name, options) => realMark.call(performance, name, { startTime: steady(), ...options });
  const realMeasure = performance.measure;
  performance.measure = (name, options, end) => {
    const given = options !== null && typeof options === "object" ? { ...options } : { start: options, end };
    if (given.start === undefined || given.duration === undefined) given.end ??= steady();
    return realMeasure.call(performance, name, given);
  };
  process.uptime = () => steady() / 1e3;
  installEventStamps(steady);
  const nanoseconds = () => BigInt(Math.round((nowMs - startMs) * 1e3)) * 1000n;
  const hrtime = (since) => {
    const all = nanoseconds();
    const [s, ns] = [Number(all / 1000000000n), Number(all % 1000000000n)];
    if (!since) return [s, ns];
    const [ds, dns] = [s - since[0], ns - since[1]];
    return dns < 0 ? [ds - 1, dns + 1e9] : [ds, dns];
  };
  hrtime.bigint = nanoseconds;
  process.hrtime = hrtime;
}

function installEventStamps(steady) {
  const stamps = new WeakMap();
  const stamped = (event) => {
    // Events that Node makes itself are first seen by a listener.
    if (!stamps.has(event)) stamps.set(event, steady());
    return event;
  };
  Object.defineProperty(Event.prototype, "timeStamp", {
    get() {
      return stamps.get(stamped(this));
    },
    enumerable: true,
    configurable: true,
  });
  globalThis.Event = new Proxy(Event, { construct: (target, args, as) => stamped(Reflect.construct(target, args, as)) });
}

let nextTimer = 1;

/** The object that setTimeout returns. It belongs to the request that set the timer. */
class Timer {
  constructor(callback, delayMs, args, everyMs) {
    this.delayMs = everyMs ?? delayMs;
    this.dueMs = nowMs + delayMs;
    this.serial = nextTimer++;
    this.everyMs = everyMs;
    this.owner = context.getStore() ?? background;
    this.run = AsyncLocalStorage.bind(() => callback(...args));
    this.list().add(this);
  }
  list() {
    return this.owner.ended ? background.timers : this.owner.timers;
  }
  fire() {
    this.list().delete(this);
    if (this.everyMs !== undefined) {
      this.dueMs = nowMs + this.everyMs;
      this.list().add(this);
    }
    this.run();
  }
  refresh() {
    this.dueMs = nowMs + this.delayMs;
    this.list().add(this);
    return this;
  }
  close() {
    clear(this);
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  hasRef() {
    return true;
  }
  [Symbol.toPrimitive]() {
    return this.serial;
  }
}

function clear(timer) {
  if (timer instanceof Timer) {
    timer.owner.timers.delete(timer);
    background.timers.delete(timer);
  }
}

const positive = (ms) => (Number(ms) >= 1 ? Number(ms) : 1);

function installTimers() {
  const set = (callback, ms, ...args) => new Timer(callback, positive(ms), args);
  const every = (callback, ms, ...args) => new Timer(callback, positive(ms), args, positive(ms));
  const sleep = (ms, value, options) =>
    new Promise((resolve, reject) => {
      const signal = options?.signal;
      if (signal?.aborted) return reject(signal.reason);
      const timer = set(() => resolve(value), ms);
      signal?.addEventListener("abort", () => {
        clear(timer);
        reject(signal.reason);
      });
    });
  async function* ticks(ms, value) {
    for (;;) yield await sleep(ms, value);
  }
  for (const place of [globalThis, timers]) {
    Object.assign(place, { setTimeout: set, setInterval: every, clearTimeout: clear, clearInterval: clear });
  }
  Object.assign(timersPromises, { setTimeout: sleep, setInterval: ticks });
  AbortSignal.timeout = (ms) => {
    const aborter = new AbortController();
    set(() => aborter.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")), ms);
    return aborter.signal;
  };
  timersPromises.scheduler.wait = (ms, options) => sleep(ms, undefined, options);
  syncBuiltinESMExports();
}

// Random numbers: the same in each run of a schedule (the generator sfc32 of PractRand)

const words = new Uint32Array(4);
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

function word() {
  const sum = (words[0] + words[1] + words[3]++) >>> 0;
  words[0] = words[1] ^ (words[1] >>> 9);
  words[1] = words[2] + (words[2] << 3);
  words[2] = ((words[2] << 21) | (words[2] >>> 11)) + sum;
  return sum;
}

/** The lanes tell two processes of one schedule apart, which draw different numbers. */
function seedRandom(number, lanes = []) {
  let text = 0x811c9dc5; // FNV-1a
  for (const byte of Buffer.from(lanes.join("\n"))) text = Math.imul(text ^ byte, 0x01000193);
  words.set([text, Math.floor(number / 2 ** 32), number, 1]);
  for (let round = 0; round < 12; round++) word();
}

function fill(view) {
  const bytes = ArrayBuffer.isView(view) ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(view);
  for (let at = 0; at < bytes.length; at++) bytes[at] = word();
  return view;
}

function randomUUID() {
  const bytes = fill(Buffer.alloc(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function installRandom() {
  const random = () => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53;
  // The real functions check their arguments, and their results are written over.
  const { randomBytes, randomFillSync, randomInt } = crypto;
  const { webcrypto } = crypto;
  const getRandomValues = webcrypto.getRandomValues.bind(webcrypto);
  const answer = (callback, make) => {
    if (typeof callback !== "function") return make();
    const made = make();
    setImmediate(() => callback(null, made));
  };
  const part = (view, offset = 0, size) => {
    const of = ArrayBuffer.isView(view) ? view : new Uint8Array(view);
    const unit = of.BYTES_PER_ELEMENT ?? 1;
    const length = size === undefined ? of.byteLength - offset * unit : size * unit;
    return new Uint8Array(of.buffer, of.byteOffset + offset * unit, length);
  };
  // Some of them cannot be assigned to under Bun.
  const replace = (place, functions) => {
    for (const [name, value] of Object.entries(functions)) {
      Object.defineProperty(place, name, { value, configurable: true, enumerable: true, writable: true });
    }
  };
  const { mkdtemp, mkdtempSync } = fs;
  const promised = fs.promises.mkdtemp;
  const named = (prefix) => prefix + Array.from({ length: 6 }, () => LETTERS[word() % LETTERS.length]).join("");
  /** The C library takes the name from the machine's clock. A prefix that is no text is left to it. */
  const made = (mkdir, prefix, options) => {
    const path = named(prefix);
    const encoding = options?.encoding ?? options;
    return mkdir(path, () => (encoding === "buffer" ? Buffer.from(path) : path));
  };
  replace(fs, {
    mkdtempSync: (prefix, options) => {
      if (typeof prefix !== "string") return mkdtempSync(prefix, options);
      return made((path, answered) => (fs.mkdirSync(path, 0o700), answered()), prefix, options);
    },
    mkdtemp: (prefix, ...rest) => {
      const callback = rest.at(-1);
      if (typeof prefix !== "string" || typeof callback !== "function") return mkdtemp(prefix, ...rest);
      made((path, answered) => fs.mkdir(path, 0o700, (error) => (error ? callback(error) : callback(null, answered()))), prefix, rest[0]);
    },
  });
  fs.promises.mkdtemp = async (prefix, options) => {
    if (typeof prefix !== "string") return promised(prefix, options);
    return made((path, answered) => fs.promises.mkdir(path, 0o700).then(answered), prefix, options);
  };
  Math.random = random;
  replace(crypto, {
    randomUUID: () => randomUUID(),
    randomBytes: (size, callback) => answer(callback, () => fill(randomBytes(size))),
    randomFillSync: (view, offset, size) => {
      randomFillSync(view, offset, size);
      fill(part(view, offset, size));
      return view;
    },
    randomFill: (view, ...rest) => {
      const callback = rest.pop();
      answer(callback, () => crypto.randomFillSync(view, ...rest));
    },
    randomInt: (...args) => {
      const callback = typeof args.at(-1) === "function" ? args.pop() : undefined;
      randomInt(...args);
      const [min, max] = args.length > 1 ? args : [0, args[0]];
      return answer(callback, () => min + Math.floor(random() * (max - min)));
    },
    pseudoRandomBytes: (size, callback) => crypto.randomBytes(size, callback),
  });
  replace(webcrypto, { randomUUID: () => randomUUID(), getRandomValues: (view) => fill(getRandomValues(view)) });
  seedRandom(0);
  syncBuiltinESMExports();
}

// Pending work

const context = new AsyncLocalStorage();
const background = { timers: new Set(), ended: true };
const pending = new Map(); // file calls, immediates and their like that are not over: what they belong to by async id
const PENDING = /^(?!HTTP).*REQ|^Immediate$/;
const open = new Map(); // requests by id
let running = null;
let ours = false;

// Without `destroy`: with that hook Node keeps a record of every promise, which doubles the cost of a file call.
createHook({
  init(id, type, _, resource) {
    if (type === "PROMISE" || ours) return;
    if (type === "ZLIB") return followWrites(id, resource);
    if (!PENDING.test(type)) return;
    pending.set(id, resource);
    const store = context.getStore();
    if (running && store && store !== running && !store.ended && type !== "Immediate") {
      say({ id: running.id, doubt: `a file call of request ${store.id} while ${running.id} runs` });
    }
  },
  before(id) {
    if (pending.delete(id)) lookLater();
  },
}).enable();

/** A compressor outlives single calls: each of its writes is pending work. */
function followWrites(id, compressor) {
  const { write } = compressor;
  compressor.write = function (...args) {
    if (!ours) pending.set(id, compressor);
    return write.apply(this, args);
  };
}

/** Tells whether work is pending. Some work never reports its end and is not counted: jobs of node:crypto, cleared immediates. */
function isBusy() {
  for (const [id, resource] of pending) {
    const isOver = "_destroyed" in resource ? resource._destroyed : resource.constructor.name.endsWith("Job") && !resource.ondone;
    if (isOver) pending.delete(id);
  }
  return pending.size > 0;
}

// File calls of one request while another runs: calls that return a promise or take a callback are held until their request's
// turn; a Sync function cannot be held, and then its call can no longer be attributed to a request.

const isOfAnother = (own) => own !== undefined && running !== null && own !== running && !own.ended;

function holding(call) {
  return function (...args) {
    const own = context.getStore();
    if (!isOfAnother(own)) return call.apply(this, args);
    return new Promise((resolve) => own.held.push(resolve)).then(() => call.apply(this, args));
  };
}

function doubting(call, name) {
  return function (...args) {
    const own = context.getStore();
    if (isOfAnother(own)) say({ id: running.id, doubt: `fs.${name} of request ${own.id} while ${running.id} runs` });
    return call.apply(this, args);
  };
}

async function installFiles() {
  const file = await fs.promises.open("/dev/null");
  const handle = Object.getPrototypeOf(file);
  await file.close();
  for (const [place, names] of [
    [fs.promises, Object.keys(fs.promises)],
    [handle, Object.getOwnPropertyNames(handle).filter((name) => name !== "constructor" && name !== "fd")],
  ]) {
    for (const name of names) {
      const { value } = Object.getOwnPropertyDescriptor(place, name) ?? {};
      if (typeof value === "function") place[name] = holding(value);
    }
  }
  for (const name of Object.keys(fs)) {
    if (!name.endsWith("Sync") || typeof fs[name] !== "function" || name === "writeSync") continue;
    const late = name.slice(0, -4);
    fs[name] = Object.assign(doubting(fs[name], name), fs[name]); // realpathSync.native is one of its properties
    if (typeof fs[late] === "function") fs[late] = Object.assign(holding(fs[late]), fs[late]);
  }
  syncBuiltinESMExports();
}

let looking = false;

function lookLater() {
  if (looking) return;
  looking = true;
  ours = true;
  realSetImmediate(look);
  ours = false;
}

/** Called when the queues of promises are empty: find out what the running request waits for. */
function look() {
  looking = false;
  if (running === null || isBusy()) return;
  if (running.answer) return finish();
  const { begin } = running;
  if (begin && !isDue(background.timers)) {
    running.begin = null;
    lookLater();
    return begin();
  }
  if (running.held.length > 0) {
    lookLater();
    for (const go of running.held.splice(0)) go();
    return;
  }
  const next = soonest(running.timers);
  const other = soonest(background.timers);
  const due = [next, other].filter((timer) => timer && timer.dueMs <= nowMs);
  if (due.length > 0) {
    lookLater();
    soonest(due).fire();
    return;
  }
  const { id } = running;
  running = null;
  say(next ? { id, sleep_ms: next.dueMs - nowMs } : { id, waits: true });
}

function isDue(some) {
  const timer = soonest(some);
  return timer !== undefined && timer.dueMs <= nowMs;
}

function soonest(some) {
  let best;
  for (const timer of some) {
    const earlier = !best || timer.dueMs < best.dueMs || (timer.dueMs === best.dueMs && timer.serial < best.serial);
    if (earlier) best = timer;
  }
  return best;
}

function finish() {
  const { id, answer, timers: left } = running;
  open.delete(id);
  running.ended = true;
  for (const timer of left) background.timers.add(timer);
  running = null;
  say({ id, ...answer });
}

// Lines

function say(line) {
  const bytes = Buffer.from(JSON.stringify(line) + "\n");
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(1, bytes, at);
}

function bytesOf(line, key) {
  return line[key] ? line[key].map((text) => Buffer.from(text)) : (line[`${key}_base64`] ?? []).map((text) => Buffer.from(text, "base64"));
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function loaded(bytes) {
  try {
    return { answer: "ok", text: utf8.decode(bytes) };
  } catch {
    return { answer: "ok", base64: Buffer.from(bytes).toString("base64") };
  }
}

function failed(error) {
  if (error instanceof Takeover) return { answer: "takeover", check: error.message };
  if (error instanceof LockTimeout) return { answer: "lock_timeout", message: error.message };
  if (error instanceof StaleLock) return { answer: "stale_lock", message: error.message };
  if (error instanceof Unsupported) return { answer: "unsupported" };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const isOfAFileCall = typeof error?.code === "string" && typeof error?.syscall === "string";
  return isOfAFileCall ? { answer: "error", code: error.code, message } : { answer: "error", message };
}

/** Tells the host of work that it cannot see, such as an import through a loader of its own; returns its promise. */
export function following(work) {
  const token = {};
  pending.set(token, token);
  return work.finally(() => {
    pending.delete(token);
    lookLater();
  });
}

/** For hosts of other runtimes, which read lines in another way than `serve`. */
export const forHosts = {
  carrier,
  failed,
  say,
  setNow: (ms) => {
    nowMs = ms ?? nowMs;
  },
};

/** Returns a function that forgets the CommonJS modules that were loaded since this one was called. */
function forgetsModules() {
  const { cache } = createRequire(import.meta.url);
  const kept = new Set(Object.keys(cache));
  return () => {
    for (const path of Object.keys(cache)) if (!kept.has(path)) delete cache[path];
  };
}

/** Returns the function that answers a request by a fence of this class; its arguments are those of `serve`. */
function carrier(Fence, properties, begin) {
  const forgetModules = properties.keepModules ? () => {} : forgetsModules();
  const operations = OPTIONAL.filter((name) => METHODS[name][0] in Fence.prototype);
  let schedule = null;
  let handles = new Map();

  return async function carryOut(line) {
    if (line.do === "hello") {
      const { name, lock = "sidecar", serves, soundUnder = [], invariant = [] } = properties;
      const declared = { name, lock, serves, operations, sound_under: soundUnder, invariant, time: "virtual" };
      return { answer: "ok", protocol: 1, ...declared };
    }
    if (line.do === "begin_schedule") {
      startMs = nowMs;
      dateIsVirtual = Math.abs(realNow() - nowMs - aheadMs) < SAME_DATE_MS;
      seedRandom(nowMs, line.lanes);
      background.timers.clear();
      open.clear();
      handles = new Map();
      forgetModules();
      schedule = { transcript: line.transcript, options: line.options, process: {} };
      await begin(schedule);
      return { answer: "ok" };
    }
    const method = METHODS[line.do];
    if (!method || (OPTIONAL.includes(line.do) && !operations.includes(line.do))) return { answer: "unsupported" };
    const key = `${line.lane}\n${line.handle}`;
    if (!handles.has(key)) handles.set(key, new Fence({ ...schedule, lane: line.lane, handle: line.handle }));
    const args = method[1] ? [bytesOf(line, method[1])] : [];
    if (line.do === "rewrite") args.push(line.how);
    const result = await handles.get(key)[method[0]](...args);
    return line.do === "load" ? loaded(result) : { answer: "ok" };
  };
}

/**
 * Serve a fence until standard input ends.
 *
 * @param Fence a class: made with { transcript, lane, handle, process, options } for each lane and handle of a schedule;
 *   `process` is an object that all lanes of this process share, empty at a schedule's start. It has the methods of METHODS,
 *   which may be async: entries and lines come as Buffers, load returns one; `recover` and `rewrite` are optional.
 * @param properties name and properties { name, lock, soundUnder, invariant }, see docs/external-fence.md; with keepModules
 *   what the fence loads by `require` from now on keeps its state over schedules
 * @param begin called at the start of each schedule with { transcript, options }; may be async. Modules that it loads by `require` are
 *   loaded anew for each schedule
 */
export function serve(Fence, properties, begin = async () => {}) {
  const carryOut = carrier(Fence, { ...properties, serves: "process" }, begin);

  function start(line) {
    const request = { id: line.id, timers: new Set(), held: [], begin: null, answer: null, ended: false };
    open.set(line.id, request);
    running = request;
    const settle = (answer) => {
      request.answer = answer;
      if (running === request && !isBusy()) finish();
    };
    const begin = () => context.run(request, () => carryOut(line).then(settle, (error) => settle(failed(error))));
    // Timers that came due while no request ran go first.
    if (isDue(background.timers)) request.begin = begin;
    else begin();
    lookLater();
  }

  function hear(text) {
    const line = JSON.parse(text);
    if (typeof line !== "object" || line === null || typeof line.id !== "number") throw new Error("no request");
    nowMs = line.now_ms ?? nowMs;
    aheadMs = line.date_ahead_ms ?? 0;
    if (line.do === "slept" || line.do === "go_on") {
      running = open.get(line.id);
      lookLater();
    } else {
      start(line);
    }
  }

  let rest = Buffer.alloc(0);
  process.stdin.on("data", (chunk) => {
    rest = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    for (let end; (end = rest.indexOf(10)) >= 0; ) {
      const text = rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
      try {
        hear(text);
      } catch (error) {
        console.error(`${error.message}, in the line ${text.slice(0, 200)}`);
        process.exit(1);
      }
    }
  });
  process.stdin.on("end", () => process.exit(0));
}

// Standard output belongs to the protocol.
Object.defineProperty(process, "stdout", { get: () => process.stderr });
globalThis.console = new console.Console(process.stderr);
process.hrtime = realHrtime;
await installFiles();
installClock();
installTimers();
installRandom();
