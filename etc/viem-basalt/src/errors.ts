import { BaseError, type Hash } from 'viem'

/** A step that has to wait: the block has not landed, or the outbox is not proven. */
export class NotReadyError extends BaseError {
  constructor(index: bigint, why: string) {
    super(`Message ${index} can't be claimed yet: ${why}.`, { name: 'NotReadyError' })
  }
}

/** A rollup that was deployed without a token bridge. */
export class NoTokenBridgeError extends BaseError {
  constructor(chainId: number) {
    super(`Rollup ${chainId} has no token bridge.`, { name: 'NoTokenBridgeError' })
  }
}

/** Nothing is left to do. */
export class AlreadyClaimedError extends BaseError {
  constructor(index: bigint) {
    super(`Message ${index} was claimed before.`, { name: 'AlreadyClaimedError' })
  }
}

/** The node's path does not lead to the root that Hub holds. */
export class WrongProofError extends BaseError {
  constructor(index: bigint, root: Hash) {
    super(`The node's proof of message ${index} does not lead to the outbox root ${root} that Hub holds.`, { name: 'WrongProofError' })
  }
}

/** It takes longer than the caller waits. */
export class WaitTimeoutError extends BaseError {
  constructor(what: string, ms: number) {
    super(`Timed out after ${ms} ms while waiting for ${what}.`, { name: 'WaitTimeoutError' })
  }
}
