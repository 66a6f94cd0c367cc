// The lock of proper-lockfile, for serve.mjs: a directory that its holder touches.

import path from "node:path";

export const KIND = "mkdir";

const POLL_MS = 50;
const RETRIES_MAX = 100_000;

export function library(require, { LockTimeout, StaleLock, lasting }) {
  const place = path.dirname(require.resolve("proper-lockfile"));
  let lockfile = require("proper-lockfile");

  /** Lets the library forget its locks, as the end of its process would: it no longer touches or removes any. */
  function forget() {
    const held = require("proper-lockfile/lib/lockfile.js").getLocks();
    for (const file of Object.keys(held)) {
      clearTimeout(held[file].updateTimeout);
      delete held[file];
    }
  }

  /** Evaluates the library anew, because it keeps its locks in a module variable. */
  function begin() {
    forget();
    for (const file of Object.keys(require.cache)) if (file.startsWith(place)) delete require.cache[file];
    lockfile = require("proper-lockfile");
  }

  class Lock {
    constructor(transcript, options) {
      this.transcript = transcript;
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
    }

    abandon() {
      forget();
    }

    async release() {
      try {
        await this.unlock();
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
  }

  return { begin, Lock };
}
