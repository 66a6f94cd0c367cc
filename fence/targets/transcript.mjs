// Reads a transcript for the adapters of this folder, which import it after host.mjs, so that it finds the virtual clock.

import { readFileSync } from "node:fs";

/**
 * @param {string} path path of the transcript
 * @returns {Buffer} its content; empty where there is no file
 */
export function contentOf(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return Buffer.alloc(0);
  }
}
