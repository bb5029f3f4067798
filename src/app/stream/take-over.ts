import type { InteractionLog, TransactionalProducer } from "../../ports/interaction-log.ts";

/** Opens the producer, which fences its former owner, and makes what owns it now; closes it again where that fails. */
export async function takeOver<T>(
  log: InteractionLog,
  transactionalId: string,
  make: (producer: TransactionalProducer) => Promise<T>,
): Promise<T> {
  const producer = await log.openProducer(transactionalId);
  try {
    return await make(producer);
  } catch (cause) {
    await producer.close();
    throw cause;
  }
}
