import { type Address, type Chain, type Hex, defineChain, getAddress, slice } from 'viem'

/** Messenger, at the same address on every rollup. */
export const MESSENGER: Address = '0xBa5a170000000000000000000000000000000001'
/** The token bridge of every rollup. */
export const L2_TOKEN_BRIDGE: Address = '0xba5A170000000000000000000000000000000002'
/** Multicall3, predeployed on every rollup. */
export const MULTICALL3: Address = '0xcA11bde05977b3631167028862bE2a173976CA11'

/** What is needed of a chain file, or of the answer of `rollup_config`. */
export type RollupConfig = {
  l1ChainId: number
  hub: Address
  hubBlock: number
  l1SlotMs: number
  genesis: { config: { chainId: number }; alloc: Record<string, { storage?: Record<string, Hex> }> }
}

/** Where a rollup's bridge is. Every chain of `rollupChain` is one. */
export type Bridge = { id: number; sourceId: number; custom: { basalt: { hub: Address; tokenBridge: Address | undefined; l1SlotMs: number } } }

/** A rollup as viem knows chains. */
export type RollupChain = Chain & Bridge

// Where genesis names L1's token bridge, beside the chain id of L1 (SPEC section 13).
const L1_SIDE_SLOT = `0x${'0'.padStart(64, '0')}`

function tokenBridge({ genesis }: RollupConfig): Address | undefined {
  const account = Object.entries(genesis.alloc).find(([address]) => address.toLowerCase() === L2_TOKEN_BRIDGE.toLowerCase())
  const word = account?.[1].storage?.[L1_SIDE_SLOT]
  return word && getAddress(slice(word, 12))
}

/** The chain of a chain file (or of `rollup_config`), reached at `rpcUrl`. Its L1 is `sourceId`; Hub stands in `custom.basalt.hub`. */
export function rollupChain(config: RollupConfig, options: { rpcUrl: string; name?: string }): RollupChain {
  return defineChain({
    id: config.genesis.config.chainId,
    name: options.name ?? `Basalt ${config.genesis.config.chainId}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [options.rpcUrl] } },
    contracts: { multicall3: { address: MULTICALL3 }, messenger: { address: MESSENGER } },
    sourceId: config.l1ChainId,
    custom: { basalt: { hub: getAddress(config.hub), tokenBridge: tokenBridge(config), l1SlotMs: config.l1SlotMs } },
  }) as RollupChain
}

/** Asks the node at `rpcUrl` for its chain file. Who moves much reads it from a file instead. */
export async function rollupChainOf(rpcUrl: string, options: { name?: string } = {}): Promise<RollupChain> {
  const answer = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'rollup_config', params: [] }),
  })
  const { result, error } = (await answer.json()) as { result?: RollupConfig; error?: { message: string } }
  if (!result) throw new Error(`rollup_config: ${error?.message ?? `HTTP ${answer.status}`}`)
  return rollupChain(result, { rpcUrl, ...options })
}
