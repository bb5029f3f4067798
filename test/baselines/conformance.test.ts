import { baselineKindNamed, baselineNames } from "../../src/baselines/kinds.ts";
import { testBaseline } from "../conformance/baseline.ts";

const impersonal = ["popularity", "decayed-popularity"];

for (const name of baselineNames) {
  const kind = baselineKindNamed(name);
  if (kind !== null) testBaseline(kind, { isPersonal: !impersonal.includes(name) });
}
