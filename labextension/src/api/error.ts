/** An error of the server: one sentence and the next step. */
export class ApiError extends Error {
  /**
   * @param options.message - What failed.
   * @param options.hint - The next step; empty where there is none.
   * @param options.type - The class of the error on the server.
   * @param options.status - The HTTP status; 0 when nothing answered.
   * @param options.field - The field of the request that is wrong, where one is.
   */
  constructor(options: {
    message: string;
    hint?: string;
    type?: string;
    status?: number;
    field?: string;
  }) {
    super(options.message);
    this.name = 'ApiError';
    this.hint = options.hint ?? '';
    this.type = options.type ?? 'Error';
    this.status = options.status ?? 0;
    this.field = options.field ?? '';
  }

  readonly hint: string;
  readonly type: string;
  readonly status: number;
  readonly field: string;
}

/** Any thrown value as an `ApiError`. */
export function toApiError(reason: unknown): ApiError {
  if (reason instanceof ApiError) {
    return reason;
  }
  return new ApiError({
    message: reason instanceof Error ? reason.message : String(reason)
  });
}

/** Read the error out of an answer that is not OK. */
export async function errorOf(response: Response): Promise<ApiError> {
  let fields: {
    type?: string;
    message?: string;
    hint?: string;
    field?: string;
  } = {};
  try {
    const body = await response.json();
    fields = body?.error ?? { message: body?.message };
  } catch {
    // A proxy's page or an empty body: only the status line is known.
  }
  return new ApiError({
    message:
      fields.message || `${response.status} ${response.statusText}`.trim(),
    hint: fields.hint,
    type: fields.type,
    status: response.status,
    field: fields.field
  });
}
