// Serves lock libraries of npm as the adapter of docs/external-fence.md:
//
//     node serve.mjs HOST FILES NAME DESCRIPTION
//
// HOST is the harness's host.mjs, FILES a folder with node_modules, DESCRIPTION a module that knows the library. It exports
//
// - `KIND`: the kind of the lock, a name of `fence.locks.KINDS`,
// - `library(require, errors)`: returns `begin`, which is called at each schedule's start, and the class `Lock`, made with the
//   transcript's path and the options. It has `acquire` and `release`, and may have `holds`, which throws when the library
//   has said that the lock is gone, and `abandon`, after which it no longer touches the lock. `errors` has the exceptions
//   `LockTimeout` and `StaleLock`, and `lasting`, which makes a message of an error.
//
// There is no fence above the lock: lines are appended plainly while it is held. Options: `lock_timeout_ms`, `lock_stale_ms`, and
// `lock_dies_with`, the name of a lane that dies as soon as it has the lock: it no longer touches it, and does not remove it either.

import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [hostPath, files, name, description] = process.argv.slice(2);
const { LockTimeout, StaleLock, serve } = await import(pathToFileURL(hostPath).href);
// Imported only now, because these modules must find the virtual clock.
const { appendFileSync } = await import("node:fs");
const { contentOf } = await import("../transcript.mjs");
const { KIND, library } = await import(pathToFileURL(description).href);

/** Returns the message of an error without the parts that differ between runs. */
function lasting(error, transcript) {
  return `${error.code ?? error.constructor.name}: ${error.message}`.replaceAll(transcript, "T");
}

const require = createRequire(path.join(files, "serve.js"));
const { begin, Lock } = library(require, { LockTimeout, StaleLock, lasting });

class Plain {
  constructor({ transcript, lane, options }) {
    this.transcript = transcript;
    this.dies = options.lock_dies_with === lane;
    this.lock = new Lock(transcript, options);
    this.held = false;
  }

  async acquire() {
    await this.lock.acquire();
    if (this.dies) this.lock.abandon?.();
    else this.held = true;
  }

  async release() {
    if (this.dies) return; // the dead let nothing go
    if (!this.held) throw new StaleLock("is not held by this handle");
    this.held = false;
    await this.lock.release();
  }

  holds() {
    this.lock.holds?.();
  }

  beginTurn() {
    return this.acquire();
  }

  async load() {
    this.holds();
    return contentOf(this.transcript);
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
    if (this.held) await this.release();
  }
}

serve(Plain, { name, lock: KIND }, begin);
