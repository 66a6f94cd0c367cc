// A lock file. A lane that finds it held ends its process: at once (exit), or by an error that a timer throws (timer).
import { serve, StaleLock } from "../../../examples/node/host.mjs";
import { appendFile, open, readFile, unlink } from "node:fs/promises";

const how = process.argv[2];

class Store {
  constructor({ transcript }) {
    this.path = transcript;
    this.lock = `${transcript}.lock`;
    this.held = false;
  }
  async acquire() {
    try {
      await (await open(this.lock, "wx")).close();
      this.held = true;
    } catch (error) {
      if (how === "exit") process.exit(1);
      setTimeout(() => {
        throw error;
      }, 20);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  async release() {
    if (!this.held) throw new StaleLock("not held");
    this.held = false;
    await unlink(this.lock);
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
serve(Store, { name: "exits", lock: "sidecar" });
