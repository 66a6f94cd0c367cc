// A fence without a check, whose lock is a queue in memory: the second request waits for a promise that the first one resolves.
// The owner of the queue makes and unlinks the lock file. With the argument "never", release never resolves the promise.

import { serve } from "../../../examples/node/host.mjs";
import fs from "node:fs";
import { appendFile, open, readFile, unlink } from "node:fs/promises";

const how = process.argv[2];

class Queue {
  constructor({ transcript, process }) {
    this.path = transcript;
    this.shared = process;
    this.shared.queue ??= [];
  }
  async acquire() {
    if (this.shared.busy) await new Promise((resolve) => this.shared.queue.push(resolve));
    this.shared.busy = true;
    if (how === "sync") fs.statSync(this.path);
    await (await open(`${this.path}.lock`, "wx")).close();
    this.held = true;
  }
  async release() {
    await unlink(`${this.path}.lock`);
    this.held = false;
    this.shared.busy = false;
    if (how !== "never") this.shared.queue.shift()?.();
  }
  async beginTurn() {
    await this.acquire();
  }
  async load() {
    return readFile(this.path);
  }
  async append(entries) {
    await appendFile(this.path, Buffer.concat(entries));
  }
  async releaseForPrompt() {
    await this.release();
  }
  async guardedWrite(entries) {
    await this.acquire();
    await this.append(entries);
    await this.release();
  }
  async endTurn() {
    if (this.held) await this.release();
  }
}

serve(Queue, { name: "a queue in memory", lock: "sidecar" });
