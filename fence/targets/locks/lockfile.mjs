// The lock of lockfile, for serve.mjs: a file made with O_EXCL. Without `lock_stale_ms` a lock that is left behind stays.

export const KIND = "sidecar";

const POLL_MS = 50;
const FOREVER_MS = 3_600_000;

export function library(require, { LockTimeout, lasting }) {
  const lockfile = require("lockfile");

  class Lock {
    constructor(transcript, options) {
      this.transcript = transcript;
      // Before 1.0 `pollPeriod` is unknown, and the library looks every 100 ms.
      this.options = { wait: options.lock_timeout_ms ?? FOREVER_MS, pollPeriod: POLL_MS };
      if (options.lock_stale_ms !== undefined) this.options.stale = options.lock_stale_ms;
    }

    acquire() {
      // A copy, because the library writes into it.
      return this.call((done) => lockfile.lock(`${this.transcript}.lock`, { ...this.options }, done));
    }

    release() {
      return this.call((done) => lockfile.unlock(`${this.transcript}.lock`, done));
    }

    call(begin) {
      return new Promise((resolve, reject) => {
        begin((error) => {
          if (!error) resolve();
          else reject(error.code === "EEXIST" ? new LockTimeout(lasting(error, this.transcript)) : error);
        });
      });
    }
  }

  // It keeps a list in its module for the end of the process alone.
  return { begin() {}, Lock };
}
