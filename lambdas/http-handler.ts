/** A Lambda around an API: a function from a Request to a Response that never rejects. */
import middy from "@middy/core";
import type { APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { HttpProblem } from "../src/app/http-api/problem.ts";
import { NcfError } from "../src/core/errors.ts";
import { requestOf, resultOf } from "./http-event.ts";
import { correlationId, type Observer, timeoutEarlyInMillis } from "./observability.ts";

/** Each answer is logged, and says by which id. What no answer can be made for becomes a problem document, too. */
export function httpHandler(observer: Observer, api: (request: Request) => Promise<Response>) {
  const answered = async (event: unknown, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    const startMs = performance.now();
    const id = correlationId(event, context);
    const request = requestOf(event);
    const response = await api(request);
    // Who asked is nobody's business but the caller's.
    const path = new URL(request.url).pathname.replace(/^\/users\/[^/]+/, "/users/{id}");
    observer.log(response.status < 500 ? "requestAnswered" : "requestUnanswered", {
      method: request.method,
      path,
      status: response.status,
      milliseconds: Math.round(performance.now() - startMs),
    });
    return resultOf(response, id);
  };
  return middy<unknown, APIGatewayProxyStructuredResultV2, Error, Context>({
    timeoutEarlyInMillis,
    timeoutEarlyResponse: () => {
      observer.log("timedOut");
      throw new NcfError("TIMED_OUT", "expected an answer in time, found none. Try again", { retriable: true });
    },
  })
    .use([
      ...observer.around,
      {
        onError: async (failed) => {
          const { error, event, context } = failed;
          observer.error(error);
          const response = problemOf(error).response();
          if (response.status >= 500) observer.log("requestUnanswered", { status: response.status });
          failed.response = await resultOf(response, correlationId(event, context));
        },
      },
    ])
    .handler(answered);
}

function problemOf(error: unknown): HttpProblem {
  if (error instanceof NcfError && error.code === "EVENT_INVALID") return new HttpProblem(400, error.message);
  if (error instanceof NcfError && error.retriable) {
    return new HttpProblem(503, "the service did not answer in time: try again", { headers: { "Retry-After": "5" } });
  }
  return new HttpProblem(500, "the service failed on this request; its log says why");
}
