import type { ComponentProps } from "react";
import { useRouter } from "#ui/StoresContext.tsx";
import { routeToPath, type Route } from "#ui/routes.ts";

type AppLinkProps = Omit<ComponentProps<"a">, "href"> & { to: Route };

/** A link to a screen: a plain press goes there without a reload, every other press is the browser's. */
export function AppLink({ to, onClick, ...rest }: AppLinkProps) {
  const router = useRouter();
  return (
    <a
      {...rest}
      href={routeToPath(to)}
      onClick={(event) => {
        onClick?.(event);
        const isPlain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
        if (event.defaultPrevented || event.button !== 0 || !isPlain) return;
        event.preventDefault();
        router.go(to);
      }}
    />
  );
}
