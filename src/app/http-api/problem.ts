/** Errors as clients get them: application/problem+json (RFC 9457), with the fields at fault. */
import { z } from "zod";

export const problemSchema = z
  .object({
    type: z.string().describe("about:blank: the status says what kind of problem it is"),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("What was expected, what was found, what to do"),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).describe("The fields at fault; may be empty"),
  })
  .meta({ id: "Problem" });

export type FieldError = z.infer<typeof problemSchema>["errors"][number];

const titles = {
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;
export type ProblemStatus = keyof typeof titles;

/** Thrown inside the API, answered as it says. */
export class HttpProblem extends Error {
  readonly status: ProblemStatus;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ProblemStatus,
    detail: string,
    { errors = [], headers = {} }: { errors?: readonly FieldError[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }

  response(): Response {
    const body: z.infer<typeof problemSchema> = {
      type: "about:blank",
      title: titles[this.status],
      status: this.status,
      detail: this.message,
      errors: [...this.errors],
    };
    return new Response(JSON.stringify(body), {
      status: this.status,
      headers: { "Content-Type": "application/problem+json", ...this.headers },
    });
  }
}

/** A request whose fields are not as the schema says. */
export function invalidFields(error: z.ZodError): HttpProblem {
  const all = fieldErrors(error.issues, []);
  const more = all.length > 1 ? `; ${all.length - 1} more` : "";
  return new HttpProblem(400, `${all[0].field}: ${all[0].message}${more}`, { errors: all.slice(0, 20) });
}

type Issue = z.core.$ZodIssue;

function fieldErrors(issues: readonly Issue[], within: readonly PropertyKey[]): FieldError[] {
  return issues.flatMap((issue) => {
    const path = [...within, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ field: fieldName([...path, key]), message: "expected no field of that name" }));
    }
    if (issue.code === "invalid_union" && issue.errors.length > 0) return fieldErrors(meantForm(issue.errors), path);
    return [{ field: fieldName(path), message: issue.message }];
  });
}

/** Of several forms that a body may have, what is wrong with the one that knows most of its fields. */
function meantForm(forms: readonly (readonly Issue[])[]): readonly Issue[] {
  const unknownFields = (issues: readonly Issue[]): number =>
    issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 0), 0);
  return forms.toSorted((a, b) => unknownFields(a) - unknownFields(b) || a.length - b.length)[0];
}

/** As JavaScript would name it: items[3].itemId. */
function fieldName(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "body";
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`))
    .join("");
}
