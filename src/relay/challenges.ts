/** Numbers a device must sign to get in: made here, good for a minute, used once. */
import type { Clock } from "#base/clock.ts";
import { bytesToBase64 } from "#base/base64.ts";
import type { RandomBytes } from "#base/random.ts";
import type { DeviceId } from "#protocol/ids.ts";
import { CHALLENGE_LIFETIME_S } from "#protocol/limits.ts";

export interface Challenges {
  make(deviceId: DeviceId): string;
  /** Whether it was made for this device and is still good; afterwards it is neither. */
  use(challenge: string, deviceId: DeviceId): boolean;
}

/** Anyone may ask for one, so the oldest make room. */
const MAX_CHALLENGES = 10_000;

export function createChallenges(clock: Clock, random: RandomBytes): Challenges {
  const madeByChallenge = new Map<
    string,
    { readonly deviceId: DeviceId; readonly expiresAt: number }
  >();
  const forgetOld = (): void => {
    for (const [challenge, { expiresAt }] of madeByChallenge) {
      if (expiresAt > clock.now() && madeByChallenge.size < MAX_CHALLENGES) return;
      madeByChallenge.delete(challenge);
    }
  };
  return {
    make(deviceId) {
      forgetOld();
      const challenge = bytesToBase64(random(32));
      const expiresAt = clock.now() + CHALLENGE_LIFETIME_S * 1_000;
      madeByChallenge.set(challenge, { deviceId, expiresAt });
      return challenge;
    },
    use(challenge, deviceId) {
      const made = madeByChallenge.get(challenge);
      madeByChallenge.delete(challenge);
      return made?.deviceId === deviceId && made.expiresAt > clock.now();
    },
  };
}
