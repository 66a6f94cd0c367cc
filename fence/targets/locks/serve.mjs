// Serves proper-lockfile as the adapter of docs/external-fence.md:
//
//     node serve.mjs HOST FILES NAME
//
// HOST is the harness's host.mjs, FILES a folder with node_modules. There is no fence above the lock: lines are appended plainly
// while the lock is held. Options: `lock_timeout_ms`, `lock_stale_ms`, and `lock_dies_with`, the name of a lane that dies as
// soon as it has the lock: it no longer touches the lock, and does not remove it either.

import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [hostPath, files, name] = process.argv.slice(2);
const { LockTimeout, StaleLock, serve } = await import(pathToFileURL(hostPath).href);
// Imported only now, because these modules must find the virtual clock.
const { appendFileSync, readFileSync } = await import("node:fs");
const require = createRequire(path.join(files, "serve.js"));
const library = path.dirname(require.resolve("proper-lockfile"));

const POLL_MS = 50;
const RETRIES_MAX = 100_000;

/** Evaluates the library anew for each schedule, because it keeps its locks in a module variable. */
let lockfile = fresh();

function fresh() {
  for (const file of Object.keys(require.cache)) if (file.startsWith(library)) delete require.cache[file];
  return require("proper-lockfile");
}

/** Lets the library forget its locks, as the end of its process would: it no longer touches or removes any. */
function forget() {
  const held = require("proper-lockfile/lib/lockfile.js").getLocks();
  for (const file of Object.keys(held)) {
    clearTimeout(held[file].updateTimeout);
    delete held[file];
  }
}

const lasting = (error, transcript) => `${error.code}: ${error.message}`.replaceAll(transcript, "T");

class Plain {
  constructor({ transcript, lane, options }) {
    this.transcript = transcript;
    this.dies = options.lock_dies_with === lane;
    this.compromised = null;
    const retries = Math.min(Math.ceil((options.lock_timeout_ms ?? 3_600_000) / POLL_MS), RETRIES_MAX);
    this.options = {
      realpath: false,
      retries: { retries, factor: 1, minTimeout: POLL_MS, maxTimeout: POLL_MS },
      onCompromised: (error) => {
        this.compromised = error;
      },
    };
    if (options.lock_stale_ms !== undefined) this.options.stale = options.lock_stale_ms;
    this.unlock = null;
  }

  async acquire() {
    this.compromised = null;
    try {
      this.unlock = await lockfile.lock(this.transcript, this.options);
    } catch (error) {
      if (error.code === "ELOCKED") throw new LockTimeout(lasting(error, this.transcript));
      throw error;
    }
    if (this.dies) {
      this.unlock = null;
      forget();
    }
  }

  async release() {
    if (this.dies) return; // the dead let nothing go
    const { unlock } = this;
    this.unlock = null;
    if (unlock === null) throw new StaleLock("is not held by this handle");
    try {
      await unlock();
    } catch (error) {
      if (error.code === "ERELEASED" || error.code === "ENOTACQUIRED") {
        throw new StaleLock(lasting(this.compromised ?? error, this.transcript));
      }
      throw error;
    }
  }

  /** Throws if the library reported that its lock is gone. */
  holds() {
    if (this.compromised) throw new StaleLock(lasting(this.compromised, this.transcript));
  }

  beginTurn() {
    return this.acquire();
  }

  async load() {
    this.holds();
    try {
      return readFileSync(this.transcript);
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
      return Buffer.alloc(0);
    }
  }

  async append(entries) {
    this.holds();
    appendFileSync(this.transcript, Buffer.concat(entries), { mode: 0o600 });
  }

  releaseForPrompt() {
    return this.release();
  }

  async guardedWrite(entries) {
    await this.acquire();
    try {
      await this.append(entries);
    } finally {
      await this.release();
    }
  }

  async endTurn() {
    if (this.unlock !== null) await this.release();
  }
}

serve(Plain, { name, lock: "mkdir" }, () => {
  forget();
  lockfile = fresh();
});
