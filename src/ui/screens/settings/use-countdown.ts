import { useEffect, useState } from "react";
import { useStores } from "#ui/StoresContext.tsx";

const WAIT_SECONDS = 10;

/** Seconds left before something that cannot be taken back may be done; begins anew with each `isRunning`. */
export function useCountdown(isRunning: boolean): number {
  const { clock } = useStores();
  const [seconds, setSeconds] = useState(WAIT_SECONDS);
  useEffect(() => {
    if (!isRunning) return;
    let left = WAIT_SECONDS;
    let cancel = (): void => {};
    const tick = (): void => {
      setSeconds(left);
      if (left > 0)
        cancel = clock.after(1_000, () => {
          left--;
          tick();
        });
    };
    tick();
    return () => cancel();
  }, [clock, isRunning]);
  return seconds;
}
