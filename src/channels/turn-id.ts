/** Ids this side gives: of turns that a server begins unasked, and of sessions. */
import { bytesToHex } from "#base/bytes.ts";
import type { RandomBytes } from "#base/random.ts";
import type { TurnId } from "#peer/channel.ts";

export const serverTurnId = (random: RandomBytes): TurnId =>
  `server-${bytesToHex(random(8))}` as TurnId;

export const makeSessionId = (random: RandomBytes): string => `parley-${bytesToHex(random(8))}`;
