//! The list of methods: names, parameters and one sentence each. `METHODS.md` is made from it, unknown methods are
//! told apart from switched-off ones by it, and a test compares it with what is registered.

use std::fmt::Write as _;

/// A group of methods that is switched on and off as one (`--http.api`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// The chain.
    Eth,
    /// The network.
    Net,
    /// The client.
    Web3,
    /// The pool.
    Txpool,
    /// Raw bytes.
    Debug,
    /// The rollup.
    Rollup,
    /// Development chains only.
    Dev,
}

impl Namespace {
    /// All of them; what a backend has no part for is left out by itself.
    pub const ALL: &[Self] = &[Self::Eth, Self::Net, Self::Web3, Self::Txpool, Self::Debug, Self::Rollup, Self::Dev];

    /// Name as in `--http.api`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eth => "eth",
            Self::Net => "net",
            Self::Web3 => "web3",
            Self::Txpool => "txpool",
            Self::Debug => "debug",
            Self::Rollup => "rollup",
            Self::Dev => "dev",
        }
    }
}

impl std::str::FromStr for Namespace {
    type Err = UnknownNamespace;

    fn from_str(name: &str) -> Result<Self, UnknownNamespace> {
        Self::ALL
            .iter()
            .find(|namespace| namespace.name() == name)
            .copied()
            .ok_or_else(|| UnknownNamespace(name.into()))
    }
}

/// A name in `--http.api` that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown namespace {0:?} in --http.api: use eth, net, web3, txpool, debug, rollup, dev")]
pub struct UnknownNamespace(pub String);

/// One method.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// The group it belongs to.
    pub namespace: Namespace,
    /// Name on the wire.
    pub name: &'static str,
    /// Parameters in order; those in brackets may be left out.
    pub params: &'static str,
    /// What it answers.
    pub about: &'static str,
}

const fn method(namespace: Namespace, name: &'static str, params: &'static str, about: &'static str) -> Method {
    Method { namespace, name, params, about }
}

use Namespace::{Dev, Eth, Net, Rollup, Txpool, Web3};

/// All methods but `rpc_modules`, which is always served.
pub const METHODS: &[Method] = &[
    method(Eth, "eth_accounts", "", "development accounts, else none"),
    method(Eth, "eth_baseFee", "", "base fee of the next block, wei"),
    method(Eth, "eth_blobBaseFee", "", "blob base fee of the next block, wei; 1 where there are no blobs"),
    method(Eth, "eth_blockNumber", "", "number of `latest`"),
    method(Eth, "eth_call", "request, [block], [stateOverrides], [blockOverrides]", "output of a call"),
    method(Eth, "eth_capabilities", "", "which history this node keeps, by kind"),
    method(Eth, "eth_chainId", "", "EIP-155 chain id"),
    method(Eth, "eth_config", "", "rules of now, of the next fork and of the last one scheduled (EIP-7910)"),
    method(Eth, "eth_coinbase", "", "fee recipient of the newest block"),
    method(Eth, "eth_createAccessList", "request, [block], [stateOverrides]", "accounts and slots a call touches"),
    method(
        Eth,
        "eth_estimateGas",
        "request, [block], [stateOverrides], [blockOverrides]",
        "a gas limit with which the call succeeds",
    ),
    method(Eth, "eth_feeHistory", "blockCount, newestBlock, [percentiles]", "base fees, fullness and tips"),
    method(Eth, "eth_fillTransaction", "request", "the request completed: nonce, gas, fees, chain id"),
    method(Eth, "eth_gasPrice", "", "base fee of the next block plus a tip, wei"),
    method(Eth, "eth_getAccountInfo", "address, [block]", "balance, nonce and code"),
    method(Eth, "eth_getBalance", "address, [block]", "balance, wei"),
    method(Eth, "eth_getBlockAccessList", "block", "block access list (EIP-7928)"),
    method(Eth, "eth_getBlockByHash", "hash, [full]", "block with hashes or whole transactions"),
    method(Eth, "eth_getBlockByNumber", "block, [full]", "block with hashes or whole transactions"),
    method(Eth, "eth_getBlockReceipts", "block", "all receipts of a block"),
    method(Eth, "eth_getBlockTransactionCountByHash", "hash", "number of transactions"),
    method(Eth, "eth_getBlockTransactionCountByNumber", "block", "number of transactions"),
    method(Eth, "eth_getCode", "address, [block]", "code, or the delegation of EIP-7702"),
    method(Eth, "eth_getFilterChanges", "id", "what came since the last call"),
    method(Eth, "eth_getFilterLogs", "id", "all logs of a log filter's range"),
    method(Eth, "eth_getHeaderByHash", "hash", "header"),
    method(Eth, "eth_getHeaderByNumber", "block", "header"),
    method(Eth, "eth_getLogs", "filter", "logs of a block or of a range"),
    method(Eth, "eth_getProof", "address, slots, [block]", "EIP-1186 proofs, at any block whose state is kept"),
    method(Eth, "eth_getRawTransactionByBlockHashAndIndex", "hash, index", "EIP-2718 bytes"),
    method(Eth, "eth_getRawTransactionByBlockNumberAndIndex", "block, index", "EIP-2718 bytes"),
    method(Eth, "eth_getRawTransactionByHash", "hash", "EIP-2718 bytes, pool included"),
    method(Eth, "eth_getStorageAt", "address, slot, [block]", "one storage word"),
    method(Eth, "eth_getStorageValues", "slotsByAddress, [block]", "storage words of several accounts"),
    method(Eth, "eth_getTransactionByBlockHashAndIndex", "hash, index", "transaction by place"),
    method(Eth, "eth_getTransactionByBlockNumberAndIndex", "block, index", "transaction by place"),
    method(Eth, "eth_getTransactionByHash", "hash", "transaction, pool included"),
    method(Eth, "eth_getTransactionCount", "address, [block]", "nonce; at `pending` the next one to use"),
    method(Eth, "eth_getTransactionReceipt", "hash", "receipt, null until the transaction is in a block"),
    method(Eth, "eth_getUncleByBlockHashAndIndex", "hash, index", "null: no uncles since the merge"),
    method(Eth, "eth_getUncleByBlockNumberAndIndex", "block, index", "null: no uncles since the merge"),
    method(Eth, "eth_getUncleCountByBlockHash", "hash", "0: no uncles since the merge"),
    method(Eth, "eth_getUncleCountByBlockNumber", "block", "0: no uncles since the merge"),
    method(Eth, "eth_maxPriorityFeePerGas", "", "a tip that recent blocks took, wei"),
    method(Eth, "eth_newBlockFilter", "", "a filter of block hashes"),
    method(Eth, "eth_newFilter", "filter", "a filter of logs"),
    method(Eth, "eth_newPendingTransactionFilter", "[full]", "a filter of pool transactions"),
    method(Eth, "eth_sendRawTransaction", "bytes", "hands a signed transaction to the pool"),
    method(Eth, "eth_sendRawTransactionSync", "bytes, [timeoutMs]", "the same, and waits for the receipt (EIP-7966)"),
    method(
        Eth,
        "eth_subscribe",
        "kind, [params]",
        "WebSocket: newHeads, logs, newPendingTransactions, syncing, transactionReceipts",
    ),
    method(Eth, "eth_syncing", "", "false, or how far behind the node is"),
    method(Eth, "eth_uninstallFilter", "id", "ends a filter"),
    method(Eth, "eth_unsubscribe", "id", "ends a subscription"),
    method(Net, "net_listening", "", "true"),
    method(Net, "net_peerCount", "", "number of peers"),
    method(Net, "net_version", "", "chain id as a decimal string"),
    method(Web3, "web3_clientVersion", "", "name, version and platform of the client"),
    method(Web3, "web3_sha3", "bytes", "Keccak-256"),
    method(Txpool, "txpool_content", "", "all transactions of the pool"),
    method(Txpool, "txpool_contentFrom", "address", "the pool's transactions of one sender"),
    method(Txpool, "txpool_inspect", "", "all transactions of the pool, one line each"),
    method(Txpool, "txpool_status", "", "number of transactions in the pool"),
    method(Namespace::Debug, "debug_executionWitness", "block", "trie nodes, codes, headers to execute a block with"),
    method(Namespace::Debug, "debug_getRawBlock", "block", "RLP of a block"),
    method(Namespace::Debug, "debug_getRawHeader", "block", "RLP of a header"),
    method(Namespace::Debug, "debug_getRawReceipts", "block", "EIP-2718 bytes of each receipt"),
    method(Namespace::Debug, "debug_getRawTransaction", "hash", "EIP-2718 bytes, pool included"),
    method(Rollup, "rollup_config", "", "the chain file"),
    method(Rollup, "rollup_contracts", "", "addresses of the rollup's contracts on both layers"),
    method(Rollup, "rollup_getBlockOrigin", "block", "how a block landed on L1"),
    method(
        Rollup,
        "rollup_getDepositStatus",
        "l1TransactionHash or {index}",
        "of each message into the rollup: what names, relayed, failed, retried or refunded it; null as long as L1 has no receipt",
    ),
    method(
        Rollup,
        "rollup_getMessageProof",
        "{index, [blockNumber]}",
        "a message out of the rollup under the state root of a block: path, root, account and storage proof",
    ),
    method(
        Rollup,
        "rollup_getMessages",
        "{[direction], [fromIndex], [fromBlock], [toBlock], [sender], [to], [chainId], [limit]}",
        "messages out of the rollup (`out`), or into it as far as relayed (`in`), ascending; `next` is the next `fromIndex`",
    ),
    method(Rollup, "rollup_getTransactionStatus", "hash", "where a transaction stands between pool and finality"),
    method(
        Rollup,
        "rollup_getWithdrawalProof",
        "l2TransactionHash or {index}",
        "of each message out of the rollup: its place, what comes first, calldata of Hub.proveOutbox or Hub.claim",
    ),
    method(
        Rollup,
        "rollup_getWithdrawals",
        "address, [{[fromBlock], [toBlock], [cursor], [limit]}]",
        "messages out of the rollup that the account sent or that are for it, newest first; `next` is the next `cursor`",
    ),
    method(
        Rollup,
        "rollup_syncStatus",
        "",
        "heads on both layers, role, landings with their alarms, and whether the node is ready",
    ),
    method(Dev, "anvil_increaseTime", "seconds", "as evm_increaseTime"),
    method(Dev, "anvil_mine", "[blocks]", "makes blocks now"),
    method(Dev, "anvil_setBalance", "address, wei", "sets a balance"),
    method(Dev, "eth_sendTransaction", "request", "completes, signs and sends with a development key"),
    method(Dev, "eth_sign", "address, bytes", "signs a message (EIP-191)"),
    method(Dev, "eth_signTransaction", "request", "completes and signs with a development key"),
    method(Dev, "evm_increaseTime", "seconds", "moves the chain's clock; answers the whole offset"),
    method(Dev, "evm_mine", "", "makes one block now"),
    method(Dev, "hardhat_mine", "[blocks]", "as anvil_mine"),
    method(Dev, "hardhat_setBalance", "address, wei", "as anvil_setBalance"),
    method(Dev, "personal_sign", "bytes, address", "signs a message (EIP-191)"),
];

/// What the same port serves besides methods.
const ARCHIVE: &str = "\n## The archive\n\nWhere `rollup` is served, so is `GET /archive/v1/blocks/{hash}`: the payload data of the \
landed block with that hash (bridge/SPEC.md §8),\nas bytes (`application/octet-stream`). Packed into blobs again it must commit to the \
versioned hashes that Hub recorded; that is how another\nnode, started with `--archive.url`, checks it. 400: no block hash; 404: no landed \
block of this node, or older than `--blobs.retention`;\n405: not `GET`; 503: come back after a second.\n";

/// `METHODS.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Methods\n\nMade by a test from `rpc/src/catalogue.rs` (`BLESS=1`), which another test compares with the \
         server.\n`block` is a number, a tag (`latest`, `pending`, `safe`, `finalized`, `earliest`) or an EIP-1898 \
         object.\n`rpc_modules` is always served. Errors: `rpc/src/errors.rs`. Limits: `rpc/src/limits.rs`.\n",
    );
    for namespace in Namespace::ALL {
        let methods = METHODS.iter().filter(|method| method.namespace == *namespace);
        // Writing to a String cannot fail.
        let _ = write!(text, "\n## {}\n\n| method | parameters | answer |\n|---|---|---|\n", namespace.name());
        for method in methods {
            let _ = writeln!(text, "| `{}` | {} | {} |", method.name, method.params, method.about);
        }
    }
    text.push_str(ARCHIVE);
    text
}
