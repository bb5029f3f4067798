/** The interactions of a body of POST /interactions, each with its time. */
import type { z } from "zod";
import type { Interaction } from "../serving/recommendation-service.ts";
import { HttpProblem } from "./problem.ts";
import type { interactionsRequest } from "./schemas.ts";

/** Clocks of clients may be wrong by so much. */
const maxAheadMs = 60_000;

/**
 * @param nowMs milliseconds UTC: the time of an interaction that brings none
 * @throws HttpProblem 400 for a time that is too far ahead
 */
export function timedInteractions(body: z.output<typeof interactionsRequest>, nowMs: number): Interaction[] {
  const batch = "interactions" in body;
  const interactions = batch ? body.interactions : [body];
  const ahead = interactions.findIndex(({ timestampMs }) => (timestampMs ?? nowMs) > nowMs + maxAheadMs);
  if (ahead >= 0) {
    const field = batch ? `interactions[${ahead}].timestampMs` : "timestampMs";
    const message = `expected a time up to a minute ahead of the server's clock (${nowMs}), found ${interactions[ahead].timestampMs}`;
    throw new HttpProblem(400, `${field}: ${message}`, { errors: [{ field, message }] });
  }
  return interactions.map((one) => ({ ...one, timestampMs: one.timestampMs ?? nowMs }));
}
