/** The right to train for a group, in the object store: who holds it has a time after which others may take it over. */
import { z } from "zod";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { putWhere } from "../put-where.ts";

const leaseSchema = z.object({ requestId: z.string(), expiresAtMs: z.int() });

/** In place of when a lease expires. */
const givenUp = 0;

export interface LeaseHolder {
  readonly group: string;
  readonly requestId: string;
}

/** Takes the lease, or prolongs one's own. False while another request holds it. */
export async function takeTrainingLease(
  store: ObjectStore,
  holder: LeaseHolder,
  nowMs: number,
  durationMs: number,
): Promise<boolean> {
  const isFree = ({ requestId, expiresAtMs }: z.infer<typeof leaseSchema>): boolean =>
    requestId === holder.requestId || expiresAtMs <= nowMs;
  return write(store, holder, nowMs + durationMs, isFree);
}

/** Gives the lease up, if it is the request's own. */
export async function releaseTrainingLease(store: ObjectStore, holder: LeaseHolder): Promise<void> {
  await write(store, holder, givenUp, ({ requestId }) => requestId === holder.requestId);
}

/** Whether the request was the last that had the lease, and gave it up when its training was done. */
export async function isTrainingDone(store: ObjectStore, { group, requestId }: LeaseHolder): Promise<boolean> {
  const key = keyOf(group);
  if ((await store.head(key)) === null) return false;
  const found = leaseSchema.safeParse(decodeJson(await store.get(key)));
  return found.success && found.data.requestId === requestId && found.data.expiresAtMs === givenUp;
}

function keyOf(group: string): string {
  return `leases/${group}-training.json`;
}

function write(
  store: ObjectStore,
  { group, requestId }: LeaseHolder,
  expiresAtMs: number,
  mayReplace: (found: z.infer<typeof leaseSchema>) => boolean,
): Promise<boolean> {
  return putWhere(store, keyOf(group), encodeJsonFile({ requestId, expiresAtMs }), (document) => {
    // A document of another form holds nobody up.
    const found = leaseSchema.safeParse(document);
    return !found.success || mayReplace(found.data);
  });
}
