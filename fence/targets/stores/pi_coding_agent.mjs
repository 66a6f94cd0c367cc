// The session manager of pi-coding-agent, for serve.mjs. All of its file calls are synchronous.

import path from "node:path";
import { pathToFileURL } from "node:url";

/** Modules that keep the last session's id, and those by way of which they are imported. */
export const FRESH = "/(uuid|uuid/.*|pi-ai/dist/index)\\.js$|/node_modules/uuid/";

export async function store(files, query = "") {
  const file = path.join(files, "node_modules", "@earendil-works", "pi-coding-agent", "dist", "core", "session-manager.js");
  const { SessionManager } = await import(pathToFileURL(file).href + query);
  return {
    open: (transcript) => SessionManager.open(transcript),
    stored: () => {},
    close: () => {},
    meaning: () => undefined,
  };
}
