// Tries to import a session store:
//
//     node probe.mjs FILES DESCRIPTION
//
// prints one JSON object: {"missing": PACKAGE, "importer": FILE, "why": TEXT} for a package that is not there, {"fault": TEXT}
// for any other failure, else {}.

import { pathToFileURL } from "node:url";

const [files, description] = process.argv.slice(2);

/** Returns the package of `@scope/name/part` or `name/part`. */
const packageOf = (specifier) => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

async function result() {
  try {
    const { store } = await import(pathToFileURL(description).href);
    await store(files);
    return {};
  } catch (error) {
    const why = `${error.message}`.split("\n")[0];
    const [, specifier, importer] = /Cannot find (?:package|module) '([^']+)'(?: imported)? from '?([^']+?)'?$/.exec(why) ?? [];
    if (importer) return { missing: packageOf(specifier), importer, why };
    const [, required] = /Cannot find module '([^'./][^']*)'/.exec(why) ?? [];
    if (required && error.requireStack) return { missing: packageOf(required), importer: error.requireStack[0], why };
    return { fault: `${error.name}: ${why}` };
  }
}

// Written whole before the end: what was imported may keep the process alive.
process.stdout.write(JSON.stringify(await result()), () => process.exit(0));
