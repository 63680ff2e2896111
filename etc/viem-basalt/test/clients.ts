import { type Hash, createPublicClient, createWalletClient, defineChain, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { inject } from 'vitest'
import { publicActionsL1, publicActionsL2, rollupChain, walletActionsL1, walletActionsL2 } from '../src/index.js'

const devnet = inject('devnet')

export const rollup = rollupChain(inject('config'), { rpcUrl: devnet.sequencer.rpcUrl })

const l1Chain = defineChain({
  id: devnet.l1.chainId,
  name: 'L1',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [devnet.l1.rpcUrl] } },
})

// No retries: an answer that is wrong once is wrong.
const on = <C extends typeof l1Chain | typeof rollup>(chain: C) => ({
  chain,
  transport: http(undefined, { retryCount: 0 }),
  pollingInterval: 100,
  cacheTime: 0,
})

export const l1 = createPublicClient(on(l1Chain)).extend(publicActionsL1())
export const l2 = createPublicClient(on(rollup)).extend(publicActionsL2())

/** The wallets of one of the devnet's accounts. Each test file has its own. */
export function wallets(index: number) {
  const account = privateKeyToAccount(devnet.accounts[index]!.key)
  return {
    account,
    l1: createWalletClient({ ...on(l1Chain), account }).extend(walletActionsL1()),
    l2: createWalletClient({ ...on(rollup), account }).extend(walletActionsL2()),
  }
}

/** Waits for a receipt that says success. */
export async function mined(client: typeof l1 | typeof l2, hash: Hash) {
  const receipt = await (client as typeof l1).waitForTransactionReceipt({ hash, timeout: 60_000 })
  if (receipt.status !== 'success') throw new Error(`transaction ${hash} failed`)
  return receipt
}
