import { type Hash, concat, encodeAbiParameters, keccak256, parseAbiParameters } from 'viem'
import type { Message } from './types.js'

/** Levels of the outbox tree between a leaf and the root. */
export const OUTBOX_DEPTH = 32

const LEAF = parseAbiParameters(
  'string domain, uint64 srcChainId, uint64 dstChainId, uint64 index, address sender, address to, uint256 value, uint256 fee, uint64 gasLimit, bytes32 dataHash',
)

/** The 32 bytes that stand for a message in inbox and outbox. */
export function messageLeaf(m: Message): Hash {
  return keccak256(
    encodeAbiParameters(LEAF, [
      'basalt.message.v1', m.srcChainId, m.dstChainId, m.index, m.sender, m.to, m.value, m.fee, m.gasLimit, keccak256(m.data),
    ]),
  )
}

/** The root that a leaf at `index` has with these siblings. */
export function outboxRootOf(leaf: Hash, index: bigint, path: readonly Hash[]): Hash {
  return path.reduce(
    (hash, sibling, level) => keccak256((index >> BigInt(level)) & 1n ? concat([sibling, hash]) : concat([hash, sibling])),
    leaf,
  )
}
