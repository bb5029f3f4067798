/** `/health`, `/ready` and Prometheus `/metrics` of a stream's member. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { StreamStatus } from "../app/stream/stream-status.ts";

export interface StreamHttpDeps {
  readonly status: StreamStatus;
  readonly group: string;
  /** Records of a partition that are committed in the log and not yet read by this member; null when the log does not say. */
  readonly lag: (partition: number, offset: number) => Promise<number | null>;
  readonly nowMs: () => number;
}

export function createStreamHttp(deps: StreamHttpDeps): (request: Request) => Promise<Response> {
  const metrics = metricsOf(deps);
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") return text(405, "expected GET");
    switch (pathname) {
      case "/health":
        return json(200, healthOf(deps));
      case "/ready": {
        const health = healthOf(deps);
        return json(health.status === "ok" ? 200 : 503, health);
      }
      case "/metrics":
        return new Response(await metrics.metrics(), { headers: { "Content-Type": metrics.contentType } });
      default:
        return text(404, "expected /health, /ready or /metrics");
    }
  };
}

/** `status`: "joining" until the group has said what this member does; "waiting" while the brokers or the store do not answer. */
function healthOf({ status, group }: StreamHttpDeps) {
  const waiting = [...status.waiting].map(([who, { sinceMs, cause }]) => ({
    who,
    since: new Date(sinceMs).toISOString(),
    because: cause instanceof Error ? cause.message : String(cause),
  }));
  const joined = status.assigned ? "ok" : "joining";
  return {
    status: waiting.length > 0 ? "waiting" : joined,
    group,
    partitions: [...status.partitions.keys()].sort((a, b) => a - b),
    foldsWindows: status.foldsWindows,
    waiting,
  };
}

function metricsOf({ status, lag, nowMs }: StreamHttpDeps): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  /** One whose value is looked up when it is asked for. */
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  const byPartition = (name: string, help: string, value: (partition: number) => Promise<number | null>) =>
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["partition"],
      async collect() {
        this.reset();
        for (const partition of status.partitions.keys()) {
          const found = await value(partition);
          if (found !== null) this.set({ partition: String(partition) }, found);
        }
      },
    });
  byPartition("ncf_stream_lag_records", "Records of the partition that are not yet committed", (partition) =>
    lag(partition, status.partitions.get(partition)?.offset ?? 0),
  );
  byPartition("ncf_stream_time_seconds", "Stream time: the greatest event time of the partition", async (partition) => {
    const ms = status.partitions.get(partition)?.streamTimeMs ?? null;
    return ms === null ? null : ms / 1000;
  });
  byPartition("ncf_stream_partition_idle", "1 where the partition holds no window back", async (partition) =>
    status.partitions.get(partition)?.idle === true ? 1 : 0,
  );
  byPartition("ncf_stream_snapshot_age_seconds", "Since this member stored the latest snapshot", async (partition) => {
    const atMs = status.partitions.get(partition)?.snapshotAtMs ?? null;
    return atMs === null ? null : (nowMs() - atMs) / 1000;
  });
  new Counter({
    name: "ncf_stream_records_total",
    help: "Records by what became of them",
    registers,
    labelNames: ["kind"],
    collect() {
      this.reset();
      for (const [kind, count] of Object.entries(status.counts)) this.inc({ kind }, count);
    },
  });
  counter("ncf_stream_commits_total", "Transactions of partitions", () => status.commits);
  counter("ncf_stream_fenced_total", "Takeovers of what this member still worked on", () => status.fenced);
  counter("ncf_stream_snapshot_failures_total", "Snapshots that the store did not take", () => status.snapshotFailures);
  counter("ncf_stream_challengers_set_aside_total", "Challengers that could not be loaded", () => status.setAside);
  counter("ncf_stream_windows_final_total", "Windows that became final", () => status.finalWindows);
  gauge("ncf_stream_windows_open", "Windows with a provisional report", () => status.openWindows);
  gauge("ncf_stream_waiting", "Partitions and other work for which brokers or store do not answer", () => {
    return status.waiting.size;
  });
  gauge("ncf_stream_hr_at_10", "HR@10 of the latest final window", () => status.latestWindow?.hrAt10 ?? Number.NaN);
  return registry;
}

function json(status: number, value: unknown): Response {
  return new Response(`${JSON.stringify(value)}\n`, { status, headers: { "Content-Type": "application/json" } });
}

function text(status: number, value: string): Response {
  return new Response(`${value}\n`, { status, headers: { "Content-Type": "text/plain" } });
}
