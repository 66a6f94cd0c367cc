// Cuts the session fence out of an unpacked package:
//
//     node bundle.mjs TOOLS DIST OUT
//
// prints one JSON object: {"files": N, "merges": BOOL}, or {"missing": WHY}. The needed names are declared in chunks whose names
// change with every version and is not exported: the declarations are looked for, an export is appended to their chunk, and
// esbuild bundles what they reach. Nothing that they reach is changed.

import { readFileSync, readdirSync } from "node:fs";
import { createRequire, builtinModules } from "node:module";
import { join, resolve } from "node:path";

const [tools, dist, out] = process.argv.slice(2);
const require = createRequire(join(tools, "from.js"));
const acorn = require("acorn");
const esbuild = require("esbuild");

const NEEDED = ["createEmbeddedAttemptSessionLockController", "acquireSessionWriteLock"];
/** From 2026.5.27 on: a runner takes it before it makes its controller. */
const OPTIONAL = ["acquireEmbeddedAttemptSessionFileOwner"];

class Missing extends Error {}

/** @returns {Map<string, string>} by name, the file that declares it */
function declared() {
  const found = new Map();
  for (const name of readdirSync(dist).filter((name) => /\.m?js$/.test(name))) {
    const text = readFileSync(join(dist, name), "utf8");
    for (const wanted of [...NEEDED, ...OPTIONAL]) {
      if (!new RegExp(`^(?:export )?(?:async )?function ${wanted}\\(`, "m").test(text)) continue;
      if (found.has(wanted)) throw new Missing(`${wanted} is declared twice, in ${found.get(wanted)} and in ${name}`);
      found.set(wanted, name);
    }
  }
  for (const wanted of NEEDED) {
    if (!found.has(wanted)) throw new Missing(`no file of its dist/ declares ${wanted}; it has another fence, or none`);
  }
  return found;
}

/** Unread initialisers may be left out: marked so, each by itself, or one chunk would pull in half of the package. */
function shakeable(text) {
  const tree = acorn.parse(text, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
  let marked = "";
  let at = 0;
  for (const statement of tree.body) {
    if (statement.type !== "VariableDeclaration") continue;
    for (const { id, init } of statement.declarations) {
      if (!init || id.type !== "Identifier" || /^(Literal|ClassExpression|.*FunctionExpression)$/.test(init.type)) continue;
      const source = text.slice(init.start, init.end);
      if (/\bawait\b/.test(source)) continue;
      marked += `${text.slice(at, init.start)}/* @__PURE__ */ (() => (${source}))()`;
      at = init.end;
    }
  }
  return marked + text.slice(at);
}

function plugin(found) {
  return {
    name: "cut",
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path, resolveDir, kind }) => {
        if (kind === "entry-point") return undefined;
        if (!path.startsWith(".")) return { path, external: true, sideEffects: false };
        return { path: resolve(resolveDir, path), sideEffects: false };
      });
      build.onLoad({ filter: /\.m?js$/ }, ({ path }) => {
        let contents = shakeable(readFileSync(path, "utf8"));
        for (const [wanted, name] of found) {
          if (path === join(dist, name)) contents += `\nexport { ${wanted} as _harness_${wanted} };`;
        }
        return { contents, loader: "js" };
      });
    },
  };
}

async function bundle() {
  const found = declared();
  const exports = [...found].map(([wanted, name]) => `export { _harness_${wanted} as ${wanted} } from "./${name}";`);
  const result = await esbuild.build({
    stdin: { contents: exports.join("\n"), resolveDir: dist },
    absWorkingDir: dist, // its paths stand in comments of the bundle, and must be the same wherever it is made
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    // Test hooks of later versions hang on it; it is not set where the adapter runs.
    define: { "process.env.VITEST": "undefined" },
    outfile: out,
    metafile: true,
    logLevel: "silent",
    plugins: [plugin(found)],
  });
  const [{ inputs, imports }] = Object.values(result.metafile.outputs);
  const packages = new Set(imports.map(({ path }) => path).filter((path) => !isBuiltin(path)));
  if (packages.size > 0) throw new Missing(`what it reaches needs other packages: ${[...packages].sort().join(", ")}`);
  const exported = createRequire(out)(out);
  for (const wanted of found.keys()) {
    if (typeof exported[wanted] !== "function") throw new Missing(`${wanted} is a ${typeof exported[wanted]}, no function`);
  }
  const files = Object.values(inputs).filter(({ bytesInOutput }) => bytesInOutput > 0).length - 1;
  return { files, merges: readFileSync(out, "utf8").includes("mergePromptReleasedSessionEntries") };
}

const isBuiltin = (path) => path.startsWith("node:") || builtinModules.includes(path);

try {
  console.log(JSON.stringify(await bundle()));
} catch (error) {
  if (error instanceof Missing) console.log(JSON.stringify({ missing: error.message }));
  else if (error.errors) console.log(JSON.stringify({ missing: error.errors.map(({ text }) => text).slice(0, 3).join("; ") }));
  else console.log(JSON.stringify({ missing: `${error.name}: ${error.message.split("\n")[0]}` }));
}
