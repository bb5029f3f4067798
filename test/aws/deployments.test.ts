/** One after the other in one file, as each deployment bundles the Lambdas anew into the same folder. */
import { endToEnd } from "./end-to-end.ts";
import { onLocalAws } from "./local-aws.ts";
import { localCommands } from "./local-commands.ts";

onLocalAws((emulators, kafka) => {
  endToEnd(emulators, kafka);
  // Their emulators and broker are their own: those that are named tell that the machine can start some.
  localCommands();
});
