/** Path ⇄ screen. Every address of the app is one of these; the back button walks between them. */
import type { ConversationId, MessageId } from "#stores/views.ts";

export const SETTINGS_SECTIONS = [
  "profile",
  "security",
  "agents",
  "appearance",
  "writing",
  "about",
] as const;
export type SettingsSection = (typeof SETTINGS_SECTIONS)[number];

export type Route =
  | { readonly screen: "home" }
  | {
      readonly screen: "thread";
      readonly conversationId: ConversationId;
      /** A row to show and mark. */
      readonly messageId: MessageId | null;
    }
  | { readonly screen: "contacts" }
  | { readonly screen: "settings"; readonly section: SettingsSection | null };

/** What an address asks for: a screen, or a link (an invite, a further device) to open over the home screen. */
export type Address = { readonly route: Route; readonly link: Link | null };
export type Link = { readonly kind: "invite" | "device"; readonly url: string };

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/u;
const HOME: Route = { screen: "home" };

/** The meaning of an address; whatever is unknown is the home screen. */
export function parseAddress({
  pathname,
  search,
  hash,
}: Pick<URL, "pathname" | "search" | "hash">): Address {
  const [first = "", second = "", ...more] = pathname.split("/").slice(1);
  if (more.length > 0 && more.join("") !== "") return { route: HOME, link: null };
  switch (first) {
    case "c":
      return { route: parseThread(second, search), link: null };
    case "contacts":
      return { route: { screen: "contacts" }, link: null };
    case "settings": {
      const section = SETTINGS_SECTIONS.find((each) => each === second) ?? null;
      return { route: { screen: "settings", section }, link: null };
    }
    case "i":
    case "p":
      return {
        route: HOME,
        link: second === "" ? null : { kind: "invite", url: `/${first}/${second}${hash}` },
      };
    case "link":
      return { route: HOME, link: { kind: "device", url: `/link${hash}` } };
    default:
      return { route: HOME, link: null };
  }
}

/** The address of a screen. */
export function routeToPath(route: Route): string {
  switch (route.screen) {
    case "home":
      return "/";
    case "thread": {
      const query = route.messageId === null ? "" : `?m=${encodeURIComponent(route.messageId)}`;
      return `/c/${route.conversationId}${query}`;
    }
    case "contacts":
      return "/contacts";
    case "settings":
      return route.section === null ? "/settings" : `/settings/${route.section}`;
    default:
      return route satisfies never;
  }
}

/** The screen of a conversation. */
export const threadRoute = (
  conversationId: ConversationId,
  messageId: MessageId | null = null,
): Route => ({ screen: "thread", conversationId, messageId });

/** Ids that are no UUID are no addresses of ours. */
function parseThread(id: string, search: string): Route {
  if (!UUID.test(id)) return HOME;
  const message = new URLSearchParams(search).get("m") ?? "";
  return threadRoute(id as ConversationId, UUID.test(message) ? (message as MessageId) : null);
}
