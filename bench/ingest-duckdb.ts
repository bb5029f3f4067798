/**
 * The other contender of bench/ingest.ts, and its referee. As a program its arguments are: ratings.csv, output folder,
 * threads.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { peakRssBytes } from "../src/cli/machine.ts";

/** File order is the table's rowid; `rank` 1 is the latest rating, the first in the file among ties. */
const read = (csv: string) => `create table ratings as select userId u, movieId i, "timestamp" t from read_csv('${csv}',
  auto_detect = false, header = true, delim = ',',
  columns = {'userId': 'INTEGER', 'movieId': 'INTEGER', 'rating': 'FLOAT', 'timestamp': 'INTEGER'})`;
const split = (users: string) => `create table ranked as select u, i, t, ratings.rowid n,
  row_number() over (partition by u order by t desc, ratings.rowid) rank from ratings semi join ${users} using (u)`;
const interactions = `u::BIGINT "userId", i::BIGINT "itemId", epoch_ms(t::BIGINT * 1000) "timestamp"`;

async function connect(threads: number): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(":memory:", { threads: String(threads) });
  return instance.connect();
}

async function count(connection: DuckDBConnection, sql: string): Promise<number> {
  return Number((await connection.runAndReadAll(sql)).getRowsJson()[0][0]);
}

/** Fails unless the sample in `folder` is exactly the split that DuckDB makes for the same users. */
export async function verifySplit(csv: string, folder: string): Promise<void> {
  const db = await connect(2);
  await db.run(read(csv));
  const users = await count(db, "select floor(0.3 * count(distinct u)) from ratings");
  await db.run(`create table chosen as select "userId"::INTEGER u from '${join(folder, "users.parquet")}'`);
  await db.run(split("chosen"));
  const differences = (file: string, condition: string) =>
    count(
      db,
      `with ours as (select "userId" u, "itemId" i, epoch_ms("timestamp") // 1000 t from '${join(folder, file)}'),
       theirs as (select u, i, t from ranked where ${condition})
       select (select count(*) from (from ours except all from theirs)) + (select count(*) from (from theirs except all from ours))`,
    );
  const wrong = {
    users: (await count(db, "select count(*) from chosen")) - users,
    test: await differences("test.parquet", "rank = 1"),
    train: await differences("train.parquet", "rank > 1"),
  };
  db.closeSync();
  if (Object.values(wrong).some((value) => value !== 0)) {
    throw new Error(
      `expected the split that DuckDB makes of the same users, found differences: ${JSON.stringify(wrong)}`,
    );
  }
  console.log("ncf's users, training and test rows are those that DuckDB computes");
}

async function contend(csv: string, out: string, threads: number): Promise<void> {
  mkdirSync(out, { recursive: true });
  const cpuStart = process.cpuUsage();
  const start = performance.now();
  const db = await connect(threads);
  await db.run(read(csv));
  await db.run(`create table chosen as select u from (select distinct u from ratings)
    order by hash(u) limit (select floor(0.3 * count(distinct u))::BIGINT from ratings)`);
  await db.run(split("chosen"));
  const write = (name: string, query: string) =>
    db.run(`copy (${query}) to '${join(out, name)}' (format parquet, compression uncompressed)`);
  await write("train.parquet", `select ${interactions} from ranked where rank > 1 order by u, t, n`);
  await write("test.parquet", `select ${interactions} from ranked where rank = 1 order by u`);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuStart);
  const rows = await count(db, "select count(*) from ranked where rank > 1");
  console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakRssBytes: peakRssBytes(), rows }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , csv, out, threads] = process.argv;
  await contend(csv, out, Number(threads));
}
