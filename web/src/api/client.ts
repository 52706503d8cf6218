//! The one way to the API: typed by the contract, on the page's own origin. A refusal becomes an error that says what to do.
import createClient from 'openapi-fetch'
import type { paths } from './schema'

/** Where the dashboard serves the API: links (exports) are built from it too. */
export const API_BASE = '/api'

export const api = createClient<paths>({ baseUrl: API_BASE, fetch: (request) => fetch(request) })

/** What the server refused, or that it could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** The word of the contract that stays the same: `bad_parameter`, `not_ready`, … */
    readonly word: string,
    message: string,
    /** Seconds that the server asks to wait. */
    readonly retryAfter?: number,
    /** The character of `q` that could not be read, from 0. */
    readonly at?: number,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

function refusal(response: Response, body: unknown): ApiError {
  const { error, message, at } = (typeof body === 'object' && body !== null ? body : {}) as { error?: unknown; message?: unknown; at?: unknown }
  const wait = Number(response.headers.get('Retry-After') ?? Number.NaN)
  return new ApiError(
    response.status,
    typeof error === 'string' ? error : 'failed',
    typeof message === 'string' ? message : `The server answered ${response.status} ${response.statusText}.`.replace(' .', '.'),
    Number.isFinite(wait) ? wait : undefined,
    typeof at === 'number' ? at : undefined,
  )
}

/** The data of an answer with its response; throws an `ApiError` for all else. */
export async function answered<T>(call: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  let answer: Answer<T>
  try {
    answer = await call
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, 'unreachable', 'The server can’t be reached. Is Whittle still running?')
  }
  if (!answer.response.ok || answer.data === undefined) throw refusal(answer.response, answer.error)
  return { data: answer.data, response: answer.response }
}

/** What the server says to a question that it can't read, and at which character; null for every other failure. */
export interface Refusal {
  message: string
  at?: number
}

export function refused(error: unknown): Refusal | null {
  return error instanceof ApiError && error.status === 400 ? { message: error.message, at: error.at } : null
}

/** Whether asking again may help: not for what the server will refuse again. */
export function worthRetrying(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500
}
