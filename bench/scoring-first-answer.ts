/**
 * Run by scoring.ts in a process of its own: the time from a model file to the first answer, as one line of JSON.
 *
 * The sample is in memory before the clock starts, and the program's modules are loaded.
 */
import { readFileSync } from "node:fs";
import { RecommendationService } from "../src/app/serving/recommendation-service.ts";
import { RecordedInteractions } from "../src/app/serving/recorded-interactions.ts";
import { decodeModel } from "../src/ncf/checkpoint.ts";
import { randomSample, servedModel, titles } from "./scoring-models.ts";

const [file, users, items, perUser] = process.argv.slice(2);
const sample = randomSample(Number(users), Number(items), Number(perUser));
const details = titles(sample);
const laps: number[] = [performance.now()];
// A plain array of its own, as a store gives it.
const bytes = new Uint8Array(readFileSync(file));
const { description, tensors } = decodeModel(bytes, file);
laps.push(performance.now());
const model = servedModel(description.name, description.config, tensors, sample, details);
laps.push(performance.now());
const service = new RecommendationService(model, new RecordedInteractions());
laps.push(performance.now());
const answer = service.recommend({ userId: "7", k: 10 });
laps.push(performance.now());
if (answer.basis !== "model" || answer.items.length !== 10) throw new Error("expected 10 items from the model");
const [decodeMs, scorerMs, serviceMs, answerMs] = laps.slice(1).map((lap, i) => lap - laps[i]);
console.log(JSON.stringify({ decodeMs, scorerMs, serviceMs, answerMs }));
