// What a wallet or an application does with viem, on both layers of a running devnet. Needs the variables of the devnet's
// `.env`. Prints a line for each step; the first thing that is not as it should be ends it with exit code 1.

import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import {
  BaseError, ContractFunctionRevertedError, ExecutionRevertedError, InsufficientFundsError, NonceTooLowError,
  concat, createPublicClient, createWalletClient, defineChain, http, keccak256, pad, parseEther,
  parseEventLogs, parseGwei, webSocket, zeroHash,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

const DEADLINE_MS = 60_000
const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11'
const OUTBOX_DEPTH = 32
// Enough for a message to a new account that does nothing: 21,000 and the state gas of an account (EIP-8037) are Hub's.
const MESSAGE_GAS = 30_000n

const env = Object.fromEntries(
  ['L1_RPC_URL', 'L1_CHAIN_ID', 'L2_RPC_URL', 'L2_FOLLOWER_RPC_URL', 'L2_CHAIN_ID', 'HUB', 'MESSENGER', 'PRIVATE_KEY']
    .map((name) => [name, process.env[name] ?? stop(`${name} is not set: source the .env file of a running devnet first`)]),
)
const artifact = (name) => JSON.parse(readFileSync(new URL(`../../bridge/abi/${name}.json`, import.meta.url), 'utf8'))
const [hubAbi, messengerAbi, counter] = [artifact('Hub').abi, artifact('Messenger').abi, artifact('Counter')]

const account = privateKeyToAccount(env.PRIVATE_KEY)
const [l1, l1Wallet] = clients('L1', Number(env.L1_CHAIN_ID), env.L1_RPC_URL)
const [l2, l2Wallet] = clients('L2', Number(env.L2_CHAIN_ID), env.L2_RPC_URL)
const [follower] = clients('follower', Number(env.L2_CHAIN_ID), env.L2_FOLLOWER_RPC_URL)
const [l1Id, l2Id] = [BigInt(env.L1_CHAIN_ID), BigInt(env.L2_CHAIN_ID)]
const hub = { address: env.HUB, abi: hubAbi }
const messenger = { address: env.MESSENGER, abi: messengerAbi }

function clients(name, id, url) {
  const chain = defineChain({
    id,
    name,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
    // L1 has no Multicall3 of its own: whoever needs it there deploys it.
    contracts: name === 'L1' ? {} : { multicall3: { address: MULTICALL3 } },
  })
  // No retries: an answer that is wrong once is wrong.
  const transport = http(url, { batch: true, retryCount: 0 })
  const common = { chain, transport, pollingInterval: 100, cacheTime: 0 }
  return [createPublicClient(common), createWalletClient({ ...common, account })]
}

function stop(reason) {
  console.error(`viem: ${reason}`)
  process.exit(1)
}

async function step(name, work) {
  const started = Date.now()
  try {
    const detail = await work()
    console.log(`ok  ${name}${detail ? `: ${detail}` : ''} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  } catch (error) {
    console.error(`viem: ${name}: ${error.stack ?? error}`)
    process.exit(1)
  }
}

async function until(what, look) {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    const found = await look()
    if (found) return found
    assert(Date.now() < deadline, `${what}: not within ${DEADLINE_MS / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function mined(client, hash) {
  const receipt = await client.waitForTransactionReceipt({ hash, timeout: DEADLINE_MS })
  assert.equal(receipt.status, 'success', `transaction ${hash}`)
  assert.equal(receipt.transactionHash, hash)
  return receipt
}

const fresh = () => privateKeyToAccount(generatePrivateKey())
const paid = (receipt) => receipt.gasUsed * receipt.effectiveGasPrice
const one = (list, what) => {
  assert.equal(list.length, 1, `${what}: ${list.length} instead of one`)
  return list[0]
}

async function refusal(promise, kind, text) {
  const error = await promise.then(() => assert.fail(`accepted; expected ${kind.name}`), (error) => error)
  assert(error instanceof BaseError, `${error}`)
  const found = error.walk((cause) => cause instanceof kind)
  assert(found, `viem does not see ${kind.name} in: ${error.message}`)
  if (text) assert(error.message.includes(text), `no "${text}" in: ${error.message}`)
  return found
}

await step('both layers answer', async () => {
  assert.equal(await l1.getChainId(), Number(l1Id))
  for (const client of [l2, follower]) assert.equal(await client.getChainId(), Number(l2Id))
  for (const client of [l1, l2, follower]) {
    const block = await client.getBlock()
    assert(block.baseFeePerGas > 0n, 'base fee')
    assert((await client.getBalance({ address: account.address })) > parseEther('1000'))
    const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
    assert(maxFeePerGas >= maxPriorityFeePerGas)
    const fees = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [10, 50] })
    assert.equal(fees.baseFeePerGas.length, fees.gasUsedRatio.length + 1)
    assert((await client.getGasPrice()) > 0n)
  }
  assert.equal(await l2.getCode({ address: fresh().address }), undefined)
})

await step('transfer on L2, to the wei', async () => {
  const [to, value] = [fresh().address, parseEther('1.000000000000000001')]
  const gas = await l2.estimateGas({ account, to, value })
  const [before, nonce] = await Promise.all([
    l2.getBalance({ address: account.address }), l2.getTransactionCount({ address: account.address }),
  ])
  const hash = await l2Wallet.sendTransaction({ to, value })
  const receipt = await mined(l2, hash)
  assert.equal(receipt.type, 'eip1559')
  assert(receipt.gasUsed <= gas, `used ${receipt.gasUsed}, estimated ${gas}`)
  assert.equal(await l2.getBalance({ address: to }), value)
  assert.equal(await l2.getBalance({ address: account.address }), before - value - paid(receipt))
  assert.equal(await l2.getTransactionCount({ address: account.address }), nonce + 1)
  const found = await l2.getTransaction({ hash })
  assert.equal(found.blockHash, receipt.blockHash)
  assert.equal(found.value, value)
  const block = await l2.getBlock({ blockHash: receipt.blockHash, includeTransactions: true })
  assert(block.transactions.some((transaction) => transaction.hash === hash))
  return `${receipt.gasUsed} gas of ${gas} estimated, block ${receipt.blockNumber}`
})

let deployed
await step('deploy a contract', async () => {
  const hash = await l2Wallet.deployContract({ abi: counter.abi, bytecode: counter.bytecode, args: [env.MESSENGER] })
  const receipt = await mined(l2, hash)
  deployed = { address: receipt.contractAddress, abi: counter.abi }
  assert.equal(await l2.readContract({ ...deployed, functionName: 'count' }), 0n)
  assert((await l2.getCode(deployed)).length > 2)
  return `${deployed.address}, ${receipt.gasUsed} gas`
})

await step('call it, read its logs', async () => {
  const { request } = await l2.simulateContract({ ...deployed, account, functionName: 'increment', args: [7n] })
  const receipt = await mined(l2, await l2Wallet.writeContract(request))
  const inReceipt = one(parseEventLogs({ abi: counter.abi, logs: receipt.logs, eventName: 'Incremented' }), 'event')
  const logs = await l2.getContractEvents({ ...deployed, eventName: 'Incremented', fromBlock: 0n })
  const log = one(logs, 'log')
  assert.deepEqual(log.args, inReceipt.args)
  assert.equal(log.args.count, 7n)
  assert.equal(log.blockHash, receipt.blockHash)
  const byHash = await l2.getLogs({ address: deployed.address, blockHash: receipt.blockHash })
  assert.equal(one(byHash, 'log of the block').transactionHash, receipt.transactionHash)
})

await step('multicall through Multicall3', async () => {
  const [count, messengerCount, balance] = await l2.multicall({
    contracts: [
      { ...deployed, functionName: 'count' },
      { ...messenger, functionName: 'outboxCount' },
      {
        address: MULTICALL3,
        abi: [{
          type: 'function', name: 'getEthBalance', stateMutability: 'view',
          inputs: [{ name: 'addr', type: 'address' }], outputs: [{ name: 'balance', type: 'uint256' }],
        }],
        functionName: 'getEthBalance',
        args: [account.address],
      },
    ],
    allowFailure: false,
  })
  assert.equal(count, 7n)
  assert(typeof messengerCount === 'bigint')
  assert.equal(balance, await l2.getBalance({ address: account.address }))
})

await step('EIP-7702: a sponsor delegates a stranger\'s account', async () => {
  const authority = fresh()
  const authorization = await l2Wallet.signAuthorization({
    account: authority, contractAddress: deployed.address, chainId: Number(l2Id), nonce: 0,
  })
  const data = { abi: counter.abi, functionName: 'increment', args: [3n] }
  const gas = await l2.estimateContractGas({
    ...data, account, address: authority.address, authorizationList: [authorization],
  })
  const hash = await l2Wallet.writeContract({ ...data, address: authority.address, authorizationList: [authorization] })
  const receipt = await mined(l2, hash)
  assert.equal(receipt.type, 'eip7702')
  assert(receipt.gasUsed <= gas, `used ${receipt.gasUsed}, estimated ${gas}`)
  assert.equal(await l2.getCode({ address: authority.address }), concat(['0xef0100', deployed.address.toLowerCase()]))
  assert.equal(await l2.readContract({ ...data, address: authority.address, functionName: 'count', args: [] }), 3n)
  assert.equal(await l2.getTransactionCount({ address: authority.address }), 1)
  return `${receipt.gasUsed} gas of ${gas} estimated`
})

await step('legacy and access list transactions', async () => {
  const to = fresh().address
  const gasPrice = (await l2.getGasPrice()) * 2n
  const legacy = await mined(l2, await l2Wallet.sendTransaction({ type: 'legacy', to, value: 1n, gasPrice }))
  assert.equal(legacy.type, 'legacy')
  const accessList = [{ address: deployed.address, storageKeys: [zeroHash] }]
  const listed = await mined(l2, await l2Wallet.sendTransaction({ type: 'eip2930', to, value: 2n, gasPrice, accessList }))
  assert.equal(listed.type, 'eip2930')
  assert.equal(await l2.getBalance({ address: to }), 3n)
})

await step('errors that viem understands', async () => {
  const [poor, to] = [fresh(), fresh().address]
  await refusal(l2Wallet.sendTransaction({ account: poor, to, value: 1n }), InsufficientFundsError)
  // Without an estimate before it, the pool itself has to say so.
  const blind = { to, value: 1n, gas: 300_000n, maxFeePerGas: parseGwei('10'), maxPriorityFeePerGas: 1n }
  await refusal(l2Wallet.sendTransaction({ ...blind, account: poor, nonce: 0 }), InsufficientFundsError)
  await refusal(l2Wallet.sendTransaction({ ...blind, nonce: 0 }), NonceTooLowError)
  // A contract that answers everything with `revert("no luck today")`.
  const reason = 'no luck today'
  const word = (number) => pad(`0x${number.toString(16)}`)
  const text = pad(`0x${Buffer.from(reason).toString('hex')}`, { dir: 'right' })
  const payload = concat(['0x08c379a0', word(32), word(reason.length), text])
  const code = concat(['0x606e600a5f39606e5ff3', '0x6064600a5f3960645ffd', payload])
  const { contractAddress } = await mined(l2, await l2Wallet.sendTransaction({ data: code }))
  await refusal(l2.call({ account, to: contractAddress }), ExecutionRevertedError, reason)
  await refusal(l2.estimateGas({ account, to: contractAddress }), ExecutionRevertedError, reason)
  const set = { ...deployed, account, functionName: 'increment', args: [1n] }
  await mined(l2, await l2Wallet.writeContract({ ...deployed, functionName: 'setClosed', args: [true] }))
  const reverted = await refusal(l2.simulateContract(set), ContractFunctionRevertedError)
  assert.equal(reverted.data.errorName, 'Closed')
  await mined(l2, await l2Wallet.writeContract({ ...deployed, functionName: 'setClosed', args: [false] }))
  // A transaction that reverts all the same is included, and says so.
  const hash = await l2Wallet.sendTransaction({ to: contractAddress, gas: 100_000n })
  const receipt = await l2.waitForTransactionReceipt({ hash, timeout: DEADLINE_MS })
  assert.equal(receipt.status, 'reverted')
  const hubError = await refusal(
    l1.simulateContract({ ...hub, account, functionName: 'sendMessage', args: [1n, to, 0n, MESSAGE_GAS, '0x'] }),
    ContractFunctionRevertedError,
  )
  assert.equal(hubError.data.errorName, 'UnknownRollup')
})

await step('watchers over WebSocket and HTTP', async () => {
  const socket = webSocket(env.L2_RPC_URL.replace(/^http/, 'ws'), { retryCount: 0, reconnect: false })
  const live = createPublicClient({ chain: l2.chain, transport: socket })
  const seen = { ws: [], http: [], wsLogs: [], httpLogs: [] }
  const onError = (error) => stop(`a watcher fails: ${error.stack}`)
  const note = (list) => (items) => list.push(...items)
  const unwatch = [
    live.watchBlocks({ onBlock: (block) => seen.ws.push(block), onError }),
    l2.watchBlocks({ onBlock: (block) => seen.http.push(block), onError, emitMissed: true }),
    live.watchContractEvent({ ...deployed, eventName: 'Incremented', onLogs: note(seen.wsLogs), onError }),
    l2.watchContractEvent({ ...deployed, eventName: 'Incremented', onLogs: note(seen.httpLogs), onError }),
  ]
  // A subscription has no moment from which on it is known to hold, so blocks are made until both have seen one.
  await until('blocks in both watchers', async () => {
    await mined(l2, await l2Wallet.sendTransaction({ to: deployed.address, data: '0x06661abd' }))
    return seen.ws.length > 0 && seen.http.length > 0
  })
  const hash = await l2Wallet.writeContract({ ...deployed, functionName: 'increment', args: [1n] })
  const receipt = await mined(l2, hash)
  await until('the log in both watchers', () => seen.wsLogs.length > 0 && seen.httpLogs.length > 0)
  const both = () => [seen.ws, seen.http].every((blocks) => blocks.some(({ hash }) => hash === receipt.blockHash))
  await until('its block in both watchers', both)
  for (const stopWatching of unwatch) stopWatching()
  for (const logs of [seen.wsLogs, seen.httpLogs]) {
    assert.equal(one(logs, 'watched log').transactionHash, hash)
    assert.equal(logs[0].blockHash, receipt.blockHash)
  }
  for (const blocks of [seen.ws, seen.http]) {
    for (const [index, block] of blocks.entries()) {
      if (index) assert.equal(block.parentHash, blocks[index - 1].hash, 'a watcher left a block out')
    }
  }
  const { socket: open } = await live.transport.getRpcClient()
  open.close()
  return `${seen.ws.length} and ${seen.http.length} blocks`
})

await step('safe and finalized move, and are true', async () => {
  const [before, beforeFinal] = await Promise.all(['safe', 'finalized'].map((blockTag) => l2.getBlock({ blockTag })))
  await mined(l2, await l2Wallet.sendTransaction({ to: fresh().address, value: 1n }))
  await until('safe to move', async () => (await l2.getBlock({ blockTag: 'safe' })).number > before.number)
  await until('finalized to move', async () =>
    (await l2.getBlock({ blockTag: 'finalized' })).number > beforeFinal.number)
  const [final, safe, latest] = [
    await l2.getBlock({ blockTag: 'finalized' }), await l2.getBlock({ blockTag: 'safe' }), await l2.getBlock(),
  ]
  assert(final.number <= safe.number && safe.number <= latest.number, 'finalized <= safe <= latest')
  const landed = await l1.readContract({ ...hub, functionName: 'rollup', args: [l2Id] })
  assert(safe.number <= landed.number, 'safe is beyond what Hub accepted')
  const root = await l1.readContract({ ...hub, functionName: 'stateRootAt', args: [l2Id, final.number] })
  assert.equal(root, final.stateRoot)
  const theirs = await until('the follower', () => follower.getBlock({ blockNumber: safe.number }).catch(() => null))
  assert.equal(theirs.hash, safe.hash)
  return `latest ${latest.number}, safe ${safe.number}, finalized ${final.number}`
})

await step('proof of an account and a slot, for a balance that reads the same', async () => {
  const blockNumber = (await l2.getBlock({ blockTag: 'safe' })).number
  const proof = await l2.getProof({ address: account.address, storageKeys: [], blockNumber })
  assert.equal(proof.balance, await l2.getBalance({ address: account.address, blockNumber }))
  const block = await l2.getBlock({ blockNumber })
  assert.equal(keccak256(proof.accountProof[0]), block.stateRoot, 'the first node hashes to the state root')
  const slot = await l2.getProof({ address: env.MESSENGER, storageKeys: [zeroHash], blockNumber })
  const stored = await l2.getStorageAt({ address: env.MESSENGER, slot: zeroHash, blockNumber })
  assert.equal(slot.storageProof[0].value, BigInt(stored))
})

const escrow = async () => (await l1.readContract({ ...hub, functionName: 'rollup', args: [l2Id] })).escrow

await step('bridge in: L1 -> L2', async () => {
  const [to, value] = [fresh().address, parseEther('1.5') + 1n]
  const minFee = await l1.readContract({ ...hub, functionName: 'minFee', args: [l2Id, MESSAGE_GAS, 0n] })
  // The base fee may rise until Hub sees the message.
  const fee = minFee * 2n
  const [held, before] = [await escrow(), await l1.getBalance({ address: account.address })]
  const hash = await l1Wallet.writeContract({
    ...hub, functionName: 'sendMessage', args: [l2Id, to, fee, MESSAGE_GAS, '0x'], value: value + fee,
  })
  const receipt = await mined(l1, hash)
  assert.equal(await l1.getBalance({ address: account.address }), before - value - fee - paid(receipt))
  assert.equal(await escrow(), held + value + fee)
  const { args } = one(parseEventLogs({ abi: hubAbi, logs: receipt.logs, eventName: 'MessageSent' }), 'MessageSent')
  assert.equal(args.message.value, value)
  for (const client of [l2, follower]) {
    await until('the ether on L2', async () => (await client.getBalance({ address: to })) > 0n)
    assert.equal(await client.getBalance({ address: to }), value)
  }
  const relayed = await l2.getContractEvents({
    ...messenger, eventName: 'MessageRelayed', args: { srcChainId: l1Id, index: args.index }, fromBlock: 0n,
  })
  assert.equal(one(relayed, 'MessageRelayed').args.success, true)
  return `${receipt.gasUsed} L1 gas, message ${args.index}`
})

// The siblings of leaf `index` in the Merkle tree of depth 32 whose further leaves are zero (bridge/SPEC.md, "Messages").
function merklePath(leaves, index) {
  const path = []
  let [level, zero, at] = [leaves, zeroHash, Number(index)]
  for (let depth = 0; depth < OUTBOX_DEPTH; depth++) {
    path.push(level[at ^ 1] ?? zero)
    const parents = []
    for (let left = 0; left < level.length; left += 2) {
      parents.push(keccak256(concat([level[left], level[left + 1] ?? zero])))
    }
    ;[level, zero, at] = [parents, keccak256(concat([zero, zero])), at >> 1]
  }
  return { path, root: level[0] }
}

await step('bridge out: L2 -> L1, proven and claimed', async () => {
  const [to, value, fee] = [fresh().address, parseEther('0.75') + 3n, parseEther('0.001')]
  const before = await l2.getBalance({ address: account.address })
  const hash = await l2Wallet.writeContract({
    ...messenger, functionName: 'sendMessage', args: [l1Id, to, fee, MESSAGE_GAS, '0x'], value: value + fee,
  })
  const sent = await mined(l2, hash)
  assert.equal(await l2.getBalance({ address: account.address }), before - value - fee - paid(sent))
  const { args } = one(parseEventLogs({ abi: messengerAbi, logs: sent.logs, eventName: 'MessageSent' }), 'MessageSent')
  const blockNumber = sent.blockNumber
  await until('the block to be safe', async () => (await l2.getBlock({ blockTag: 'safe' })).number >= blockNumber)

  const proof = await l2.getProof({ address: env.MESSENGER, storageKeys: [zeroHash], blockNumber })
  const proving = await mined(l1, await l1Wallet.writeContract({
    ...hub, functionName: 'proveOutbox', args: [l2Id, blockNumber, proof.accountProof, proof.storageProof[0].proof],
  }))
  const proven = one(parseEventLogs({ abi: hubAbi, logs: proving.logs, eventName: 'OutboxProven' }), 'OutboxProven').args
  const logs = await l2.getContractEvents({
    ...messenger, eventName: 'MessageSent', fromBlock: 0n, toBlock: blockNumber,
  })
  const { path, root } = merklePath(logs.map((log) => log.args.leaf), args.index)
  assert.equal(root, proven.root, 'the tree of all messages has the root that Hub holds')

  const [held, funds] = [await escrow(), await l1.getBalance({ address: account.address })]
  const claim = { ...hub, functionName: 'claim', args: [args.message, proven.epoch, path] }
  const claimed = await mined(l1, await l1Wallet.writeContract(claim))
  assert.equal(await l1.getBalance({ address: to }), value)
  assert.equal(await escrow(), held - value - fee)
  assert.equal(await l1.getBalance({ address: account.address }), funds + fee - paid(claimed))
  const again = await refusal(l1.simulateContract({ ...claim, account }), ContractFunctionRevertedError)
  assert.equal(again.data.errorName, 'AlreadyClaimed')
  return `${proving.gasUsed} and ${claimed.gasUsed} L1 gas`
})

console.log('viem: all as it should be')
// viem keeps the timer of a WebSocket's ping beyond its end.
process.exit(0)
