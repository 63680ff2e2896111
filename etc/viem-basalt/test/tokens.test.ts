import { readFileSync } from 'node:fs'
import { type Abi, type Hex, erc20Abi } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { expect, test } from 'vitest'
import { l1, l2, mined, rollup, wallets } from './clients.js'

const me = wallets(5)
const artifact = JSON.parse(readFileSync(new URL('../../../bridge/abi/TestToken.json', import.meta.url), 'utf8')) as { abi: Abi; bytecode: Hex | { object: Hex } }
const bytecode = typeof artifact.bytecode === 'string' ? artifact.bytecode : artifact.bytecode.object

test('a token goes there and back, to the last unit', async () => {
  const owner = me.account.address
  const args = ['Test', 'TST', 6]
  const { contractAddress } = await mined(l1, await me.l1.deployContract({ abi: artifact.abi, bytecode, args, chain: me.l1.chain }))
  const token = contractAddress!
  const common = { address: token, chain: me.l1.chain }
  await mined(l1, await me.l1.writeContract({ ...common, abi: artifact.abi, functionName: 'mint', args: [owner, 1_000n] }))
  const spender = rollup.custom.basalt.tokenBridge!
  await mined(l1, await me.l1.writeContract({ ...common, abi: erc20Abi, functionName: 'approve', args: [spender, 700n] }))

  const hash = await me.l1.depositToken({ targetChain: rollup, token, amount: 700n })
  await mined(l1, hash)
  const [arrived] = await l2.waitForDeposit({ hash })
  expect(arrived!.status).toBe('delivered')
  const bridged = await l2.getBridgedToken({ token })
  const on = { address: bridged, abi: erc20Abi } as const
  expect(await l2.readContract({ ...on, functionName: 'balanceOf', args: [owner] })).toBe(700n)
  expect(await l2.readContract({ ...on, functionName: 'symbol' })).toBe('TST')

  const to = privateKeyToAddress(generatePrivateKey())
  const withdrawal = await me.l2.withdrawToken({ token, amount: 300n, to })
  await mined(l2, withdrawal)
  const [landed] = await l2.waitToProve({ hash: withdrawal })
  if (landed!.status === 'landed') await mined(l1, await me.l1.proveOutbox({ targetChain: rollup, proof: landed! }))
  const [proof] = await l2.waitToClaim({ hash: withdrawal })
  await mined(l1, await me.l1.claim({ targetChain: rollup, proof: proof! }))
  expect(await l1.readContract({ address: token, abi: erc20Abi, functionName: 'balanceOf', args: [to] })).toBe(300n)
  expect(await l2.readContract({ ...on, functionName: 'totalSupply' })).toBe(400n)
})
