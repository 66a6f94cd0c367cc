// The check of the runtime in Node as the harness calls it.

import { LockTimeout, Takeover, serve } from "../node/host.mjs";
import { Busy, Conflict, Session } from "./session.mjs";

async function told(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Conflict) throw new Takeover(error.message);
    if (error instanceof Busy) throw new LockTimeout(error.message);
    throw error;
  }
}

class SessionFence {
  constructor({ transcript }) {
    this.session = new Session(transcript);
  }

  beginTurn() {
    return told(this.session.lock());
  }

  load() {
    return this.session.read();
  }

  append(entries) {
    return this.session.append(entries);
  }

  releaseForPrompt() {
    return this.session.ask();
  }

  guardedWrite(entries) {
    return told(this.session.reply(entries));
  }

  async endTurn() {
    if (this.session.held) await this.session.unlock();
  }

  acquire() {
    return told(this.session.lock());
  }

  release() {
    return this.session.unlock();
  }
}

serve(SessionFence, { name: "size and time of the session file, in Node", lock: "sidecar" });
