// Stands for the bundle of a released version: names and manners are those of the release, the work is ours.
// Lines of the transcript tell it how to behave.

const fs = require("node:fs");

const STATE = Symbol.for("release.state");
process[STATE] ??= { evaluated: 0, calls: [] };
process[STATE].evaluated += 1;
process.on("SIGTERM", () => {});

class SessionTakeover extends Error {
  name = "EmbeddedAttemptSessionTakeoverError";
}

class LockTimeout extends Error {
  name = "SessionWriteLockTimeoutError";
}

class LockStale extends Error {
  name = "SessionWriteLockStaleError";
}

async function acquireSessionWriteLock({ sessionFile, ...limits }) {
  const text = fs.existsSync(sessionFile) ? fs.readFileSync(sessionFile, "utf8") : "";
  if (text.includes("held")) throw new LockTimeout(`session file locked: pid=${process.pid}`);
  if (text.includes("no class")) {
    throw Object.assign(new Error(`session file lock stale: pid=${process.pid}`), { code: "file_lock_stale" });
  }
  if (text.includes("stale")) throw new LockStale(`session lock is stale: pid=${process.pid}`);
  if (text.includes("limits")) throw new Error(JSON.stringify(limits));
  if (text.includes("native")) throw new Error(`realpathSync.native is a ${typeof fs.realpathSync.native}`);
  fs.writeFileSync(`${sessionFile}.lock`, String(process[STATE].evaluated) + process.listenerCount("SIGTERM"), { flag: "wx" });
  return { release: async () => fs.rmSync(`${sessionFile}.lock`) };
}

async function createEmbeddedAttemptSessionLockController(params) {
  const path = params.lockOptions.sessionFile;
  let held = await params.acquireSessionWriteLock(params.lockOptions);
  let known;
  let taken = false;
  let told = 0;
  return {
    async releaseForPrompt() {
      known = fs.readFileSync(path, "utf8");
      await held.release();
      held = undefined;
    },
    refreshAfterOwnedSessionWrite() {
      told += 1;
      known = fs.readFileSync(path, "utf8");
    },
    withOwnedSessionFileWrite(run, validate) {
      const before = fs.readFileSync(path, "utf8");
      run();
      const after = fs.readFileSync(path, "utf8");
      if (validate(undefined, "other")) throw new Error("anything passes for its own line");
      if (known === before && validate(undefined, after.slice(before.length))) known = after;
    },
    async withSessionWriteLock(run) {
      const now = fs.readFileSync(path, "utf8");
      if (now.includes("merge-fails")) {
        taken = true;
        throw new Error("cannot merge");
      }
      const foreign = now !== known && !(now.includes("foreign") && params.mergePromptReleasedSessionEntries);
      if (taken || foreign) {
        taken = true;
        throw new SessionTakeover("session file changed");
      }
      const before = told;
      await run();
      const expected = fs.readFileSync(path, "utf8").trimEnd().endsWith('"message"}') ? 1 : 0;
      if (told !== before + expected) throw new Error(`was told ${told - before} times of its own write`);
      known = fs.readFileSync(path, "utf8");
    },
    async acquireForCleanup() {
      const lock = held ?? { release: async () => {} };
      held = undefined;
      return lock;
    },
    hasSessionTakeover: () => taken,
  };
}

module.exports = { acquireSessionWriteLock, createEmbeddedAttemptSessionLockController };
