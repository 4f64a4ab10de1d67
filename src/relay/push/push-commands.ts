/** Writes about push subscriptions: one a device, the newest. */
import { ok } from "#base/result.ts";
import type { Bytes } from "#base/bytes.ts";
import type { DeviceId, UserId } from "#protocol/ids.ts";
import { refuse } from "../failure.ts";
import type { Command } from "../store/transaction.ts";

export const subscribe: Command<
  {
    readonly now: number;
    readonly subscriptionId: string;
    readonly userId: UserId;
    readonly deviceId: DeviceId;
    readonly endpoint: string;
    readonly p256dh: Bytes;
    readonly auth: Bytes;
  },
  null
> = async (tx, { now, subscriptionId, userId, deviceId, endpoint, p256dh, auth }) => {
  await tx.sql.run(
    "DELETE FROM push_subscriptions WHERE device_id = ? OR endpoint = ?",
    deviceId,
    endpoint,
  );
  await tx.sql.run(
    `INSERT INTO push_subscriptions (subscription_id, user_id, device_id, endpoint, p256dh, auth, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    subscriptionId,
    userId,
    deviceId,
    endpoint,
    p256dh,
    auth,
    now,
  );
  return ok(null);
};

export const unsubscribe: Command<{ subscriptionId: string; userId: UserId }, null> = async (
  tx,
  { subscriptionId, userId },
) =>
  (await tx.sql.run(
    "DELETE FROM push_subscriptions WHERE subscription_id = ? AND user_id = ?",
    subscriptionId,
    userId,
  )) === 0
    ? refuse("NOT_FOUND")
    : ok(null);
