/** How long work tells a person how far it is. */

export interface Progress {
  /**
   * Announces a piece of work.
   *
   * @param label what is done, such as "Training neumf"
   * @param total how much there is to do, where that is known
   * @param unit what is counted, in the plural, such as "samples"
   */
  start(label: string, total?: number, unit?: string): ProgressTask;
}

export interface ProgressTask {
  /**
   * Says how much is done so far, as often as the worker likes: the reporter decides what to show.
   *
   * @param done in the task's unit, never falling; a resumed worker calls this at once with what was done before
   * @param note something to show beside it, such as "loss 0.213"
   */
  update(done: number, note?: string): void;
  /** The work is done. Calls after this one have no effect. */
  end(note?: string): void;
}

/** For callers that nobody watches. */
export const noProgress: Progress = {
  start: () => ({ update: () => {}, end: () => {} }),
};
