/** What a topic that others write to may bring, and a version that has learnt from it. */
import { describe, expect, it } from "vitest";
import { decodeSnapshot } from "../../src/streaming/history-snapshot.ts";
import { encodeEndOfStream } from "../../src/streaming/interaction-event.ts";
import { WindowAggregator } from "../../src/streaming/window-aggregator.ts";
import { evaluatorOf, foldAll, modelOf, outcomeOf, recordOf, textRecord, windows } from "./fixtures.ts";

const live = { endOfStream: "deadLetter", leak: "skip" } as const;

describe("a live topic", () => {
  it("may hold tombstones and records that are not meant: they are skipped and counted, and are no dead letters", () => {
    const mapping = { only: [{ path: "type", value: "buy" }] };
    const evaluator = evaluatorOf(modelOf(300), { ...live, mapping });
    expect(evaluator.fold({ offset: 3, value: null, timestampMs: 0 })).toEqual({ kind: "skipped", because: "noValue" });
    const view = textRecord(4, '{"type":"view","userId":1,"itemId":5,"timestampMs":9000}');
    expect(evaluator.fold(view)).toEqual({ kind: "skipped", because: "leftOut" });
    expect(evaluator.streamTimeMs).toBe(null);
    expect(evaluator.nextOffset).toBe(5);
    expect(evaluator.fold(view).kind).toBe("redelivered");
    const { counts, deadLetters, partial } = evaluator.takeCommit(false);
    expect(counts.skipped).toBe(2);
    expect(deadLetters).toEqual([]);
    expect(partial).toMatchObject({ nextOffset: 5, deltas: [] });
  });

  it("is not ended by a record of anybody's", () => {
    const evaluator = evaluatorOf(modelOf(300), live);
    const folded = evaluator.fold({ offset: 0, value: encodeEndOfStream(), timestampMs: 0 });
    expect(folded).toMatchObject({
      kind: "deadLetter",
      deadLetter: { reason: expect.stringContaining("end-of-stream") },
    });
    expect(foldAll(evaluator, [[1, 5, 0]])[0].kind).toBe("outcome");
    expect(evaluator.takeCommit(false).partial.ended).toBe(false);
  });

  it("goes on where an event may have been learnt from: it joins the history and is counted, but not tested", () => {
    const evaluator = evaluatorOf(modelOf(300, { cutOffMs: 500 }), live);
    const [old, next, again] = foldAll(evaluator, [
      [1, 5, 500],
      [1, 6, 501],
      [1, 5, 502],
    ]);
    expect([old.kind, next.kind, again.kind]).toEqual(["learnt", "outcome", "repeat"]);
    expect(outcomeOf(next)).toMatchObject({ kind: "foldedIn", leaked: false, windows: [{ firstOfUser: true }] });
    const { partial } = evaluator.takeCommit(false);
    const [report] = new WindowAggregator(windows, 1).fold(partial);
    expect(report).toMatchObject({ learnt: 1, cases: 1, repeats: 1, leaked: 0 });
  });

  it("is rebuilt the same from a snapshot and from the log, events that were learnt included", () => {
    const model = modelOf(300, { cutOffMs: 500 });
    const [folded, caughtUp] = [evaluatorOf(model, live), evaluatorOf(model, live)];
    for (const [offset, timestampMs] of [400, 600, 450, 700].entries()) {
      const record = recordOf(offset, { userId: 2, itemId: offset + 1, timestampMs });
      folded.fold(record);
      caughtUp.catchUp(record);
    }
    expect(caughtUp.snapshot()).toEqual(folded.snapshot());
    const { histories } = decodeSnapshot(folded.snapshot(), "s");
    expect(histories.read(0).tested).toEqual(Uint8Array.of(0, 1, 0, 1));
  });

  it("has its records counted by what became of them", () => {
    const evaluator = evaluatorOf(modelOf(300, { cutOffMs: -1 }), live);
    foldAll(evaluator, [
      [1, 5, -1],
      [1, 6, 0],
      [1, 6, 1],
      [1, 999, 2],
      [1, 7, 5000],
      [1, 8, 3],
    ]);
    evaluator.fold(textRecord(6, "{"));
    evaluator.fold({ offset: 7, value: null, timestampMs: 0 });
    const counts = { tested: 2, repeats: 1, late: 1, unknownItems: 1, learnt: 1, deadLetters: 1, skipped: 1 };
    expect(evaluator.takeCommit(false).counts).toEqual(counts);
    expect(Object.values(evaluator.takeCommit(false).counts)).toEqual(new Array(7).fill(0));
  });
});

describe("a version that was trained on the stream", () => {
  const trained = modelOf(300, { cutOffMs: 1e9, cutOffOffsets: new Map([[0, 2]]) });
  const three = [
    [1, 5, 0],
    [2, 5, 50],
    [3, 5, 10],
  ] as const;

  it("is tested from its offset on, whatever the event's time", () => {
    expect(foldAll(evaluatorOf(trained, live), three).map(({ kind }) => kind)).toEqual(["learnt", "learnt", "outcome"]);
  });

  it("is tested on all of a partition that it has learnt nothing of", () => {
    const other = evaluatorOf(trained, { ...live, partition: 1, partitionCount: 2 });
    expect(foldAll(other, three).map(({ kind }) => kind)).toEqual(["outcome", "outcome", "outcome"]);
  });

  it("is not tested on what it was trained on elsewhere, which lies at no offset", () => {
    const seen = modelOf(300, { cutOffOffsets: new Map(), trainedOn: (user, item) => user === 2 && item === 5 });
    expect(foldAll(evaluatorOf(seen, live), three).map(({ kind }) => kind)).toEqual(["outcome", "learnt", "outcome"]);
    expect(() => foldAll(evaluatorOf(seen), three)).toThrow(
      /other than those from which .* one of these of .* at offset 1 /,
    );
  });

  it("is refused before it in a replay, with the offset and the way out", () => {
    expect(() => foldAll(evaluatorOf(trained), three)).toThrow(
      expect.objectContaining({
        code: "LEAK",
        message: expect.stringMatching(
          /from offset 2 of partition 0 on, .* found one of .* at offset 0 .* allow the leak/,
        ),
      }),
    );
    const marked = foldAll(evaluatorOf(trained, { leak: "mark" }), three).map((folded) => outcomeOf(folded).leaked);
    expect(marked).toEqual([true, true, false]);
  });
});
