/**
 * A model registry in any object store:
 *
 *     models/<version>/{model.safetensors, metrics.json, catalogue.json, card.json}
 *     models/champion.json
 *     snapshots/initial/<sha256>     named by content, shared by versions
 *
 * A version's name is a sequence number and the start of the model's sha256. Its place is claimed by creating
 * model.safetensors, which fails where one is: so two publishers of the same moment never write into one place, and
 * different models may share a number. The card comes last and lists size and sha256 of the other files; what has no
 * card, or other sizes than its card says, is no version.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJson, encodeJsonFile } from "../../core/json.ts";
import type {
  CardFacts,
  CardFile,
  Champion,
  JsonValue,
  LoadedModel,
  ModelCard,
  ModelRegistry,
  MoveOptions,
  NewModel,
  SnapshotReference,
} from "../../ports/model-registry.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

const modelFile = "model.safetensors";
const metricsFile = "metrics.json";
const catalogueFile = "catalogue.json";
const cardFile = "card.json";
const championKey = "models/champion.json";
const versionPattern = /^(\d{6,})-[0-9a-f]{8}$/;
const formatVersion = 1;
/** Each failed attempt means that somebody else succeeded; so many in a row mean that something is wrong. */
const maxAttempts = 1000;

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const storedFile = z.object({ bytes: count, sha256 });
const cutOff = z.union([
  z.strictObject({ eventTimeMs: z.int() }),
  z.strictObject({ offsets: z.record(z.string().regex(/^\d+$/), count), topic: z.string().optional() }),
]);
const factsSchema = z.object({
  name: z.string(),
  trainedOn: z.enum(["allData", "beforeCutOff"]),
  cutOff,
  dataset: z.object({
    name: z.string(),
    generated: z.boolean(),
    ratingsSha256: z.string(),
    users: count,
    items: count,
    interactions: count,
  }),
  settings: z.json(),
  seed: count,
  judged: z.object({ hrAt10: z.number(), ndcgAt10: z.number(), cases: count, popularityHrAt10: z.number() }).nullable(),
  fineTuning: z
    .object({
      requestId: z.string(),
      baseVersion: z.string(),
      ranges: z.record(z.string().regex(/^\d+$/), z.object({ from: count, to: count })),
      windowsThroughMs: z.int().optional(),
    })
    .optional(),
  runId: z.string().optional(),
});
const cardSchema = factsSchema.extend({
  version: z.string().regex(versionPattern),
  createdAtMs: z.int(),
  snapshot0: z.object({ key: z.string(), sha256 }).nullable(),
  files: z.object({ [modelFile]: storedFile, [metricsFile]: storedFile, [catalogueFile]: storedFile }),
});
const championSchema = z.object({
  version: z.string().regex(versionPattern),
  revision: z.int().min(1),
  previous: z.string().regex(versionPattern).nullable(),
  promotedAtMs: z.int(),
});

export interface ObjectStoreRegistryOptions {
  /** The time of publications and promotions, ms since 1970; the system's clock by default. */
  readonly nowMs?: () => number;
}

export class ObjectStoreRegistry implements ModelRegistry {
  readonly #store: ObjectStore;
  readonly #nowMs: () => number;

  constructor(store: ObjectStore, { nowMs = Date.now }: ObjectStoreRegistryOptions = {}) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  async publish({ model, metrics, catalogue, card, snapshot0 = null }: NewModel): Promise<ModelCard> {
    const facts = checkedFacts(card);
    const snapshot = await this.#storeSnapshot(snapshot0);
    const metricsBytes = encodeJsonFile(metrics);
    const catalogueBytes = encodeJson(catalogue);
    const version = await this.#claim(model);
    await this.#store.put(keyOf(version, metricsFile), metricsBytes);
    await this.#store.put(keyOf(version, catalogueFile), catalogueBytes);
    const published: ModelCard = {
      version,
      createdAtMs: this.#nowMs(),
      ...facts,
      snapshot0: snapshot,
      files: {
        [modelFile]: fileOf(model),
        [metricsFile]: fileOf(metricsBytes),
        [catalogueFile]: fileOf(catalogueBytes),
      },
    };
    const written = await this.#store.putIfAbsent(keyOf(version, cardFile), asDocument("ncf-model-card", published));
    if (written === null) throw damaged(keyOf(version, cardFile), "expected no card yet, found another publisher's");
    return published;
  }

  async list(): Promise<string[]> {
    const versions = new Set((await this.#store.list("models/")).flatMap(versionWithCard));
    const whole = await Promise.all([...versions].map((version) => this.#isWhole(version)));
    return [...versions].filter((_, i) => whole[i]).sort(byNumber);
  }

  async card(version: string): Promise<ModelCard> {
    const card = await this.#readCard(version);
    if (card === null) throw versionUnknown(version, await this.list());
    return card;
  }

  async load(version: string): Promise<LoadedModel> {
    const card = await this.card(version);
    const content = (name: string) => this.#read(keyOf(version, name), card.files[name]);
    const [model, metrics, catalogue] = await Promise.all([modelFile, metricsFile, catalogueFile].map(content));
    return { card, model, metrics: decodeJson(metrics) as JsonValue, catalogue: decodeJson(catalogue) as JsonValue };
  }

  async snapshot0(version: string): Promise<Uint8Array | null> {
    const { snapshot0 } = await this.card(version);
    return snapshot0 === null ? null : this.#read(snapshot0.key, { sha256: snapshot0.sha256 });
  }

  async champion(): Promise<Champion | null> {
    const bytes = await this.#find(championKey);
    return bytes === null ? null : checkedChampion(bytes);
  }

  promote(version: string, options: MoveOptions = {}): Promise<Champion> {
    return this.#move(options, (current) => ({ version, previous: current?.version ?? null }));
  }

  rollback(options: MoveOptions = {}): Promise<Champion> {
    return this.#move(options, async (current) => {
      if (current === null || current.previous === null) throw noPrevious(current, await this.list());
      return { version: current.previous, previous: null };
    });
  }

  /** Writes what `decide` makes of the champion, looking again whenever somebody else was faster. */
  async #move(
    { expectedRevision }: MoveOptions,
    decide: (
      current: Champion | null,
    ) => Pick<Champion, "version" | "previous"> | Promise<Pick<Champion, "version" | "previous">>,
  ): Promise<Champion> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const found = await this.#readChampion();
      const current = found?.champion ?? null;
      const revision = current?.revision ?? 0;
      if (expectedRevision !== undefined && expectedRevision !== revision)
        throw championMoved(expectedRevision, current);
      const target = await decide(current);
      if (!(await this.#isWhole(target.version))) throw versionUnknown(target.version, await this.list());
      if (current !== null && current.version === target.version) return current;
      const next: Champion = { ...target, revision: revision + 1, promotedAtMs: this.#nowMs() };
      const document = asDocument("ncf-champion", next);
      const written =
        found === null
          ? await this.#store.putIfAbsent(championKey, document)
          : await this.#store.putIfMatch(championKey, document, found.etag);
      if (written !== null) return next;
    }
    throw contended("move the champion");
  }

  async #readChampion(): Promise<{ champion: Champion; etag: string } | null> {
    // The etag first: content that is newer than its etag makes the conditional write fail, not succeed.
    const info = await this.#store.head(championKey);
    if (info === null) return null;
    return { champion: checkedChampion(await this.#store.get(championKey)), etag: info.etag };
  }

  /** Stores the model in a place of its own, and says which. */
  async #claim(model: Uint8Array): Promise<string> {
    const hash = sha256Of(model).slice(0, 8);
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const taken = (await this.#store.list("models/")).map((key) => sequenceOf(key.split("/")[1]));
      const sequence = taken.reduce((most, number) => Math.max(most, number), 0) + 1;
      const version = `${String(sequence).padStart(6, "0")}-${hash}`;
      if ((await this.#store.putIfAbsent(keyOf(version, modelFile), model)) !== null) return version;
    }
    throw contended("find a place for the model");
  }

  async #storeSnapshot(snapshot: Uint8Array | SnapshotReference | null): Promise<SnapshotReference | null> {
    if (snapshot === null) return null;
    if (!(snapshot instanceof Uint8Array)) {
      if ((await this.#store.head(snapshot.key)) !== null) return { key: snapshot.key, sha256: snapshot.sha256 };
      throw new NcfError(
        "SNAPSHOT_UNKNOWN",
        `expected snapshot 0 at ${snapshot.key}, found none. Publish with the snapshot's bytes`,
      );
    }
    const hash = sha256Of(snapshot);
    const key = `snapshots/initial/${hash}`;
    const found = await this.#store.head(key);
    // Named by its content: writing it again changes nothing, and mends one of a wrong size.
    if (found?.size !== snapshot.length) await this.#store.put(key, snapshot);
    return { key, sha256: hash };
  }

  /** Null where there is none. */
  async #readCard(version: string): Promise<ModelCard | null> {
    const key = keyOf(version, cardFile);
    const bytes = versionPattern.test(version) ? await this.#find(key) : null;
    return bytes === null ? null : checkedCard(version, readDocument("ncf-model-card", key, bytes));
  }

  /** Whether the version has a card that this program reads, and files of the sizes that it says. */
  async #isWhole(version: string): Promise<boolean> {
    try {
      const card = await this.#readCard(version);
      if (card === null) return false;
      for (const [name, { bytes }] of Object.entries(card.files)) {
        if ((await this.#store.head(keyOf(version, name)))?.size !== bytes) return false;
      }
      return true;
    } catch (cause) {
      if (cause instanceof NcfError && unreadable.has(cause.code)) return false;
      throw cause;
    }
  }

  async #read(key: string, expected: Partial<CardFile>): Promise<Uint8Array> {
    const content = await this.#find(key);
    if (content === null) throw damaged(key, "expected the file that the card lists, found none");
    if (expected.bytes !== undefined && content.length !== expected.bytes) {
      throw damaged(key, `expected ${expected.bytes} bytes, found ${content.length}`);
    }
    const hash = sha256Of(content);
    if (hash !== expected.sha256) throw damaged(key, `expected content with sha256 ${expected.sha256}, found ${hash}`);
    return content;
  }

  /** Null where there is no such object; in one request, as each is a round trip. */
  async #find(key: string): Promise<Uint8Array | null> {
    try {
      return await this.#store.get(key);
    } catch (cause) {
      if (cause instanceof NcfError && cause.code === "OBJECT_NOT_FOUND") return null;
      throw cause;
    }
  }
}

const unreadable = new Set(["FILE_DAMAGED", "FILE_FOREIGN", "FILE_VERSION"]);

function keyOf(version: string, name: string): string {
  return `models/${version}/${name}`;
}

/** The version that the key is the card of. */
function versionWithCard(key: string): string[] {
  const [, version, name] = key.split("/");
  return name === cardFile && versionPattern.test(version) ? [version] : [];
}

/** 0 for what is no version. */
function sequenceOf(version: string): number {
  return Number(versionPattern.exec(version)?.[1] ?? 0);
}

/** By name as well, up to a million versions. */
function byNumber(a: string, b: string): number {
  return sequenceOf(a) - sequenceOf(b) || (a < b ? -1 : 1);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function fileOf(bytes: Uint8Array): CardFile {
  return { bytes: bytes.length, sha256: sha256Of(bytes) };
}

function asDocument(format: string, content: object): Uint8Array {
  return encodeJsonFile({ format, formatVersion, ...content });
}

/** @throws NcfError `FILE_DAMAGED`, `FILE_FOREIGN`, `FILE_VERSION` */
function readDocument(format: string, key: string, bytes: Uint8Array): unknown {
  let found: { format?: unknown; formatVersion?: unknown } | null;
  try {
    found = decodeJson(bytes) as typeof found;
  } catch (cause) {
    throw damaged(key, "expected complete JSON, found other text", cause);
  }
  if (found?.format !== format) {
    throw new NcfError(
      "FILE_FOREIGN",
      `${key}: expected a document of format ${format}, found another. ${remedyFor(key)}`,
    );
  }
  if (found.formatVersion !== formatVersion) {
    throw new NcfError(
      "FILE_VERSION",
      `${key}: this program reads ${format} version ${formatVersion}, found version ${found.formatVersion}. Use the program version that wrote it`,
    );
  }
  return found;
}

function checkedFacts(facts: CardFacts): CardFacts {
  const parsed = factsSchema.safeParse(facts);
  if (parsed.success) return parsed.data;
  throw new NcfError(
    "CARD_INVALID",
    `expected the facts of a model card, ${z.prettifyError(parsed.error)}. Mend what the publisher says of the model`,
  );
}

function checkedChampion(bytes: Uint8Array): Champion {
  const parsed = championSchema.safeParse(readDocument("ncf-champion", championKey, bytes));
  if (!parsed.success) throw damaged(championKey, `expected a champion, ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function checkedCard(version: string, content: unknown): ModelCard {
  const parsed = cardSchema.safeParse(content);
  if (!parsed.success)
    throw damaged(keyOf(version, cardFile), `expected a model card, ${z.prettifyError(parsed.error)}`);
  if (parsed.data.version === version) return parsed.data;
  throw damaged(keyOf(version, cardFile), `expected the card of ${version}, found that of ${parsed.data.version}`);
}

function remedyFor(key: string): string {
  return key === championKey
    ? "Remove it and promote a version: the revision starts again at 1"
    : "Publish the model again; if it is the champion, promote another version";
}

function damaged(key: string, what: string, cause?: unknown): NcfError {
  return new NcfError("FILE_DAMAGED", `${key}: ${what}. ${remedyFor(key)}`, { cause });
}

function versionUnknown(version: string, known: readonly string[]): NcfError {
  const named = known.length === 0 ? "no version. Publish one first" : `${known.join(", ")}. Choose one of these`;
  return new NcfError("VERSION_UNKNOWN", `expected a whole version "${version}" in the registry, found ${named}`);
}

function noPrevious(champion: Champion | null, known: readonly string[]): NcfError {
  const found =
    champion === null ? "no champion yet" : `champion ${champion.version} (revision ${champion.revision}) without one`;
  return new NcfError(
    "NO_PREVIOUS",
    `expected a champion with a previous version to go back to, found ${found}. Promote a version by name: ${known.join(", ") || "none is published"}`,
  );
}

function championMoved(expected: number, champion: Champion | null): NcfError {
  const found =
    champion === null ? "no champion (revision 0)" : `revision ${champion.revision}, version ${champion.version}`;
  return new NcfError(
    "CHAMPION_MOVED",
    `expected the champion at revision ${expected}, found ${found}: somebody else has moved it. Look at it and decide again`,
    { data: { expectedRevision: expected, champion } },
  );
}

function contended(what: string): NcfError {
  return new NcfError(
    "REGISTRY_CONTENDED",
    `expected to ${what}, but others were faster ${maxAttempts} times in a row. Try again; if it stays so, look who writes there`,
    { retriable: true },
  );
}
