/** The oldest Node that has what the SDK stands on: `node:sqlite` without a flag. This file imports nothing. */
export const OLDEST_NODE = "22.13";

/** What is wrong with a Node of this version, in one sentence; null: nothing. */
export function refusalOfNode(program: string, version: string): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldest = 0, oldestMinor = 0] = OLDEST_NODE.split(".").map(Number);
  if (major > oldest || (major === oldest && minor >= oldestMinor)) return null;
  return `${program} needs Node ${OLDEST_NODE} or newer; this is ${version}.`;
}
