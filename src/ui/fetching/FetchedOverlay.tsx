import { useState, type ReactNode } from "react";
import { Fetching } from "./Fetching.tsx";

/** A fetched dialog or sheet: drawn from its first opening on, so that it can close as it came. */
export function FetchedOverlay({ open, children }: { open: boolean; children: ReactNode }) {
  const [wasOpen, setWasOpen] = useState(open);
  if (open && !wasOpen) setWasOpen(true);
  return wasOpen ? <Fetching lines={0}>{children}</Fetching> : null;
}
