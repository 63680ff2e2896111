import { type Account, type Address, type Chain, type Client, type Hash, type Hex, type Transport, type WalletClient } from 'viem'
import { readContract, simulateContract, writeContract } from 'viem/actions'
import { l2TokenBridgeAbi, messengerAbi } from './abi.js'
import { type Bridge, L2_TOKEN_BRIDGE, MESSENGER } from './chains.js'
import { PLAIN_GAS } from './l1.js'
import type {
  DepositStatus, ListedMessage, Message, MessageFilter, MessageKey, MessageProof, Withdrawal, WithdrawalFilter, WithdrawalProof,
} from './types.js'
import { type Waiting, wait } from './wait.js'
import { decoded, encoded } from './wire.js'

const messenger = { address: MESSENGER, abi: messengerAbi }
const tokenBridge = { address: L2_TOKEN_BRIDGE, abi: l2TokenBridgeAbi }

async function ask<T>(client: Client, method: string, ...params: unknown[]): Promise<T> {
  const request = client.request as (call: { method: string; params: unknown[] }) => Promise<unknown>
  return decoded<T>(await request({ method, params }))
}

const key = (message: MessageKey) => message.hash ?? encoded({ index: message.index })

/** Where messages into the rollup stand, by the L1 transaction that sent them; `null` as long as L1 does not have it. */
export function getDepositStatus(client: Client, message: MessageKey): Promise<DepositStatus[] | null> {
  return ask(client, 'rollup_getDepositStatus', key(message))
}

/** Waits until all messages of a deposit were called, with success or without. */
export function waitForDeposit(client: Client, parameters: MessageKey & Waiting): Promise<DepositStatus[]> {
  return wait('the deposit to arrive', client, parameters, async () => {
    const found = await getDepositStatus(client, parameters)
    return found?.every(({ status }) => status !== 'waiting' && status !== 'named') ? found : undefined
  })
}

/** What L1 wants to see of messages out of the rollup, by the L2 transaction that sent them; `null` as long as no block has it. */
export function getWithdrawalProof(client: Client, message: MessageKey): Promise<WithdrawalProof[] | null> {
  return ask(client, 'rollup_getWithdrawalProof', key(message))
}

/** Where messages out of the rollup stand: sent, landed, proven or claimed; `null` as long as no block has the transaction. */
export async function getWithdrawalStatus(client: Client, message: MessageKey): Promise<WithdrawalProof['status'][] | null> {
  return (await getWithdrawalProof(client, message))?.map(({ status }) => status) ?? null
}

/** Waits until the block of a withdrawal has landed, so that it can be proven, or until it can be claimed or was. */
export function waitToProve(client: Client, parameters: MessageKey & Waiting): Promise<WithdrawalProof[]> {
  return wait("the withdrawal's block to land", client, parameters, async () => {
    const found = await getWithdrawalProof(client, parameters)
    return found?.every(({ status }) => status !== 'sent') ? found : undefined
  })
}

/** Waits until a withdrawal is proven, by whoever proves it, or claimed. */
export function waitToClaim(client: Client, parameters: MessageKey & Waiting): Promise<WithdrawalProof[]> {
  return wait('the withdrawal to be proven', client, parameters, async () => {
    const found = await getWithdrawalProof(client, parameters)
    return found?.every(({ status }) => status === 'proven' || status === 'claimed') ? found : undefined
  })
}

export type GetWithdrawalsParameters = { address: Address } & WithdrawalFilter

/** Messages out of the rollup that an account sent or that are for it, newest first. `next` is the next `cursor`. */
export function getWithdrawals(
  client: Client,
  { address, ...filter }: GetWithdrawalsParameters,
): Promise<{ withdrawals: Withdrawal[]; next: bigint | null }> {
  return ask(client, 'rollup_getWithdrawals', address, encoded(filter))
}

/** Messages by filter, ascending. `next` is the next `fromIndex`. */
export function getMessages(client: Client, filter: MessageFilter = {}): Promise<{ messages: ListedMessage[]; next: bigint | null }> {
  return ask(client, 'rollup_getMessages', encoded(filter))
}

export type GetMessageProofParameters = { index: bigint; blockNumber?: bigint }

/** A message out of the rollup under the state root of a block, the newest by default; `null` when it was not sent. */
export function getMessageProof(client: Client, parameters: GetMessageProofParameters): Promise<MessageProof | null> {
  return ask(client, 'rollup_getMessageProof', encoded(parameters))
}

/** Where the contract of an L1 token is on the rollup, or will be after its first deposit. */
export function getBridgedToken(client: Client, { token }: { token: Address }): Promise<Address> {
  return readContract(client, { ...tokenBridge, functionName: 'bridgedToken', args: [token] })
}

/** Reads of a rollup's node, for `client.extend(publicActionsL2())`. */
export function publicActionsL2() {
  return (client: Client) => ({
    getDepositStatus: (message: MessageKey) => getDepositStatus(client, message),
    waitForDeposit: (parameters: MessageKey & Waiting) => waitForDeposit(client, parameters),
    getWithdrawalProof: (message: MessageKey) => getWithdrawalProof(client, message),
    getWithdrawalStatus: (message: MessageKey) => getWithdrawalStatus(client, message),
    waitToProve: (parameters: MessageKey & Waiting) => waitToProve(client, parameters),
    waitToClaim: (parameters: MessageKey & Waiting) => waitToClaim(client, parameters),
    getWithdrawals: (parameters: GetWithdrawalsParameters) => getWithdrawals(client, parameters),
    getMessages: (filter?: MessageFilter) => getMessages(client, filter),
    getMessageProof: (parameters: GetMessageProofParameters) => getMessageProof(client, parameters),
    getBridgedToken: (parameters: { token: Address }) => getBridgedToken(client, parameters),
  })
}

/** A client with an account, on the rollup. */
type Wallet = WalletClient<Transport, Chain & Bridge, Account>

export type SendMessageParameters = {
  /** Where it goes; the rollup's L1 by default. */
  dstChainId?: number
  to: Address
  value?: bigint
  fee?: bigint
  gasLimit?: bigint
  data?: Hex
}
export type WithdrawParameters = { value: bigint; to?: Address; fee?: bigint }
export type WithdrawTokenParameters = {
  /** The ERC-20 on L1. */
  token: Address
  amount: bigint
  to?: Address
  /** Wei for whoever claims on L1. */
  fee?: bigint
}
export type RetryParameters = { message: Message }
export type RefundParameters = RetryParameters & {
  /** Wei for whoever delivers it; nothing is needed for L1. */
  fee?: bigint
}

/** Sends a message out of the rollup; returns the hash of the L2 transaction, by which everything else goes on. */
export async function sendMessage(
  client: Wallet,
  { dstChainId, to, value = 0n, fee = 0n, gasLimit = PLAIN_GAS, data = '0x' }: SendMessageParameters,
): Promise<Hash> {
  const { request } = await simulateContract(client, {
    ...messenger,
    functionName: 'sendMessage',
    args: [BigInt(dstChainId ?? client.chain.sourceId), to, fee, gasLimit, data],
    value: value + fee,
    account: client.account,
  })
  return writeContract(client, { ...request, chain: client.chain })
}

/** Sends ether to L1; by default to the sender's own address. */
export function withdraw(client: Wallet, { to, ...parameters }: WithdrawParameters): Promise<Hash> {
  return sendMessage(client, { to: to ?? client.account.address, ...parameters })
}

/** Burns tokens on the rollup and has L1 pay out as many, once the message is claimed as any other. */
export async function withdrawToken(client: Wallet, { token, amount, to, fee = 0n }: WithdrawTokenParameters): Promise<Hash> {
  const { request } = await simulateContract(client, {
    ...tokenBridge, functionName: 'withdraw', args: [token, amount, to ?? client.account.address], value: fee, account: client.account,
  })
  return writeContract(client, { ...request, chain: client.chain })
}

/** Calls a message again that had failed, with all gas there is. */
export async function retry(client: Wallet, { message }: RetryParameters): Promise<Hash> {
  const { request } = await simulateContract(client, { ...messenger, functionName: 'retry', args: [message], account: client.account })
  return writeContract(client, { ...request, chain: client.chain })
}

/** Sends a message that is kept back to its sender on its source chain, once the refund delay has passed. */
export async function refund(client: Wallet, { message, fee = 0n }: RefundParameters): Promise<Hash> {
  const { request } = await simulateContract(client, {
    ...messenger, functionName: 'refund', args: [message], value: fee, account: client.account,
  })
  return writeContract(client, { ...request, chain: client.chain })
}

/** Writes to the Messenger, for `walletClient.extend(walletActionsL2())`. */
export function walletActionsL2() {
  return (client: Wallet) => ({
    sendMessage: (parameters: SendMessageParameters) => sendMessage(client, parameters),
    withdraw: (parameters: WithdrawParameters) => withdraw(client, parameters),
    retry: (parameters: RetryParameters) => retry(client, parameters),
    refund: (parameters: RefundParameters) => refund(client, parameters),
    withdrawToken: (parameters: WithdrawTokenParameters) => withdrawToken(client, parameters),
  })
}
