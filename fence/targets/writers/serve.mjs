// Serves packages of npm that write a file as a whole, as the adapter of docs/external-fence.md:
//
//     node serve.mjs HOST FILES NAME DESCRIPTION [sync | unlocked]
//
// HOST is the harness's host.mjs, FILES a folder with node_modules, DESCRIPTION a module that knows the package. It exports
// `writer(require)`, which returns `write(path, data)`, a promise, and `writeSync(path, data)`.
//
// A lane that changes the transcript takes a lock file, reads the transcript, and hands the package the whole new content. With
// `unlocked` there is no lock. There is no fence: nothing is refused. Option: `lock_timeout_ms`.

import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [hostPath, files, name, description, mode] = process.argv.slice(2);
const { LockTimeout, StaleLock, serve } = await import(pathToFileURL(hostPath).href);
// Imported only now, because these modules must find the virtual clock.
const { closeSync, openSync, unlinkSync } = await import("node:fs");
const { setTimeout: sleep } = await import("node:timers/promises");
const { contentOf } = await import("../transcript.mjs");
const { writer } = await import(pathToFileURL(description).href);

const POLL_MS = 20;
const FOREVER_MS = 3_600_000;

const require = createRequire(path.join(files, "serve.js"));
let current;

/** Loads the package anew: it keeps a counter and its queues in its module. */
function begin() {
  current = writer(require);
}

class LockFile {
  constructor(transcript, { lock_timeout_ms: timeoutMs = FOREVER_MS }) {
    this.path = `${transcript}.lock`;
    this.timeoutMs = timeoutMs;
  }

  async acquire() {
    const untilMs = Date.now() + this.timeoutMs;
    for (;;) {
      try {
        closeSync(openSync(this.path, "wx", 0o600));
        return;
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      if (Date.now() >= untilMs) throw new LockTimeout("the lock file is there");
      await sleep(POLL_MS);
    }
  }

  release() {
    unlinkSync(this.path);
  }
}

class NoLock {
  async acquire() {}

  release() {}
}

class Whole {
  constructor({ transcript, options }) {
    this.transcript = transcript;
    this.lock = mode === "unlocked" ? new NoLock() : new LockFile(transcript, options);
    this.held = false;
  }

  async acquire() {
    await this.lock.acquire();
    this.held = true;
  }

  release() {
    if (!this.held) throw new StaleLock("is not held by this handle");
    this.held = false;
    this.lock.release();
  }

  beginTurn() {
    return this.acquire();
  }

  load() {
    return contentOf(this.transcript);
  }

  async append(entries) {
    await this.rewrite([this.load(), ...entries]);
  }

  async rewrite(lines) {
    const content = Buffer.concat(lines);
    if (mode === "sync") current.writeSync(this.transcript, content);
    else await current.write(this.transcript, content);
  }

  releaseForPrompt() {
    return this.release();
  }

  async guardedWrite(entries) {
    await this.acquire();
    try {
      await this.append(entries);
    } finally {
      this.release();
    }
  }

  endTurn() {
    if (this.held) this.release();
  }
}

serve(Whole, { name, lock: mode === "unlocked" ? "none" : "sidecar" }, begin);
