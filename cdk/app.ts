/** The CDK app of this repository; `cdk.json` says how it is run and holds its context. */
import { App } from "aws-cdk-lib";
import { withDefaults } from "./constructs/settings.ts";
import { readContext } from "./context.ts";
import { addRecommenderStacks } from "./stacks/recommender-stacks.ts";

const app = new App();
const { settings, region, account } = readContext(app.node);
// Without an account the templates fit any, and nothing is looked up. The CLI knows the region of the caller's profile.
const { CDK_DEFAULT_REGION } = process.env;
const deployedTo = region ?? CDK_DEFAULT_REGION;
addRecommenderStacks(app, withDefaults(settings, settings.name), {
  ...(deployedTo === undefined ? {} : { region: deployedTo }),
  ...(account === undefined ? {} : { account }),
});
app.synth();
