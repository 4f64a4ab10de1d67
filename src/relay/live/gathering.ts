/** Calls back once with all that came in one go. */
export function createGathering<Item>(
  tell: (items: readonly Item[]) => void,
): (item: Item) => void {
  const gathered = new Set<Item>();
  return (item) => {
    const isFirst = gathered.size === 0;
    gathered.add(item);
    if (!isFirst) return;
    queueMicrotask(() => {
      const items = [...gathered];
      gathered.clear();
      tell(items);
    });
  };
}
