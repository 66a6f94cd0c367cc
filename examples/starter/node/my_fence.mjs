// A fence to start from: every writer that holds the lock notes down what it left, and the runner compares. Put your own
// check in its place; docs/external-fence.md says what each method is asked for. host.mjs speaks with the harness, and
// comes before your own code.

import { LockTimeout, StaleLock, Takeover, serve } from "./host.mjs";
import { appendFile, mkdir, readFile, rename, rmdir, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";

const digest = (content) => createHash("sha256").update(content).digest("hex");
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class MyFence {
  constructor({ transcript, options }) {
    this.path = transcript;
    this.pollMs = options.lock_poll_ms ?? 50;
    this.timeoutMs = options.lock_timeout_ms ?? 60_000;
    this.held = false;
    this.takenOver = false;
  }

  // The lock: a directory, which only one can make.

  async acquire() {
    const deadline = Date.now() + this.timeoutMs;
    for (;;) {
      try {
        await mkdir(`${this.path}.lock`);
        this.held = true;
        return;
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      if (Date.now() >= deadline) throw new LockTimeout(`held by another for ${this.timeoutMs} ms`);
      await sleep(this.pollMs);
    }
  }

  async release() {
    if (!this.held) throw new StaleLock("released, but not held");
    this.held = false;
    await rmdir(`${this.path}.lock`);
  }

  // A runner's turn

  async beginTurn() {
    this.takenOver = false;
    await this.acquire();
  }

  async load() {
    const content = await this.read(this.path);
    await this.note(content);
    return content;
  }

  async append(entries) {
    const before = await this.read(this.path);
    const lines = Buffer.concat(entries);
    await appendFile(this.path, lines);
    await this.noteAfter(before, Buffer.concat([before, lines]));
  }

  async releaseForPrompt() {
    await this.release();
  }

  async guardedWrite(entries) {
    if (this.takenOver) throw new Takeover("reported before");
    await this.acquire();
    try {
      const before = await this.read(this.path);
      if (!(await this.isNoted(before))) {
        this.takenOver = true;
        throw new Takeover("other bytes than those that the last writer noted down");
      }
      const lines = Buffer.concat(entries);
      await appendFile(this.path, lines);
      await this.note(Buffer.concat([before, lines]));
    } finally {
      await this.release();
    }
  }

  async endTurn() {
    if (this.held) await this.release();
  }

  // Another participant may replace the whole transcript, under the lock

  async rewrite(lines, how) {
    const before = await this.read(this.path);
    const content = Buffer.concat(lines);
    const path = how === "rename" ? `${this.path}.rewrite.tmp` : this.path;
    await writeFile(path, content);
    if (how === "rename") await rename(path, this.path);
    await this.noteAfter(before, content);
  }

  // The note

  async noteAfter(before, content) {
    // A change without the lock stays visible until the next load, also when it is undone.
    await this.note((await this.isNoted(before)) ? content : null);
  }

  async note(content) {
    await writeFile(`${this.path}.noted`, content === null ? "changed" : digest(content));
  }

  async isNoted(content) {
    const noted = (await this.read(`${this.path}.noted`)).toString();
    return noted === "" || noted === digest(content);
  }

  async read(path) {
    return readFile(path).catch((error) => {
      if (error.code === "ENOENT") return Buffer.alloc(0);
      throw error;
    });
  }
}

serve(MyFence, { name: "the digest of the transcript, noted beside it by each writer that holds the lock", lock: "mkdir" });
