import { createContext, use, useCallback, useMemo, useState, type ReactNode } from "react";
import { LinkPrompt } from "./LinkPrompt.tsx";
import type { RenderJobs } from "./render-jobs.ts";
import { safeLink, type SafeLink } from "./url-policy.ts";

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
  const askToOpen = useCallback((address: string, words: string) => {
    const link = safeLink(address);
    if (link !== null) setAsked({ link, words });
  }, []);
  const services = useMemo(() => ({ jobs, askToOpen }), [jobs, askToOpen]);
  return (
    <Services value={services}>
      {children}
      <LinkPrompt asked={asked} onClose={() => setAsked(null)} />
    </Services>
  );
}

export const useRenderJobs = (): RenderJobs | null => use(Services)?.jobs ?? null;

/** Null outside a provider: then no link is live. */
export const useAskToOpen = (): MarkdownServices["askToOpen"] | null =>
  use(Services)?.askToOpen ?? null;
