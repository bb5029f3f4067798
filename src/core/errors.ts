/**
 * The one base class of every error that this project raises on purpose.
 *
 * `code` is a literal that callers may branch on; nobody parses a message. The message says what was expected, what
 * was found and what to do. `retriable` tells an entry point whether trying the same call again can help.
 */
export class NcfError extends Error {
  readonly code: string;
  readonly retriable: boolean;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; retriable?: boolean; data?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "NcfError";
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.data = options.data ?? {};
  }
}
