/** The OpenAPI 3.1 document, made of the schemas that check requests; its schemas are plain JSON Schema. */
import { z } from "zod";
import { maxBodyBytes, type Operation } from "./operation.ts";
import { problemSchema } from "./problem.ts";

type Json = { [name: string]: unknown };

export function openApiDocument(operations: readonly Operation[], apiVersion: string): Json {
  const components: Json = {};
  const schemaOf = (schema: z.ZodType, io: "input" | "output"): unknown => {
    const { $schema, $defs = {}, ...rest } = z.toJSONSchema(schema, { io });
    Object.assign(components, referring($defs));
    return referring(rest);
  };
  const problem = {
    description: "What was wrong with the request",
    content: { "application/problem+json": { schema: schemaOf(problemSchema, "output") } },
  };
  const paths: Record<string, Json> = {};
  for (const { id, method, path, summary, params, query, headers, body, response, contentType } of operations) {
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = {
      operationId: id,
      summary,
      parameters: [
        ...parametersOf(params, "path"),
        ...parametersOf(query, "query"),
        ...parametersOf(headers, "header"),
      ],
      ...(body && {
        requestBody: {
          required: true,
          description: `At most ${maxBodyBytes} bytes`,
          content: { "application/json": { schema: schemaOf(body, "input") } },
        },
      }),
      responses: {
        200: { description: summary, content: { [contentType]: { schema: schemaOf(response, "output") } } },
        "4XX": problem,
        "5XX": problem,
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "ncf-stream",
      version: apiVersion,
      description: "Recommendations from one model, and the interactions that change them. Ids are strings.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas: components },
  };
}

function parametersOf(fields: z.ZodObject | undefined, where: "path" | "query" | "header"): Json[] {
  return Object.entries(fields?.shape ?? {}).map(([name, schema]) => {
    const { $schema, description, ...type } = z.toJSONSchema(schema as z.ZodType, { io: "output" });
    return { name, in: where, required: where === "path", description, schema: type };
  });
}

/** zod keeps named schemas in $defs; OpenAPI keeps them among its components. */
function referring(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}
