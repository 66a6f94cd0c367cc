// The session manager of oh-my-pi, for serve.mjs. It needs Bun.

import path from "node:path";
import { pathToFileURL } from "node:url";

const MEANINGS = { SessionWriteConflictError: "takeover", SessionLockError: "lock_timeout" };

// A registry of sessions, in the user's home: this is a place where nothing can be made.
process.env.PI_CODING_AGENT_DIR = "/proc/self/none";

export async function store(files) {
  const file = path.join(files, "node_modules", "@oh-my-pi", "pi-coding-agent", "src", "session", "session-manager.ts");
  const { SessionManager } = await import(pathToFileURL(file).href);
  return {
    // Which terminal had a session last is written to the user's home, which a lane cannot write to.
    open: (transcript) => SessionManager.open(transcript, undefined, undefined, { suppressBreadcrumb: true }),
    // An append does not say that it failed: the runtime learns that here.
    stored: (manager) => manager.flush(),
    close: (manager) => manager.close(),
    meaning: (error) => MEANINGS[error.name],
  };
}
