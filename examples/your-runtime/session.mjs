// The same runtime in Node: a session file, a lock file beside it, and the check of the reply.

import { appendFile, open, readFile, stat, unlink } from "node:fs/promises";

export class Busy extends Error {}
export class Conflict extends Error {}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Session {
  constructor(path) {
    this.path = path;
    this.held = false;
    this.seen = "";
  }

  async lock(timeoutMs = 60_000) {
    const deadline = Date.now() + timeoutMs;
    while (!this.held) {
      try {
        await (await open(`${this.path}.lock`, "wx")).close();
        this.held = true;
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
        if (Date.now() >= deadline) throw new Busy(`${this.path} is in use`);
        await sleep(50);
      }
    }
  }

  async unlock() {
    await unlink(`${this.path}.lock`);
    this.held = false;
  }

  async read() {
    try {
      return await readFile(this.path);
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
      return Buffer.alloc(0);
    }
  }

  append(lines) {
    return appendFile(this.path, Buffer.concat(lines));
  }

  async state() {
    const { size, mtimeNs } = await stat(this.path, { bigint: true });
    return `${size} ${mtimeNs}`;
  }

  async ask() {
    this.seen = await this.state();
    await this.unlock();
  }

  async reply(lines) {
    await this.lock();
    try {
      if ((await this.state()) !== this.seen) throw new Conflict("size or time differ");
      await this.append(lines);
      this.seen = await this.state();
    } finally {
      await this.unlock();
    }
  }
}
