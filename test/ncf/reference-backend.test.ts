import { referenceBackend } from "../../src/ncf/reference/backend.ts";
import { testNumericBackend } from "../conformance/numeric-backend.ts";

testNumericBackend("reference", referenceBackend, { lossTolerance: 1e-5, valueTolerance: 1e-5 });
