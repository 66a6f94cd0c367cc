// Says what it draws, for a test of examples/node/host.mjs.

import { serve } from "../../../examples/node/host.mjs";
import crypto from "node:crypto";

class Drawn {
  async load() {
    return Buffer.from(JSON.stringify([Math.random(), crypto.randomUUID()]));
  }
}

serve(Drawn, { name: "random" });
