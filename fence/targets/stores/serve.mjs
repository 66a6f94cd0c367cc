// Serves session stores of npm as the adapter of docs/external-fence.md:
//
//     node serve.mjs HOST FILES NAME DESCRIPTION [reopened]
//
// HOST is the harness's host.mjs, FILES a folder with node_modules, DESCRIPTION a module that knows the store. It exports
// `store(files, query)`, whose imports have the query, and `FRESH`, a pattern of URLs of modules that keep something and are
// evaluated anew for each schedule. `store` returns
//
// - `open(transcript)`: the store's own session manager on that file,
// - `stored(manager)`: called after each append; throws where the store says that it did not store it,
// - `close(manager)`: gives it up, as the end of the runtime's process does,
// - `meaning(error)`: `takeover`, `lock_timeout`, or undefined for an error that is neither.
//
// There is no fence and no lock for a turn: a lane has a session manager, from its first call to the end of the schedule, as
// a terminal has one; with `reopened` from a begin of a turn, or an acquire, to its end, as a command that is started for each
// prompt. The store makes the lines, with ids, parents and times of its own. The harness's id stands in the message.

import { pathToFileURL } from "node:url";

const [hostPath, files, name, description, mode] = process.argv.slice(2);
const host = await import(pathToFileURL(hostPath).href);
// Imported only now, because these modules must find the virtual clock.
const { register } = await import("node:module");
const { contentOf } = await import("../transcript.mjs");
const { FRESH, store } = await import(pathToFileURL(description).href);

let schedules = 0;
let current = globalThis.Bun ? undefined : await store(files);
if (FRESH) register(new URL("fresh_modules.mjs", import.meta.url).href, { data: FRESH });

/** Imports the store, or the part of it that is evaluated anew. Under Bun that is after hello, for it takes seconds. */
async function begin() {
  if (FRESH || !current) current = await host.following(store(files, FRESH ? `?schedule=${++schedules}` : ""));
}

const reopens = mode === "reopened";
const NO_TOKENS = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { total: 0 } };

/** Returns the error of the protocol for one of the store's. */
function translated(error, transcript) {
  const message = `${error.message}`.replaceAll(transcript, "T");
  const kind = current.meaning(error);
  if (kind === "takeover") return new host.Takeover(`${error.name}: ${message}`);
  if (kind === "lock_timeout") return new host.LockTimeout(`${error.name}: ${message}`);
  return error;
}

/** Hands one line to the store, by the call that the runtime makes for such an entry. */
function append(manager, line) {
  const { type, id, message, ...fields } = JSON.parse(line);
  if (type === "message") {
    const usage = message.role === "assistant" ? { usage: NO_TOKENS } : {};
    manager.appendMessage({ ...message, ...usage, id });
  } else if (type === "compaction") {
    manager.appendCompaction(fields.summary, manager.getLeafId() ?? "", 0, { id });
  } else {
    manager.appendCustomEntry(fields.customType ?? type, { ...fields, id });
  }
}

class Session {
  constructor({ transcript, lane, process }) {
    this.transcript = transcript;
    /** The session manager, which the handles of one lane share. */
    this.terminal = process[lane] ??= { manager: undefined };
  }

  async told(call) {
    try {
      return await call();
    } catch (error) {
      throw translated(error, this.transcript);
    }
  }

  opened() {
    return this.told(async () => (this.terminal.manager ??= await current.open(this.transcript)));
  }

  async left() {
    const { manager } = this.terminal;
    if (!reopens || !manager) return;
    this.terminal.manager = undefined;
    await this.told(() => current.close(manager));
  }

  async beginTurn() {
    await this.left(); // of a turn that was refused
  }

  async load() {
    await this.opened();
    return contentOf(this.transcript);
  }

  async append(entries) {
    const manager = await this.opened();
    await this.told(async () => {
      for (const entry of entries) {
        append(manager, entry.toString());
        await current.stored(manager);
      }
    });
  }

  async releaseForPrompt() {}

  guardedWrite(entries) {
    return this.append(entries);
  }

  endTurn() {
    return this.left();
  }

  async acquire() {
    await this.opened();
  }

  release() {
    return this.left();
  }
}

/** Rules of the format: what its users ask of a session's file. */
const invariant = ["one_header", "unique_ids", "linear_parents"];
const properties = { name, lock: "none", invariant };
if (globalThis.Bun) await (await import("./bun_host.mjs")).serveLane(host, Session, properties, begin);
else host.serve(Session, properties, begin);
