// Serves released versions of OpenClaw as the adapter of docs/external-fence.md:
//
//     node openclaw.mjs openclaw HOST BUNDLE NAME
//
// HOST is the harness's host.mjs, BUNDLE the output of bundle.mjs; with a NAME that ends in `+merge` the merge callback is
// set. The word `openclaw` has to be in the command line: the released lock takes a lock away at once from a live holder whose
// command line is another program's.

import { pathToFileURL } from "node:url";

const [, hostPath, bundlePath, name] = process.argv.slice(2);
const host = await import(pathToFileURL(hostPath).href);
// Imported only now, because these modules must find the virtual clock.
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
