/** Numbers a device must sign to get in: made here, good for a minute, used once. */
import type { Clock } from "#base/clock.ts";
import { bytesToBase64 } from "#base/base64.ts";
import type { RandomBytes } from "#base/random.ts";
import type { DeviceId } from "#protocol/ids.ts";
import { CHALLENGE_LIFETIME_S } from "#protocol/limits.ts";
import type { Tickets } from "./nodes/tickets.ts";

export interface Challenges {
  make(deviceId: DeviceId): Promise<string>;
  /** Whether it was made for this device and is still good; afterwards it is neither. */
  use(challenge: string, deviceId: DeviceId): Promise<boolean>;
}

const ticketOf = (challenge: string): string => `challenge ${challenge}`;

export function createChallenges(tickets: Tickets, clock: Clock, random: RandomBytes): Challenges {
  return {
    async make(deviceId) {
      const challenge = bytesToBase64(random(32));
      const expiresAt = clock.now() + CHALLENGE_LIFETIME_S * 1_000;
      await tickets.put(ticketOf(challenge), { subject: deviceId, content: null }, expiresAt);
      return challenge;
    },
    async use(challenge, deviceId) {
      return (await tickets.take(ticketOf(challenge)))?.subject === deviceId;
    },
  };
}
