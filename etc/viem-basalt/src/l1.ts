import {
  type Account, type Address, type Chain, type Client, type Hash, type Hex, type ReadContractReturnType, type Transport, type WalletClient,
} from 'viem'
import { readContract, simulateContract, writeContract } from 'viem/actions'
import { hubAbi, tokenBridgeAbi } from './abi.js'
import type { Bridge } from './chains.js'
import { AlreadyClaimedError, NoTokenBridgeError, NotReadyError, WrongProofError } from './errors.js'
import { messageLeaf, outboxRootOf } from './leaf.js'
import type { WithdrawalProof } from './types.js'

/** Gas of a message that only carries ether, to an account without code. */
export const PLAIN_GAS = 30_000n

/** Minimum fees are offered this many times over: the rollup's base fee may rise until Hub sees the message. */
const FEE_HEADROOM = 2n

const hubOf = (chain: Bridge) => ({ address: chain.custom.basalt.hub, abi: hubAbi })

/** What Hub holds for a rollup. */
export type RollupState = ReadContractReturnType<typeof hubAbi, 'rollup'>

function tokenBridgeOf(chain: Bridge) {
  const address = chain.custom.basalt.tokenBridge
  if (!address) throw new NoTokenBridgeError(chain.id)
  return { address, abi: tokenBridgeAbi }
}

export type GetTokenDepositFeeParameters = { targetChain: Bridge; token: Address }
export type GetMinFeeParameters = { targetChain: Bridge; gasLimit?: bigint; dataLength?: number }
export type GetRollupParameters = { targetChain: Bridge }
export type IsClaimedParameters = { targetChain: Bridge; index: bigint }

/** The least fee that Hub takes now for a message into the rollup, wei. */
export function getMinFee(client: Client, { targetChain, gasLimit = PLAIN_GAS, dataLength = 0 }: GetMinFeeParameters): Promise<bigint> {
  return readContract(client, { ...hubOf(targetChain), functionName: 'minFee', args: [BigInt(targetChain.id), gasLimit, BigInt(dataLength)] })
}

/** What Hub holds for the rollup. */
export function getRollup(client: Client, { targetChain }: GetRollupParameters): Promise<RollupState> {
  return readContract(client, { ...hubOf(targetChain), functionName: 'rollup', args: [BigInt(targetChain.id)] })
}

/** Whether message `index` out of the rollup was claimed. */
export function isClaimed(client: Client, { targetChain, index }: IsClaimedParameters): Promise<boolean> {
  return readContract(client, { ...hubOf(targetChain), functionName: 'isClaimed', args: [BigInt(targetChain.id), index] })
}

/** The least fee that the token bridge takes now for a deposit of this token into the rollup, wei. */
export async function getTokenDepositFee(client: Client, { targetChain, token }: GetTokenDepositFeeParameters): Promise<bigint> {
  return readContract(client, { ...tokenBridgeOf(targetChain), functionName: 'depositFee', args: [BigInt(targetChain.id), token] })
}

/** Reads of Hub, for `client.extend(publicActionsL1())`. */
export function publicActionsL1() {
  return (client: Client) => ({
    getMinFee: (parameters: GetMinFeeParameters) => getMinFee(client, parameters),
    getRollup: (parameters: GetRollupParameters) => getRollup(client, parameters),
    isClaimed: (parameters: IsClaimedParameters) => isClaimed(client, parameters),
    getTokenDepositFee: (parameters: GetTokenDepositFeeParameters) => getTokenDepositFee(client, parameters),
  })
}

/** A client with an account, on L1. */
type Wallet = WalletClient<Transport, Chain, Account>

export type SendMessageToL2Parameters = {
  targetChain: Bridge
  to: Address
  /** Wei for `to`. */
  value?: bigint
  /** Wei for whoever relays; twice Hub's least by default. */
  fee?: bigint
  gasLimit?: bigint
  data?: Hex
}
export type DepositETHParameters = { targetChain: Bridge; value: bigint; to?: Address; fee?: bigint }
export type ProveOutboxParameters = { targetChain: Bridge; proof: WithdrawalProof }
export type ClaimParameters = ProveOutboxParameters
export type ForwardParameters = ClaimParameters & { topUp?: bigint }
export type DepositTokenParameters = {
  targetChain: Bridge
  /** The ERC-20 on L1. */
  token: Address
  amount: bigint
  to?: Address
  /** Wei for whoever relays; twice the least by default. */
  fee?: bigint
  /** EIP-2612, of the sender for exactly `amount`, instead of an approval. */
  permit?: { deadline: bigint; v: number; r: Hex; s: Hex }
}

/** Sends a message into the rollup; returns the hash of the L1 transaction, by which everything else goes on. Hub's refusals are viem's contract errors. */
export async function sendMessageToL2(
  client: Wallet,
  { targetChain, to, value = 0n, fee: given, gasLimit = PLAIN_GAS, data = '0x' }: SendMessageToL2Parameters,
): Promise<Hash> {
  const dataLength = (data.length - 2) / 2
  const fee = given ?? FEE_HEADROOM * (await getMinFee(client, { targetChain, gasLimit, dataLength }))
  const { request } = await simulateContract(client, {
    ...hubOf(targetChain),
    functionName: 'sendMessage',
    args: [BigInt(targetChain.id), to, fee, gasLimit, data],
    value: value + fee,
    account: client.account,
  })
  return writeContract(client, { ...request, chain: client.chain })
}

/** Sends ether into the rollup, to an account without code; by default the sender's own address. */
export function depositETH(client: Wallet, { to, ...parameters }: DepositETHParameters): Promise<Hash> {
  return sendMessageToL2(client, { to: to ?? client.account.address, ...parameters })
}

/** Proves the rollup's outbox to Hub, for all messages so far. Only for a proof with `status` landed. */
export async function proveOutbox(client: Wallet, { targetChain, proof }: ProveOutboxParameters): Promise<Hash> {
  if (!proof.prove) throw new NotReadyError(proof.message.index, `its status is "${proof.status}", and only a landed one is proven`)
  const { blockNumber, accountProof, storageProof } = proof.prove
  const { request } = await simulateContract(client, {
    ...hubOf(targetChain),
    functionName: 'proveOutbox',
    args: [BigInt(targetChain.id), blockNumber, accountProof, storageProof],
    account: client.account,
  })
  return writeContract(client, { ...request, chain: client.chain })
}

/** What a claim needs, checked against the root that Hub holds. */
async function proven(client: Wallet, { targetChain, proof }: ClaimParameters) {
  const { message, status } = proof
  if (status === 'claimed') throw new AlreadyClaimedError(message.index)
  if (!proof.claim) {
    throw new NotReadyError(message.index, status === 'sent' ? 'its block has not landed' : 'the outbox is not proven to Hub')
  }
  const { epoch, path } = proof.claim
  const root = await readContract(client, { ...hubOf(targetChain), functionName: 'outboxRoot', args: [BigInt(targetChain.id), epoch] })
  if (outboxRootOf(messageLeaf(message), message.index, path) !== root) throw new WrongProofError(message.index, root)
  return { message, epoch, path }
}

/** Delivers a message to L1, once; the caller gets its fee. The node's path is checked against the root that Hub holds. */
export async function claim(client: Wallet, parameters: ClaimParameters): Promise<Hash> {
  const { message, epoch, path } = await proven(client, parameters)
  const { request } = await simulateContract(client, {
    ...hubOf(parameters.targetChain), functionName: 'claim', args: [message, epoch, path], account: client.account,
  })
  return writeContract(client, { ...request, chain: client.chain })
}

/** Takes a message to another rollup on to it. `topUp` wei are added to its fee. */
export async function forward(client: Wallet, { topUp = 0n, ...parameters }: ForwardParameters): Promise<Hash> {
  const { message, epoch, path } = await proven(client, parameters)
  const { request } = await simulateContract(client, {
    ...hubOf(parameters.targetChain), functionName: 'forward', args: [[message], epoch, [path]], value: topUp, account: client.account,
  })
  return writeContract(client, { ...request, chain: client.chain })
}

/** Locks tokens on L1 and has the rollup mint as many. The token bridge (`custom.basalt.tokenBridge`) must be allowed to take them, by approval or by `permit`. */
export async function depositToken(client: Wallet, { targetChain, token, amount, to, fee: given, permit }: DepositTokenParameters): Promise<Hash> {
  const fee = given ?? FEE_HEADROOM * (await getTokenDepositFee(client, { targetChain, token }))
  const args = [BigInt(targetChain.id), token, amount, to ?? client.account.address] as const
  const common = { ...tokenBridgeOf(targetChain), value: fee, account: client.account }
  if (permit) {
    const { deadline, v, r, s } = permit
    const { request } = await simulateContract(client, { ...common, functionName: 'depositWithPermit', args: [...args, deadline, v, r, s] })
    return writeContract(client, { ...request, chain: client.chain })
  }
  const { request } = await simulateContract(client, { ...common, functionName: 'deposit', args })
  return writeContract(client, { ...request, chain: client.chain })
}

/** Writes to Hub, for `walletClient.extend(walletActionsL1())`. */
export function walletActionsL1() {
  return (client: Wallet) => ({
    sendMessageToL2: (parameters: SendMessageToL2Parameters) => sendMessageToL2(client, parameters),
    depositETH: (parameters: DepositETHParameters) => depositETH(client, parameters),
    proveOutbox: (parameters: ProveOutboxParameters) => proveOutbox(client, parameters),
    claim: (parameters: ClaimParameters) => claim(client, parameters),
    forward: (parameters: ForwardParameters) => forward(client, parameters),
    depositToken: (parameters: DepositTokenParameters) => depositToken(client, parameters),
  })
}
