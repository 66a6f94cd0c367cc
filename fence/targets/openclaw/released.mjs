// Evaluates the released code anew for each schedule: it keeps locks, owners and trusted file states in module variables and on
// `process` and `globalThis`, and all of that has to be discarded.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import vm from "node:vm";

const SIGNALS = ["exit", "SIGINT", "SIGTERM", "SIGQUIT", "SIGABRT"];
const HOLDERS = [process, globalThis];

/**
 * @param {string} path path of the bundle that bundle.mjs wrote
 * @returns {() => object} makes a new instance of the bundle's exports and discards the previous one
 */
export function released(path) {
  const source = readFileSync(path, "utf8");
  const script = new vm.Script(`(function (exports, require, module) {${source}\n})`, { filename: path });
  const require = createRequire(path);
  const known = HOLDERS.map((holder) => new Set(Reflect.ownKeys(holder)));
  const heard = new Map(SIGNALS.map((name) => [name, process.listeners(name)]));

  function forget() {
    HOLDERS.forEach((holder, index) => {
      for (const key of Reflect.ownKeys(holder)) if (!known[index].has(key)) delete holder[key];
    });
    for (const [name, before] of heard) {
      for (const listener of process.listeners(name)) if (!before.includes(listener)) process.off(name, listener);
    }
  }

  return () => {
    forget();
    const module = { exports: {} };
    script.runInThisContext()(module.exports, require, module);
    return module.exports;
  };
}
