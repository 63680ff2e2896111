import { ContractFunctionRevertedError, type Hex, BaseError, encodeFunctionData, getContractAddress, parseAbi, parseEther } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { describe, expect, inject, test } from 'vitest'
import {
  AlreadyClaimedError, MESSENGER, NotReadyError, WaitTimeoutError, WrongProofError, messageLeaf, rollupChainOf,
} from '../src/index.js'
import { l1, l2, mined, rollup, wallets } from './clients.js'

const me = wallets(4)
const fresh = () => privateKeyToAddress(generatePrivateKey())

/** Creation code of a contract that takes calls without data only after one with data. */
function switchable(): Hex {
  // 00 CALLDATASIZE PUSH1 0d JUMPI   04 PUSH0 SLOAD PUSH1 13 JUMPI   09 PUSH0 PUSH0 REVERT STOP   0d JUMPDEST PUSH1 1 PUSH0 SSTORE STOP   13 JUMPDEST STOP
  const runtime = '36600d575f546013575f5ffd005b60015f55005b00'
  const size = (runtime.length / 2).toString(16).padStart(2, '0')
  return `0x60${size}600a5f3960${size}5ff3${runtime}`
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => expect.fail('it was not refused'), (error: unknown) => error)
}

function refusal(error: unknown): string | undefined {
  const reverted = error instanceof BaseError ? error.walk((cause) => cause instanceof ContractFunctionRevertedError) : null
  return reverted instanceof ContractFunctionRevertedError ? reverted.data?.errorName : undefined
}

describe('into the rollup', () => {
  test('ether arrives at an account that never had any', async () => {
    const [to, value] = [fresh(), parseEther('1.25')]
    const hash = await me.l1.depositETH({ targetChain: rollup, to, value })
    await mined(l1, hash)
    const [arrived] = await l2.waitForDeposit({ hash })
    expect(arrived).toMatchObject({ status: 'delivered', message: { to, value, sender: me.account.address }, sent: { transactionHash: hash } })
    expect(await l2.getBalance({ address: to })).toBe(value)
    expect(messageLeaf(arrived!.message!)).toBe(arrived!.leaf)
    const [byIndex] = (await l2.getDepositStatus({ index: arrived!.index }))!
    expect(byIndex).toMatchObject({ status: 'delivered', leaf: arrived!.leaf })
    const listed = await l2.getMessages({ direction: 'in', to })
    expect(listed.messages.map(({ index }) => index)).toEqual([arrived!.index])
  })

  test('a message that fails is kept, and delivered when it is called again', async () => {
    const nonce = await l2.getTransactionCount({ address: me.account.address })
    await mined(l2, await me.l2.deployContract({ abi: [], bytecode: switchable(), chain: rollup }))
    const to = getContractAddress({ from: me.account.address, nonce: BigInt(nonce) })
    const hash = await me.l1.sendMessageToL2({ targetChain: rollup, to, value: 7n, gasLimit: 100_000n })
    const [failed] = await l2.waitForDeposit({ hash })
    expect(failed!.status).toBe('failed')
    expect(refusal(await rejection(me.l2.retry({ message: failed!.message! })))).toBe('CallFailed')

    await mined(l2, await me.l2.sendTransaction({ to, data: '0x01', chain: rollup }))
    const retried = await mined(l2, await me.l2.retry({ message: failed!.message! }))
    const [done] = (await l2.getDepositStatus({ hash }))!
    expect(done).toMatchObject({ status: 'retried', ended: { transactionHash: retried.transactionHash } })
    expect(await l2.getBalance({ address: to })).toBe(7n)
    expect(refusal(await rejection(me.l2.retry({ message: failed!.message! })))).toBe('NotFailed')
  })

  test('a fee that is too low is refused by name before anything is sent', async () => {
    const error = await rejection(me.l1.sendMessageToL2({ targetChain: rollup, to: fresh(), value: 1n, fee: 0n }))
    expect(refusal(error)).toBe('FeeTooLow')
    expect(await l1.getMinFee({ targetChain: rollup })).toBeGreaterThan(0n)
  })

  test('a transaction that L1 does not have is null, and one without a message is an error', async () => {
    expect(await l2.getDepositStatus({ hash: `0x${'12'.repeat(32)}` })).toBeNull()
    const plain = await mined(l1, await me.l1.sendTransaction({ to: fresh(), value: 1n, chain: me.l1.chain }))
    expect(String(await rejection(l2.getDepositStatus({ hash: plain.transactionHash })))).toContain('sent no message into this rollup')
    const soon = { hash: `0x${'13'.repeat(32)}` as Hex, timeout: 1, pollingInterval: 1 }
    expect(await rejection(l2.waitForDeposit(soon))).toBeInstanceOf(WaitTimeoutError)
  })
})

describe('out of the rollup', () => {
  test('ether is withdrawn, proven and claimed once', async () => {
    const [to, value, fee] = [fresh(), parseEther('0.5'), 1_000n]
    const hash = await me.l2.withdraw({ to, value, fee })
    await mined(l2, hash)
    const listed = await l2.getWithdrawals({ address: to })
    expect(listed.withdrawals.map(({ sent }) => sent.transactionHash)).toEqual([hash])
    const [landed] = await l2.waitToProve({ hash })
    const { index } = landed!.message

    const inOutbox = (await l2.getMessageProof({ index }))!
    expect(inOutbox.leaf).toBe(landed!.leaf)
    // The sequencer may have proven it in the landing already.
    if (landed!.status === 'landed') {
      expect(await rejection(me.l1.claim({ targetChain: rollup, proof: landed! }))).toBeInstanceOf(NotReadyError)
      await mined(l1, await me.l1.proveOutbox({ targetChain: rollup, proof: landed! }))
    }
    const [proven] = await l2.waitToClaim({ hash })
    expect(proven!.status).toBe('proven')

    const { claim } = proven!
    const forged = { ...proven!, claim: { ...claim!, path: [...claim!.path].reverse() } }
    expect(await rejection(me.l1.claim({ targetChain: rollup, proof: forged }))).toBeInstanceOf(WrongProofError)

    const before = (await l1.getRollup({ targetChain: rollup })).escrow
    await mined(l1, await me.l1.claim({ targetChain: rollup, proof: proven! }))
    expect(await l1.getBalance({ address: to })).toBe(value)
    expect((await l1.getRollup({ targetChain: rollup })).escrow).toBe(before - value - fee)
    expect(await l1.isClaimed({ targetChain: rollup, index })).toBe(true)
    expect(refusal(await rejection(me.l1.claim({ targetChain: rollup, proof: proven! })))).toBe('AlreadyClaimed')
    const [done] = (await l2.getWithdrawalProof({ hash }))!
    expect(done).toMatchObject({ status: 'claimed', claim: null, prove: null })
    expect(await rejection(me.l1.claim({ targetChain: rollup, proof: done! }))).toBeInstanceOf(AlreadyClaimedError)
    expect(await l2.getWithdrawalStatus({ hash })).toEqual(['claimed'])
  })

  test('a message carries a call, and lists are filtered', async () => {
    const to = fresh()
    const data = encodeFunctionData({ abi: parseAbi(['function ping(uint256)']), args: [7n] })
    await mined(l2, await me.l2.sendMessage({ to, data, gasLimit: 50_000n }))
    const { messages, next } = await l2.getMessages({ sender: me.account.address, to })
    expect(next).toBeNull()
    expect(messages).toMatchObject([{ message: { to, data, value: 0n, dstChainId: BigInt(rollup.sourceId) } }])
  })
})

test("the node's word makes the same chain as the chain file", async () => {
  const ofNode = await rollupChainOf(inject('devnet').sequencer.rpcUrl)
  expect(ofNode).toMatchObject({ id: rollup.id, sourceId: rollup.sourceId, custom: rollup.custom })
  expect(ofNode.contracts?.messenger).toEqual({ address: MESSENGER })
})
