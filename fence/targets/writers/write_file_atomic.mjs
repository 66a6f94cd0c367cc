// write-file-atomic, for serve.mjs. From version 3 on its function returns a promise; before that it takes a callback.

import { promisify } from "node:util";

export function writer(require) {
  const writeFile = require("write-file-atomic");
  return { write: promisify(writeFile), writeSync: writeFile.sync };
}
