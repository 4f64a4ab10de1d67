import { createContext, use, useCallback, useMemo, useState, type ReactNode } from "react";
import { fetched } from "#ui/fetching/fetched.ts";
import { Fetching } from "#ui/fetching/Fetching.tsx";
import type { RenderJobs } from "./render-jobs.ts";
import { safeLink, type SafeLink } from "./url-policy.ts";

/** Fetched with the first link that is followed, or ahead. */
export const LinkPrompt = fetched(async () => (await import("./LinkPrompt.tsx")).LinkPrompt);

type MarkdownServices = {
  /** Null where there is no worker: large texts are then shown without formatting. */
  readonly jobs: RenderJobs | null;
  /** Asks before an address is opened. */
  readonly askToOpen: (address: string, words: string) => void;
};

const Services = createContext<MarkdownServices | null>(null);

/** What messages need from the app around them; stands once near the root. */
export function MarkdownProvider({
  jobs,
  children,
}: {
  jobs: RenderJobs | null;
  children: ReactNode;
}) {
  const [asked, setAsked] = useState<{ link: SafeLink; words: string } | null>(null);
  const [wasAsked, setWasAsked] = useState(false);
  const askToOpen = useCallback((address: string, words: string) => {
    const link = safeLink(address);
    if (link === null) return;
    setAsked({ link, words });
    setWasAsked(true);
  }, []);
  const services = useMemo(() => ({ jobs, askToOpen }), [jobs, askToOpen]);
  return (
    <Services value={services}>
      {children}
      {wasAsked && (
        <Fetching lines={0}>
          <LinkPrompt asked={asked} onClose={() => setAsked(null)} />
        </Fetching>
      )}
    </Services>
  );
}

export const useRenderJobs = (): RenderJobs | null => use(Services)?.jobs ?? null;

/** Null outside a provider: then no link is live. */
export const useAskToOpen = (): MarkdownServices["askToOpen"] | null =>
  use(Services)?.askToOpen ?? null;
