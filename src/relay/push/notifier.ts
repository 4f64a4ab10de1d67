/**
 * Wakes browsers that are asleep: a message that no socket of the device acknowledged within five seconds is
 * announced through its push service, by place alone. What is due is kept in memory: a restart forgets it, the
 * message itself is in the log. SPEC P80.
 */
import { createHash } from "node:crypto";
import { bytesToBase64Url } from "#base/base64.ts";
import { utf8 } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import type { Directory } from "../directory/directory.ts";
import type { PushRow } from "../directory/rows.ts";
import { factsOf } from "../json-log.ts";
import type { LogStore, StoredEntry } from "../log/log-store.ts";
import type { Metrics } from "../metrics.ts";
import type { Outbound, OutboundAnswer } from "../outbound.ts";
import type { Writer } from "../store/writer.ts";
import { makeEphemeral, sealPush, type Vapid } from "./web-push.ts";

const ACKNOWLEDGED_WITHIN_MS = 5_000;
const ANSWER_WITHIN_MS = 10_000;
/** After a failure that may pass. */
const RETRIES_MS = [30_000, 300_000];
/** How long a push service keeps it for a browser that is off. */
const KEPT_S = 86_400;

type Needs = {
  readonly log: LogStore;
  readonly directory: Directory;
  readonly writer: Writer;
  readonly outbound: Outbound;
  readonly vapid: Vapid;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly metrics: Metrics;
  readonly events: Log;
};

/** The newest entry to announce, and with how much haste. */
type Due = { seq: number; isHigh: boolean; cancel: () => void };

export class Notifier {
  readonly #needs: Needs;
  readonly #dueByKey = new Map<string, Due>();
  /** What a writer appended while it is being looked who is to be told, by conversation and writer. */
  readonly #newsByKey = new Map<string, { seq: number; isHigh: boolean; entries: number }>();
  readonly #underWay = new Set<Promise<void>>();
  #isStopped = false;

  constructor(needs: Needs) {
    this.#needs = needs;
    needs.log.onAppended((entry) => this.#follow(entry));
  }

  /** Forgets what is due and waits for what is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { cancel } of this.#dueByKey.values()) cancel();
    this.#dueByKey.clear();
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #follow({ conversationId, countsUnread, senderId, seq, meta }: StoredEntry): void {
    if (this.#isStopped || !countsUnread || meta.push === "none") return;
    const isHigh = meta.push === "high";
    const key = `${conversationId} ${senderId ?? ""}`;
    const news = this.#newsByKey.get(key);
    if (news === undefined) {
      this.#newsByKey.set(key, { seq, isHigh, entries: 1 });
      this.#track(this.#look(key, conversationId, senderId));
      return;
    }
    news.seq = Math.max(news.seq, seq);
    news.isHigh ||= isHigh;
    news.entries += 1;
  }

  // Whatever a writer appends while it is looked whom that concerns is announced with it.
  async #look(
    key: string,
    conversationId: ConversationId,
    senderId: AccountId | null,
  ): Promise<void> {
    const { directory, clock, events } = this.#needs;
    try {
      const devices = await directory.pushedDevices(conversationId, senderId, clock.now());
      const news = this.#newsByKey.get(key);
      if (this.#isStopped || news === undefined) return;
      for (const { device_id } of devices)
        this.#schedule(device_id, conversationId, news.seq, news.isHigh);
      events.debug("push.considered", { count: devices.length, entries: news.entries });
    } finally {
      this.#newsByKey.delete(key);
    }
  }

  // One notification for all that came within the five seconds.
  #schedule(
    deviceId: DeviceId,
    conversationId: ConversationId,
    seq: number,
    isHigh: boolean,
  ): void {
    const key = `${deviceId} ${conversationId}`;
    const due = this.#dueByKey.get(key);
    if (due !== undefined) {
      due.seq = Math.max(due.seq, seq);
      due.isHigh ||= isHigh;
      return;
    }
    const cancel = this.#needs.clock.after(ACKNOWLEDGED_WITHIN_MS, () => {
      const now = this.#dueByKey.get(key);
      this.#dueByKey.delete(key);
      if (now !== undefined) this.#track(this.#announce(deviceId, conversationId, now, 0));
    });
    this.#dueByKey.set(key, { seq, isHigh, cancel });
  }

  async #announce(
    deviceId: DeviceId,
    conversationId: ConversationId,
    due: Due,
    tries: number,
  ): Promise<void> {
    const { directory, metrics, clock } = this.#needs;
    const subscription = await directory.pushSubscription(deviceId);
    const acked = await directory.cursorOf(deviceId, conversationId);
    // What has begun is finished, however long the database took: nobody else will tell it.
    if (subscription === null || acked >= due.seq) return;
    const answer = await this.#send(subscription, conversationId, due);
    const result = answer.outcome === "answered" ? statusGroup(answer.status) : answer.outcome;
    metrics.count("push_total", { result });
    if (result === "gone") {
      const { subscription_id, user_id } = subscription;
      await this.#needs.writer.run("unsubscribe", {
        subscriptionId: subscription_id,
        userId: user_id,
      });
    }
    const waitMs = RETRIES_MS[tries];
    const mayPass = result === "5xx" || result === "timeout" || result === "unreachable";
    if (!mayPass || waitMs === undefined || this.#isStopped) return;
    const key = `${deviceId} ${conversationId} ${due.seq}`;
    const cancel = clock.after(waitMs, () => {
      this.#dueByKey.delete(key);
      this.#track(this.#announce(deviceId, conversationId, due, tries + 1));
    });
    this.#dueByKey.set(key, { ...due, cancel });
  }

  async #send(
    { endpoint, p256dh, auth, user_id }: PushRow,
    conversationId: ConversationId,
    { seq, isHigh }: Due,
  ): Promise<OutboundAnswer> {
    const { directory, outbound, vapid, clock, random } = this.#needs;
    const badge = await directory.unreadOf(user_id);
    const text = utf8(JSON.stringify({ v: 1, conversation_id: conversationId, seq, badge }));
    const fresh = { salt: random(16), ephemeral: makeEphemeral() };
    const body = sealPush(text, { publicKey: p256dh, auth }, fresh);
    if (body === null) return { outcome: "refused-target" };
    return outbound.send({
      method: "POST",
      url: endpoint,
      headers: {
        Authorization: await vapid.authorize(endpoint, clock.now()),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        TTL: String(KEPT_S),
        Urgency: isHigh ? "high" : "normal",
        Topic: topicOf(auth, conversationId),
      },
      body,
      timeoutMs: ANSWER_WITHIN_MS,
    });
  }

  #track(task: Promise<void>): void {
    this.#underWay.add(task);
    void task
      .catch((fault: unknown) => this.#needs.events.error("push.failed", factsOf(fault)))
      .finally(() => this.#underWay.delete(task));
  }
}

// A newer notification replaces the older one of its conversation; the name tells the push service nothing.
const topicOf = (auth: Uint8Array, conversationId: ConversationId): string =>
  bytesToBase64Url(
    new Uint8Array(
      createHash("sha256").update(auth).update(conversationId).digest().subarray(0, 24),
    ),
  );

function statusGroup(status: number): string {
  if (status === 404 || status === 410) return "gone";
  return status === 429 ? "5xx" : `${Math.floor(status / 100)}xx`;
}
