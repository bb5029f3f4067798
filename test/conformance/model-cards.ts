import type { CardFacts, NewModel } from "../../src/ports/model-registry.ts";

export const facts = {
  name: "neumf",
  trainedOn: "allData",
  cutOff: { eventTimeMs: 1_537_799_250_000 },
  dataset: {
    name: "ml-latest-small",
    generated: false,
    ratingsSha256: "aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
    users: 610,
    items: 9724,
    interactions: 100_836,
  },
  settings: { learningRate: 2e-3, gmf: { embeddingSize: 16 }, mlp: null, hidden: [64, 32, 16] },
  seed: 1,
  judged: { hrAt10: 0.72, ndcgAt10: 0.48, cases: 610, popularityHrAt10: 0.607 },
} satisfies CardFacts;

/** A model to publish that differs from those of other contents. */
export function modelOf(content: string): NewModel {
  return {
    model: new TextEncoder().encode(`model ${content}`),
    metrics: { content },
    catalogue: { of: content },
    card: facts,
  };
}
