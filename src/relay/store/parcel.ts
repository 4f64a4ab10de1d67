/**
 * How a group crosses to the writer's thread and back. Cloning many small objects is dear: plain appends cross as one
 * text, their envelopes as one buffer that is handed over, and what comes back of one that was stored is its seq alone.
 * The rest crosses as it is.
 */
import { assert } from "#base/invariant.ts";
import type { Bytes } from "#base/bytes.ts";
import { ok } from "#base/result.ts";
import type { Appended, AppendRequest } from "../log/log-store.ts";
import { plainAppendOf, type Job } from "./group-job.ts";
import { inPlace } from "./insert-entry.ts";
import type { JobOutcome } from "./transaction.ts";

/** `appends` is JSON of what {@link withoutBody} leaves; `others` says of each job what it is, null for an append. */
export type Parcel = {
  readonly appends: string;
  readonly bodies: Bytes;
  readonly others: readonly (Job | null)[];
};

/** Packs jobs; `bodies.buffer` is to be handed over. */
export function packJobs(jobs: readonly Job[]): Parcel {
  const appends = jobs.map(({ name, args }) => plainAppendOf(name, args));
  const requests = appends.filter((request) => request !== null);
  return {
    appends: JSON.stringify(requests.map(withoutBody)),
    bodies: joined(requests.map(({ entry }) => entry.body)),
    others: jobs.map((job, i) => (appends[i] === null ? job : null)),
  };
}

export function unpackJobs({ appends, bodies, others }: Parcel): readonly Job[] {
  const requests = (JSON.parse(appends) as Bodiless[]).values();
  let at = 0;
  const next = (): AppendRequest => {
    const request = requests.next().value;
    assert(request !== undefined, "every append was packed");
    const { bodySize, ...rest } = request;
    const body = bodySize === null ? null : bodies.subarray(at, at + bodySize);
    at += bodySize ?? 0;
    return { ...rest, entry: { ...rest.entry, body } };
  };
  return others.map((job) => job ?? { name: "appendMessage", args: next() });
}

/** The seq of a plain append that was stored; everything else in full. */
export type Packed = number | JobOutcome;

export const packOutcomes = (
  jobs: readonly Job[],
  outcomes: readonly JobOutcome[],
): readonly Packed[] =>
  outcomes.map((outcome, i) => {
    const job = jobs[i];
    const [entry] = outcome.appended;
    const isPlain = job !== undefined && plainAppendOf(job.name, job.args) !== null;
    return isPlain && entry !== undefined ? entry.seq : outcome;
  });

/** The outcome of the job that was sent. */
export function unpackOutcome({ args }: Job, packed: Packed): JobOutcome {
  if (typeof packed !== "number") return packed;
  const { entry, now } = args as AppendRequest;
  const value: Appended = { seq: packed, at: now, duplicate: false };
  return { result: ok(value), appended: [inPlace(entry, packed, now)] };
}

type Bodiless = Omit<AppendRequest, "entry"> & {
  readonly entry: Omit<AppendRequest["entry"], "body">;
  readonly bodySize: number | null;
};

const withoutBody = ({ entry: { body, ...entry }, ...request }: AppendRequest): Bodiless => ({
  ...request,
  entry,
  bodySize: body === null ? null : body.length,
});

function joined(bodies: readonly (Bytes | null)[]): Bytes {
  const whole = new Uint8Array(bodies.reduce((sum, body) => sum + (body?.length ?? 0), 0));
  let at = 0;
  for (const body of bodies) {
    if (body === null) continue;
    whole.set(body, at);
    at += body.length;
  }
  return whole;
}
