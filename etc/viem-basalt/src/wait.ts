import { WaitTimeoutError } from './errors.js'

/** How long to wait, and how often to look. */
export type Waiting = {
  /** Milliseconds until an error says that it took too long; ten minutes by default. */
  timeout?: number
  /** Milliseconds between two looks; the client's own by default. */
  pollingInterval?: number
}

/** Looks until something is found. */
export async function wait<T>(what: string, client: { pollingInterval: number }, waiting: Waiting, look: () => Promise<T | undefined>): Promise<T> {
  const timeout = waiting.timeout ?? 600_000
  const deadline = Date.now() + timeout
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() >= deadline) throw new WaitTimeoutError(what, timeout)
    await new Promise((resolve) => setTimeout(resolve, waiting.pollingInterval ?? client.pollingInterval))
  }
}
