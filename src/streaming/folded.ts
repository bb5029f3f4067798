import type { InteractionEvent } from "./interaction-event.ts";
import type { DeadLetter, LateEvent, Outcome } from "./outcome.ts";

/** What became of a record. */
export type Folded =
  | { readonly kind: "outcome"; readonly outcome: Outcome }
  | { readonly kind: "late"; readonly late: LateEvent }
  /** The user had touched the item; it counts, and nothing else. */
  | { readonly kind: "repeat"; readonly event: InteractionEvent }
  /** The version's catalogue lacks the item, so it cannot be ranked; it joins the history. */
  | { readonly kind: "unknownItem"; readonly event: InteractionEvent }
  /** The version may have learnt from the event; it joins the history. */
  | { readonly kind: "learnt"; readonly event: InteractionEvent }
  | { readonly kind: "deadLetter"; readonly deadLetter: DeadLetter }
  | { readonly kind: "endOfStream" }
  /** Not meant for the stream: it changes nothing, and nothing is lost. */
  | { readonly kind: "skipped"; readonly because: "noValue" | "leftOut" }
  /** An offset that was folded before; it changes nothing. */
  | { readonly kind: "redelivered" };
