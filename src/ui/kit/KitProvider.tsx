import { CSPProvider } from "@base-ui/react/csp-provider";
import { useEffect, useState, type ReactNode } from "react";
import { fetched } from "#ui/fetching/fetched.ts";
import { Fetching } from "#ui/fetching/Fetching.tsx";
import { onToastWanted } from "./show-toast.ts";

/** Fetched ahead by the open app, or when there is something to say. */
export const ToastRegion = fetched(async () => (await import("./Toast.tsx")).ToastRegion);

/** Stands once around the app: no style elements at run time, one place for toasts. */
export function KitProvider({ children }: { children: ReactNode }) {
  return (
    <CSPProvider disableStyleElements>
      {children}
      <Toasts />
    </CSPProvider>
  );
}

function Toasts() {
  const [isWanted, setWanted] = useState(false);
  useEffect(() => onToastWanted(() => setWanted(true)), []);
  return isWanted ? (
    <Fetching lines={0}>
      <ToastRegion />
    </Fetching>
  ) : null;
}
