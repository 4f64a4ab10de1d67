/** A mark beside the database, by which a page whose database is gone knows that there was an account. */
export interface AccountMark {
  isSet(): boolean;
  set(): void;
  clear(): void;
}

/** A mark that lasts as long as the page. */
export function createPassingMark(): AccountMark {
  let isHere = false;
  return {
    isSet: () => isHere,
    set: () => void (isHere = true),
    clear: () => void (isHere = false),
  };
}
