// Does work that ends at once in append, and work of another thread in load: for tests of examples/node/host.mjs.

import { serve } from "../../../examples/node/host.mjs";
import crypto from "node:crypto";
import fs from "node:fs";
import timersPromises from "node:timers/promises";
import { promisify } from "node:util";
import zlib from "node:zlib";

const done = [];

class Jobs {
  constructor({ transcript }) {
    this.path = transcript;
  }
  async beginTurn() {}
  async append() {
    done.push(crypto.randomUUID().length, crypto.randomBytes(4).length);
    done.push(crypto.pbkdf2Sync("a", "b", 1, 8, "sha1").length, crypto.scryptSync("a", "b", 8).length);
    done.push(zlib.gunzipSync(zlib.gzipSync("once")).toString());
    zlib.createDeflate(); // and never written to
    clearImmediate(setImmediate(() => done.push("cleared")));
    const gone = new AbortController();
    const never = timersPromises.setImmediate(null, { signal: gone.signal }).catch((error) => done.push(error.name));
    gone.abort();
    await never;
    fs.statSync(this.path);
  }
  async load() {
    done.push((await promisify(crypto.randomBytes)(4)).length);
    done.push((await crypto.subtle.digest("SHA-256", Buffer.from("x"))).byteLength);
    done.push((await promisify(crypto.scrypt)("a", "b", 8)).length);
    const packed = await promisify(zlib.gzip)("twice".repeat(50_000));
    done.push((await promisify(zlib.gunzip)(packed)).length);
    const stream = zlib.createGzip();
    stream.write("a");
    await promisify(stream.flush.bind(stream))();
    stream.end("b");
    let some = 0;
    for await (const chunk of stream) some += chunk.length;
    done.push(some > 0);
    await new Promise((resolve) => setImmediate(resolve));
    done.push(await timersPromises.setImmediate("immediate"));
    done.push((await fs.promises.stat(this.path)).size);
    return Buffer.from(JSON.stringify(done));
  }
}

serve(Jobs, { name: "jobs", lock: "sidecar" });
