// The lock of cross-process-lock, for serve.mjs: a file with a process id and a time, made if it is not there.

export const KIND = "sidecar";

const FOREVER_MS = 3_600_000;

export function library(require, { LockTimeout, lasting }) {
  const { lock, LockError } = require("cross-process-lock");

  class Lock {
    constructor(transcript, options) {
      this.transcript = transcript;
      this.options = { waitTimeout: options.lock_timeout_ms ?? FOREVER_MS };
      if (options.lock_stale_ms !== undefined) this.options.lockTimeout = options.lock_stale_ms;
      this.unlock = null;
    }

    async acquire() {
      try {
        this.unlock = await lock(this.transcript, this.options);
      } catch (error) {
        if (error instanceof LockError) throw new LockTimeout(lasting(error, this.transcript));
        throw error;
      }
    }

    release() {
      return this.unlock();
    }
  }

  return { begin() {}, Lock };
}
