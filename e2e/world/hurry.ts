/** What makes a story quick in which lines break: who waits to try again need not. */
import type { Member } from "../../src/peer/endpoint-world.contract.ts";
import type { LeapingClock } from "./leaping-clock.ts";

/**
 * Waits for the next try pass at once, and no other time does: stories are about order, not about minutes. While
 * there is no relay nobody hurries, or days would go by.
 */
export function createHurry(clock: LeapingClock) {
  const members = new Set<Member>();
  let isRelayThere = true;
  const hurry = (): void => {
    const dueAt = [...members].flatMap(({ endpoint }) => {
      const status = endpoint.status();
      return status.status === "waiting" ? status.retryAt : [];
    });
    if (isRelayThere && dueAt.length > 0)
      clock.sleep(Math.max(0, ...dueAt.map((at) => Math.ceil(at - clock.now()))));
  };
  return {
    follow(member: Member): void {
      members.add(member);
      member.endpoint.on((event) => {
        if (event.type === "status" && event.status.status === "waiting") queueMicrotask(hurry);
      });
    },
    async without(restart: () => Promise<void>): Promise<void> {
      isRelayThere = false;
      await restart();
      isRelayThere = true;
      hurry();
    },
  };
}
