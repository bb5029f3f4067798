/** What `import ... from "ncf-stream/cdk"` gives. */
export { NcfRecommender, type NcfRecommenderProps } from "./constructs/ncf-recommender.ts";
export type { KafkaSettings, NetworkSettings } from "./constructs/settings.ts";
