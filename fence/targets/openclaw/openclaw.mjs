// The adapter of docs/external-fence.md for released versions of OpenClaw:
//
//     node openclaw.mjs openclaw HOST BUNDLE NAME
//
// HOST is the harness's host.mjs, BUNDLE what bundle.mjs wrote; with a NAME that ends in `+merge` the merge callback is set. The word `openclaw` has to stand in the command line: the
// released lock robs at once a live holder whose command line is another program's.

import { pathToFileURL } from "node:url";

const [, hostPath, bundlePath, name] = process.argv.slice(2);
const host = await import(pathToFileURL(hostPath).href);
// Only now: what they import must find the virtual clock.
const { fenceOf } = await import("./fence.mjs");
const { released } = await import("./released.mjs");

const fresh = released(bundlePath);
let current = fresh();
host.serve(
  fenceOf(host, () => current, name.endsWith("+merge")),
  { name, lock: "sidecar" },
  () => {
    current = fresh();
  },
);
