// A fence in Node: a stat fingerprint, taken when the lock is released, with a sticky verdict. Below it is a lock file made with
// O_EXCL. It reports every write of another participant under the lock as a takeover, as OpenClaw 2026.5.17 did (issue #84071).
//
//     python -m harness run scenarios/quickstart.yaml --fence exec:'node examples/node/stat.mjs'

import { LockTimeout, StaleLock, Takeover, serve } from "./host.mjs";
import { open, readFile, rename, stat, unlink } from "node:fs/promises";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class SidecarLock {
  constructor(transcript, options, process) {
    this.path = `${transcript}.lock`;
    this.pollMs = options.lock_poll_ms ?? 50;
    this.timeoutMs = options.lock_timeout_ms ?? 60_000;
    this.process = process;
    this.mine = null;
  }

  async acquire() {
    const deadline = Date.now() + this.timeoutMs;
    for (;;) {
      try {
        const file = await open(this.path, "wx", 0o600);
        this.process.serial = (this.process.serial ?? 0) + 1;
        const mine = JSON.stringify({ pid: process.pid, createdAt: Date.now(), serial: this.process.serial });
        try {
          await file.write(mine);
        } finally {
          await file.close();
        }
        this.mine = mine;
        return;
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      if (Date.now() >= deadline) throw new LockTimeout(`held by somebody else for ${this.timeoutMs} ms`);
      await sleep(this.pollMs);
    }
  }

  async release() {
    if (this.mine === null) throw new StaleLock("released, but not held");
    const mine = this.mine;
    this.mine = null;
    const found = await readFile(this.path, "utf8").catch(() => "");
    if (found !== mine) throw new StaleLock("taken by somebody else");
    await unlink(this.path);
  }

  async releaseIfHeld() {
    if (this.mine !== null) await this.release().catch(() => {});
  }
}

class StatFence {
  constructor({ transcript, process, options }) {
    this.path = transcript;
    this.lock = new SidecarLock(transcript, options, process);
    this.taken = "";
    this.known = null;
  }

  async beginTurn() {
    this.taken = "";
    this.known = null;
    await this.lock.acquire();
  }

  async load() {
    return readFile(this.path).catch((error) => {
      if (error.code === "ENOENT") return Buffer.alloc(0);
      throw error;
    });
  }

  async append(entries) {
    const file = await open(this.path, "a", 0o600);
    try {
      await file.appendFile(Buffer.concat(entries));
    } finally {
      await file.close();
    }
  }

  async releaseForPrompt() {
    this.known = await this.fingerprint();
    await this.lock.release();
  }

  async guardedWrite(entries) {
    if (this.taken) throw new Takeover(`${this.taken} (reported before)`);
    await this.lock.acquire();
    try {
      const now = await this.fingerprint();
      const differs = Object.keys(now).filter((key) => this.known && now[key] !== this.known[key]);
      if (differs.length > 0) {
        this.taken = `stat: ${differs.join(", ")}`;
        throw new Takeover(this.taken);
      }
      await this.append(entries);
      this.known = await this.fingerprint();
    } catch (error) {
      await this.lock.releaseIfHeld();
      throw error;
    }
    await this.lock.release();
  }

  async endTurn() {
    await this.lock.releaseIfHeld();
  }

  async acquire() {
    await this.lock.acquire();
  }

  async release() {
    await this.lock.release();
  }

  async rewrite(lines, how) {
    const path = how === "rename" ? `${this.path}.rewrite.tmp` : this.path;
    const file = await open(path, "w", 0o600);
    try {
      await file.write(Buffer.concat(lines));
    } finally {
      await file.close();
    }
    if (how === "rename") await rename(path, this.path);
  }

  async fingerprint() {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(this.path, { bigint: true });
      return { dev, ino, size, mtimeNs, ctimeNs };
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
      return { dev: 0n, ino: 0n, size: -1n, mtimeNs: 0n, ctimeNs: 0n };
    }
  }
}

serve(StatFence, { name: "stat fingerprint with a sticky flag, in Node", lock: "sidecar" });
