import { useEffect, useState } from "react";
import { useStores } from "#ui/StoresContext.tsx";

/** The time, told anew every `everyMs`. */
export function useNow(everyMs: number): number {
  const { clock } = useStores();
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    let cancel = (): void => {};
    const tick = (): void => {
      cancel = clock.after(everyMs, () => {
        setNow(clock.now());
        tick();
      });
    };
    tick();
    return () => cancel();
  }, [clock, everyMs]);
  return now;
}
