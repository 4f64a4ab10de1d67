/** TPCLAW's activity feeds, each open while a page looks at its conversation. */
import { err, ok, type Result } from "#base/result.ts";
import type { EngineEvent } from "#bridge/events.ts";
import { createActivityFeed, type ActivityFeed } from "#channels/tpclaw/create-activity-feed.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { EngineDeps } from "../deps.ts";
import type { EngineFailure } from "../failure.ts";
import { createGatherer, type Gatherer } from "../gather.ts";
import type { PlainAgent } from "./plain-record.ts";

const TELL_MS = 100;

export interface ActivityWatch {
  /** Fails with `engine/plain-cannot` for servers without a feed. Watching again tells what is known. */
  watch(agent: PlainAgent): Result<null, EngineFailure>;
  unwatch(id: ConversationId): void;
  close(): void;
}

/** Creates a watch of nothing. */
export function createActivityWatch(
  deps: EngineDeps,
  emit: (event: EngineEvent) => void,
): ActivityWatch {
  const open = new Map<ConversationId, { readonly feed: ActivityFeed; readonly tell: Gatherer }>();

  const unwatch = (id: ConversationId): void => {
    const watched = open.get(id);
    open.delete(id);
    watched?.tell.close();
    watched?.feed.close();
  };

  return {
    watch(agent) {
      const url = feedUrl(agent);
      if (url === null) return err({ kind: "engine/plain-cannot" });
      const id = agent.conversationId;
      const known = open.get(id);
      if (known !== undefined) {
        known.tell.wish();
        return ok(null);
      }
      const { clock, random, openSocket } = deps;
      const feed = createActivityFeed({ clock, random, openSocket, url });
      const tell = createGatherer(clock, TELL_MS, () =>
        emit({
          type: "activity",
          conversationId: id,
          activity: { status: feed.status(), runs: feed.activity() },
        }),
      );
      feed.on(() => tell.wish());
      open.set(id, { feed, tell });
      feed.start();
      return ok(null);
    },
    unwatch,
    close() {
      for (const id of [...open.keys()]) unwatch(id);
    },
  };
}

/** The feed of an agent on its own server; null for servers that have none. */
function feedUrl({ protocol, url, model }: PlainAgent): string | null {
  if (protocol !== "tpclaw-chat" && protocol !== "tpclaw-socket") return null;
  const { protocol: scheme, host } = new URL(url);
  const line = scheme === "https:" || scheme === "wss:" ? "wss" : "ws";
  return `${line}://${host}/api/v1/ws?agentId=${encodeURIComponent(model)}`;
}
