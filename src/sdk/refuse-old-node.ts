/** Imported first: a program on a Node that is too old ends with one sentence and code 1, and not with Node's words. */
import { refusalOfNode } from "./oldest-node.ts";

const refusal = refusalOfNode("The agent SDK", process.versions.node);
if (refusal !== null) {
  process.stderr.write(`${refusal}\n`);
  process.exit(1);
}
