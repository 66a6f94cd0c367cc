// Says how often it has asked a module that it loads for each schedule; with the word `keep` the module is kept.

import { createRequire } from "node:module";

import { serve } from "../../../examples/node/host.mjs";

const require = createRequire(import.meta.url);
let store;

class Counting {
  load() {
    return Buffer.from(String(store.next()));
  }
}

serve(Counting, { name: "counting", keepModules: process.argv[2] === "keep" }, () => {
  store = require("./counted.cjs");
});
