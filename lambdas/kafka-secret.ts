/** How the brokers know the Lambda: the secret that its stack names. */
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { z } from "zod";
import type { KafkaConnection } from "../src/adapters/kafka/kafka-connection.ts";
import { NcfError } from "../src/core/errors.ts";

const secretSchema = z.object({
  mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]),
  username: z.string().min(1),
  password: z.string().min(1),
});

/** @throws NcfError `SECRET_INVALID`; those of the SDK */
export async function kafkaLogin(arn: string): Promise<NonNullable<KafkaConnection["sasl"]>> {
  const { SecretString = "" } = await new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: arn }));
  return parseLogin(SecretString, arn);
}

/** @throws NcfError `SECRET_INVALID`, which does not show the secret */
export function parseLogin(text: string, arn: string): NonNullable<KafkaConnection["sasl"]> {
  try {
    const { mechanism, username, password } = secretSchema.parse(JSON.parse(text));
    // One of the three, which kafkajs' type wants to see one by one.
    return { mechanism, username, password } as NonNullable<KafkaConnection["sasl"]>;
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : "it is no JSON";
    throw new NcfError(
      "SECRET_INVALID",
      `expected secret ${arn} to be JSON with mechanism (plain, scram-sha-256, scram-sha-512), username and password: ${reason}. Correct it`,
    );
  }
}
