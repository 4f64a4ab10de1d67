/** A fault of ours, never of the input: composition roots catch it and say so. */
export class BugError extends Error {
  override readonly name = "BugError";
}

/** Throws {@link BugError} when something that must hold does not. The message never holds user text. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BugError(message);
}

/** Marks a branch the types rule out. */
export function unreachable(value: never): never {
  throw new BugError(`unreachable: ${typeof value}`);
}
