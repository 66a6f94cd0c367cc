// Maps the calls of fence/protocol.py to the released code.
//
// A runner's turn is one controller of createEmbeddedAttemptSessionLockController; a co-tenant is one lock of
// acquireSessionWriteLock. The methods of a controller differ between versions: their presence is tested, never derived from
// the version.

import { appendFileSync, renameSync, writeFileSync } from "node:fs";

import { contentOf } from "../transcript.mjs";

/** Options of a scenario and their names in the released code; an absent one keeps the release's default. */
const LIMITS = { lock_timeout_ms: "timeoutMs", lock_stale_ms: "staleMs", lock_max_hold_ms: "maxHoldMs" };

/** Beside the controller the release has a mutex for runners of one process; it waits as long as a hold may last. */
const OWNER_TIMEOUT_MS = 300_000;

/** The callback with which a runtime accepts foreign lines; this one accepts all of them. */
const MERGING = {
  mergePromptReleasedSessionEntries: () => undefined,
  reloadPromptReleasedSessionFile: () => undefined,
};

function typeOf(line) {
  try {
    return JSON.parse(line).type;
  } catch {
    return undefined;
  }
}

/** Returns a message without the parts that differ between runs. */
const lasting = (message) => message.replace(/\bpid=\d+/g, "pid=...");

/**
 * @param {object} host the host module, for its error classes
 * @param {() => object} release returns the current exports of the bundle
 * @param {boolean} merges whether the merge callback is set
 */
export function fenceOf({ Takeover, LockTimeout, StaleLock }, release, merges) {
  /** Translates an error of the released code by its name, because its class is not available here, and by the sticky flag. */
  function translated(error, turned) {
    if (error?.name === "EmbeddedAttemptSessionTakeoverError") return new Takeover("fingerprint");
    if (error?.name === "SessionWriteLockTimeoutError") return new LockTimeout(lasting(error.message));
    // Early versions have no class for a stale lock; the error code is the same in all versions.
    const stale = error?.name === "SessionWriteLockStaleError" || error?.code === "file_lock_stale";
    if (stale) return new StaleLock(lasting(error.message));
    return turned ? new Takeover(`hasSessionTakeover() after ${error?.name}: ${error?.message}`) : error;
  }

  return class ReleasedFence {
    constructor({ transcript, lane, process, options }) {
      this.transcript = transcript;
      /** The state that the handles of one lane share: its controller, during a turn. */
      this.turn = process[lane] ??= { controller: undefined };
      this.limits = {};
      for (const [ours, theirs] of Object.entries(LIMITS)) {
        if (options[ours] !== undefined) this.limits[theirs] = options[ours];
      }
      this.owner = undefined;
      this.lock = undefined;
    }

    get controller() {
      return this.turn.controller;
    }

    beginTurn() {
      return this.told(async () => {
        const released = release();
        const waits = { sessionFile: this.transcript, timeoutMs: this.limits.maxHoldMs ?? OWNER_TIMEOUT_MS };
        this.owner = await released.acquireEmbeddedAttemptSessionFileOwner?.(waits);
        try {
          this.turn.controller = await released.createEmbeddedAttemptSessionLockController({
            acquireSessionWriteLock: released.acquireSessionWriteLock,
            lockOptions: { sessionFile: this.transcript, ...this.limits },
            ...(merges && MERGING),
          });
        } catch (error) {
          this.disown();
          throw error;
        }
      });
    }

    async load() {
      return contentOf(this.transcript);
    }

    async append(entries) {
      this.write(entries);
    }

    releaseForPrompt() {
      return this.told(() => this.controller.releaseForPrompt());
    }

    guardedWrite(entries) {
      return this.told(() => this.controller.withSessionWriteLock(() => this.write(entries)));
    }

    endTurn() {
      const { controller } = this;
      this.turn.controller = undefined;
      return this.told(async () => {
        try {
          // No write is left to be flushed: a takeover that the fence finds now refuses nothing.
          await (await controller?.acquireForCleanup())?.release();
        } finally {
          await controller?.dispose?.();
          this.disown();
        }
      });
    }

    acquire() {
      return this.told(async () => {
        this.lock = await release().acquireSessionWriteLock({ sessionFile: this.transcript, ...this.limits });
      });
    }

    release() {
      const { lock } = this;
      this.lock = undefined;
      return this.told(() => lock?.release());
    }

    async rewrite(lines, how) {
      const path = how === "rename" ? `${this.transcript}.rewrite.tmp` : this.transcript;
      writeFileSync(path, Buffer.concat(lines), { mode: 0o600 });
      if (how === "rename") renameSync(path, this.transcript);
    }

    /**
     * Behaves as the session manager of the release does for every caller: append on the main thread, then report a message to
     * the lane's controller; a compaction is written in its presence, and other lines are not reported.
     */
    write(entries) {
      const { controller } = this;
      const text = Buffer.concat(entries);
      const append = () => appendFileSync(this.transcript, text, { mode: 0o600 });
      const types = new Set(entries.map(typeOf));
      if (types.has("compaction") && controller?.withOwnedSessionFileWrite) {
        controller.withOwnedSessionFileWrite(append, (_, appended) => appended === text.toString());
        return;
      }
      append();
      if (types.has("message")) controller?.refreshAfterOwnedSessionWrite?.();
    }

    disown() {
      this.owner?.release();
      this.owner = undefined;
    }

    async told(call) {
      const { controller } = this;
      const before = controller?.hasSessionTakeover() ?? false;
      try {
        await call();
      } catch (error) {
        throw translated(error, !before && (controller?.hasSessionTakeover() ?? false));
      }
    }
  };
}
