// Says what it draws, for a test of examples/node/host.mjs.

import { serve } from "../../../examples/node/host.mjs";
import crypto from "node:crypto";
import { mkdtemp as mkdtempLater, mkdtempSync, rmdirSync, statSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { promisify } from "node:util";

class Drawn {
  async load() {
    const prefix = `${tmpdir()}/harness-test-drawn-`;
    const made = [mkdtempSync(prefix), await mkdtemp(prefix), await promisify(mkdtempLater)(prefix)];
    const names = made.map((path) => [path.slice(prefix.length), statSync(path).mode & 0o777]);
    for (const path of made) rmdirSync(path);
    return Buffer.from(JSON.stringify([Math.random(), crypto.randomUUID(), names]));
  }
}

serve(Drawn, { name: "random" });
