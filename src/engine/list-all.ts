/** Lists of the relay, read page by page to their end. */
import type { Clock } from "#base/clock.ts";
import type { Result } from "#base/result.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Rest } from "#peer/rest.ts";

/** Pages, and pleas for patience between them: no relay sends us round for ever. */
const MAX_ANSWERS = 500;

type Schema = Parameters<Rest["page"]>[1];
const pageOf = <Shape extends Schema>(rest: Rest, path: string, schema: Shape) =>
  rest.page(path, schema);
type Item<Shape extends Schema> = Extract<
  Awaited<ReturnType<typeof pageOf<Shape>>>,
  { readonly ok: true }
>["value"]["items"][number];

/**
 * All of a list; `path` may have a query already. A relay that asks for patience gets it: a list of tens of thousands is
 * more pages than it takes in a row. Fails as {@link Rest.page} does.
 */
export async function listAll<Shape extends Schema>(
  { rest, clock }: { readonly rest: Rest; readonly clock: Clock },
  path: string,
  schema: Shape,
): Promise<Result<readonly Item<Shape>[], PeerFailure>> {
  const items: Item<Shape>[] = [];
  const first = `${path}${path.includes("?") ? "&" : "?"}limit=200`;
  let cursor = "";
  for (let answers = 0; answers < MAX_ANSWERS; answers++) {
    const page = await pageOf(rest, `${first}${cursor}`, schema);
    if (!page.ok && page.failure.kind === "peer/rate-limited" && answers > 0) {
      const { retryAfterMs } = page.failure;
      await new Promise<void>((resolve) => clock.after(retryAfterMs, resolve));
      continue;
    }
    if (!page.ok) return page;
    items.push(...page.value.items);
    if (page.value.nextCursor === null) break;
    cursor = `&cursor=${encodeURIComponent(page.value.nextCursor)}`;
  }
  return { ok: true, value: items };
}
