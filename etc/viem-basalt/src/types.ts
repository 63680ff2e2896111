import type { Address, Hash, Hex } from 'viem'

/** A message between two chains; the same in every direction. */
export type Message = {
  srcChainId: bigint
  dstChainId: bigint
  /** Place in the inbox of the rollup it goes into, or in the outbox of the one it comes from. */
  index: bigint
  sender: Address
  to: Address
  /** Wei for `to`. */
  value: bigint
  /** Wei for whoever delivers it. */
  fee: bigint
  gasLimit: bigint
  data: Hex
}

/** How far a block of the rollup is: on its way to L1, on L1, or final there. */
export type Stage = 'preconfirmed' | 'landed' | 'finalized'

/** A transaction of the rollup. */
export type L2Place = { blockNumber: bigint; blockHash: Hash; timestamp: bigint; transactionHash: Hash; stage: Stage }

/** A transaction on L1. */
export type L1Place = { blockNumber: bigint; blockHash: Hash; transactionHash: Hash }

/** Which message: by the transaction that sent it, or by its index. */
export type MessageKey = { hash: Hash; index?: undefined } | { index: bigint; hash?: undefined }

/** Where a message into the rollup stands. */
export type DepositState = 'waiting' | 'named' | 'delivered' | 'failed' | 'retried' | 'refunded'

/** A message into the rollup, from L1 to what became of it. */
export type DepositStatus = {
  index: bigint
  status: DepositState
  message: Message | null
  leaf: Hash | null
  sent: L1Place | null
  /** The first landed block that names it. */
  named: { blockNumber: bigint; blockHash: Hash; l1Transaction: Hash } | null
  relayed: L2Place | null
  /** What ended its being kept as failed. */
  ended: L2Place | null
}

/** A message out of the rollup. */
export type Withdrawal = { message: Message; leaf: Hash; sent: L2Place }

/** Where a message out of the rollup stands. */
export type WithdrawalState = 'sent' | 'landed' | 'proven' | 'claimed'

/** A transaction to Hub that anyone may send. */
export type HubCall = { to: Address; data: Hex }

/** A message out of the rollup, with what L1 wants to see next. */
export type WithdrawalProof = Withdrawal & {
  status: WithdrawalState
  /** Proof of the outbox, when it landed and Hub does not know it yet. */
  prove: { blockNumber: bigint; accountProof: Hex[]; storageProof: Hex[]; call: HubCall } | null
  /** The claim, once it is proven. */
  claim: { epoch: bigint; root: Hash; path: Hash[]; call: HubCall } | null
}

/** A message under the state root of a block. */
export type MessageProof = Withdrawal & {
  blockNumber: bigint
  blockHash: Hash
  stateRoot: Hash
  outboxCount: bigint
  outboxRoot: Hash
  path: Hash[]
  accountProof: Hex[]
  storageProof: Hex[]
}

/** A message in a list: where it was sent, or relayed. */
export type ListedMessage = {
  index: bigint
  message: Message | null
  leaf: Hash
  at: L2Place
  /** Of one into the rollup. */
  status: DepositState | null
}

/** Filter of `getMessages`; all that is given must hold. */
export type MessageFilter = {
  /** Out of the rollup (the default), or into it as far as relayed. */
  direction?: 'out' | 'in'
  fromIndex?: bigint
  fromBlock?: bigint
  toBlock?: bigint
  sender?: Address
  to?: Address
  /** The other chain. */
  chainId?: bigint
  limit?: bigint
}

/** Filter of `getWithdrawals`. */
export type WithdrawalFilter = { fromBlock?: bigint; toBlock?: bigint; cursor?: bigint; limit?: bigint }
