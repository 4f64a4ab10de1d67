import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import type { ReactNode } from "react";
import { ToastRegion } from "./Toast.tsx";

/** Stands once around the app: no style elements at run time, one tooltip delay, one place for toasts. */
export function KitProvider({ children }: { children: ReactNode }) {
  return (
    <CSPProvider disableStyleElements>
      <Tooltip.Provider delay={500} timeout={300}>
        <ToastRegion>{children}</ToastRegion>
      </Tooltip.Provider>
    </CSPProvider>
  );
}
