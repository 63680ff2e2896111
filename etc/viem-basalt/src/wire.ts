import { type Address, getAddress, hexToBigInt, isHex, numberToHex } from 'viem'

// Fields of the answers that are numbers; all other hexadecimal strings are bytes.
const NUMBERS = new Set([
  'srcChainId', 'dstChainId', 'index', 'value', 'fee', 'gasLimit', 'blockNumber', 'timestamp', 'epoch', 'outboxCount', 'next',
])

// Fields that are addresses, which viem shows with their checksum.
const ADDRESSES = new Set(['sender', 'to'])

/** An answer with its quantities as bigint and its addresses with their checksums. */
export function decoded<T>(answer: unknown): T {
  const walk = (value: unknown, name: string): unknown => {
    if (Array.isArray(value)) return value.map((entry) => walk(entry, name))
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, key)]))
    }
    if (NUMBERS.has(name) && isHex(value)) return hexToBigInt(value)
    return ADDRESSES.has(name) && isHex(value) ? getAddress(value as Address) : value
  }
  return walk(answer, '') as T
}

/** Parameters with their bigints as quantities, and nothing that is undefined. */
export function encoded(params: object): Record<string, unknown> {
  const given = Object.entries(params).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([key, value]) => [key, typeof value === 'bigint' ? numberToHex(value) : value]))
}
