#!/usr/bin/env bash
# What somebody does with cast, on both layers of a running devnet. Needs the variables of the devnet's `.env`.
# Prints a line for each step; the first thing that is not as it should be ends it with exit code 1.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for name in L1_RPC_URL L1_CHAIN_ID L2_RPC_URL L2_FOLLOWER_RPC_URL L2_CHAIN_ID HUB MESSENGER ADDRESS PRIVATE_KEY; do
  [[ -n ${!name:-} ]] || { echo "cast: $name is not set: source the .env file of a running devnet first" >&2; exit 1; }
done

readonly DEADLINE_S=60
readonly MULTICALL3=0xcA11bde05977b3631167028862bE2a173976CA11
readonly MESSAGE_GAS=30000
trap 'echo "cast: line $LINENO: $BASH_COMMAND" >&2' ERR

# The package's own wrapper ends with 0 whatever cast says, so this is the binary behind it.
binary=$(compgen -G "$here/node_modules/@foundry-rs/cast-*/bin/cast*") || { echo "cast: run \`npm ci\` in $here first" >&2; exit 1; }
cast() { "$binary" "$@"; }
# Amounts in wei are wider than the shell's numbers.
calc() { node -p "String($(sed -E 's/\b([0-9]+)\b/\1n/g' <<<"$1"))"; }
# A field of the JSON on standard input, by path: `field logs.0.address`.
field() { node -p "process.argv[1].split('.').reduce((at, name) => at[name], JSON.parse(require('fs').readFileSync(0)))" "$1"; }
equal() { # what found expected
  [[ $2 == "$3" ]] || { echo "cast: $1 is $2, expected $3" >&2; exit 1; }
}
refused() { # text command...
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then echo "cast: accepted, expected \"$text\": $*" >&2; exit 1; fi
  grep -qF -- "$text" <<<"$output" || { echo "cast: no \"$text\" in: $output" >&2; exit 1; }
}
fresh() { cast wallet new --json | field 0.address; }
balance() { cast balance --rpc-url "$1" "$2"; }
send() { # url arguments...
  local url=$1 receipt
  shift
  receipt=$(cast send --json --rpc-url "$url" --private-key "$PRIVATE_KEY" "$@")
  equal "status of $*" "$(field status <<<"$receipt")" 0x1
  echo "$receipt"
}
until_true() { # what command...
  local what=$1 end=$((SECONDS + DEADLINE_S))
  shift
  until "$@"; do
    ((SECONDS < end)) || { echo "cast: $what: not within $DEADLINE_S s" >&2; exit 1; }
    sleep 0.2
  done
}
ok() { echo "ok  $*"; }

equal "chain id of L1" "$(cast chain-id --rpc-url "$L1_RPC_URL")" "$L1_CHAIN_ID"
equal "chain id of L2" "$(cast chain-id --rpc-url "$L2_RPC_URL")" "$L2_CHAIN_ID"
equal "chain id of the follower" "$(cast chain-id --rpc-url "$L2_FOLLOWER_RPC_URL")" "$L2_CHAIN_ID"
cast client --rpc-url "$L2_RPC_URL" >/dev/null
cast gas-price --rpc-url "$L2_RPC_URL" >/dev/null
ok "both layers answer"

# The three commands of the banner begin with this one.
for layer in L1 L2; do
  url_name=${layer}_RPC_URL
  url=${!url_name}
  to=$(fresh)
  estimate=$(cast estimate --rpc-url "$url" --from "$ADDRESS" --value 1ether "$to")
  before=$(balance "$url" "$ADDRESS")
  receipt=$(send "$url" --value 1ether "$to")
  hash=$(field transactionHash <<<"$receipt")
  used=$(($(field gasUsed <<<"$receipt")))
  ((used <= estimate)) || { echo "cast: $used gas used, $estimate estimated" >&2; exit 1; }
  equal "balance of the receiver on $layer" "$(balance "$url" "$to")" 1000000000000000000
  price=$(cast to-dec "$(field effectiveGasPrice <<<"$receipt")")
  equal "balance of the sender on $layer" "$(balance "$url" "$ADDRESS")" \
    "$(calc "$before - 1000000000000000000 - $used * $price")"
  equal "receipt by hash" "$(cast receipt --json --rpc-url "$url" "$hash" | field blockHash)" "$(field blockHash <<<"$receipt")"
  equal "transaction by hash" "$(cast tx --rpc-url "$url" "$hash" value)" 1000000000000000000
  ok "transfer on $layer: $used gas of $estimate estimated"
done

number() { cast block --rpc-url "$1" "$2" --field number; }
for layer in L1 L2; do
  url_name=${layer}_RPC_URL
  url=${!url_name}
  final=$(number "$url" finalized)
  safe=$(number "$url" safe)
  latest=$(number "$url" latest)
  ((final <= safe && safe <= latest)) || { echo "cast: finalized $final, safe $safe, latest $latest" >&2; exit 1; }
  ok "$layer: finalized $final, safe $safe, latest $latest"
done
has_block() { (($(number "$1" latest) >= $2)); }
until_true "the follower at the safe block" has_block "$L2_FOLLOWER_RPC_URL" "$safe"
equal "hash of the safe block at the follower" "$(cast block --rpc-url "$L2_FOLLOWER_RPC_URL" "$safe" --field hash)" \
  "$(cast block --rpc-url "$L2_RPC_URL" "$safe" --field hash)"

# A contract, its call, its log.
creation=$(field bytecode <"$here/../../bridge/abi/Counter.json")$(cast abi-encode 'f(address)' "$MESSENGER" | cut -c3-)
counter=$(send "$L2_RPC_URL" --create "$creation" | field contractAddress)
send "$L2_RPC_URL" "$counter" 'increment(uint256)' 41 >/dev/null
block=$(send "$L2_RPC_URL" "$counter" 'increment(uint256)' 1 | field blockNumber)
equal "count" "$(cast call --rpc-url "$L2_RPC_URL" "$counter" 'count()(uint256)')" 42
equal "logs of the counter" "$(cast logs --json --rpc-url "$L2_RPC_URL" --from-block 0 --address "$counter" | field length)" 2
equal "logs of its last block" \
  "$(cast logs --json --rpc-url "$L2_RPC_URL" --from-block "$((block))" --to-block "$((block))" --address "$counter" | field length)" 1
equal "balance by Multicall3" \
  "$(cast call --rpc-url "$L2_RPC_URL" "$MULTICALL3" 'getEthBalance(address)(uint256)' "$counter")" 0
[[ $(cast code --rpc-url "$L2_RPC_URL" "$counter") != 0x ]]
ok "contract $counter: called, read, its logs found"

send "$L2_RPC_URL" "$counter" 'setClosed(bool)' true >/dev/null
refused "execution reverted" cast call --rpc-url "$L2_RPC_URL" "$counter" 'increment(uint256)' 1
refused "execution reverted" cast estimate --rpc-url "$L2_RPC_URL" "$counter" 'increment(uint256)' 1
poor=$(cast wallet new --json | field 0.private_key)
refused "insufficient funds" cast send --rpc-url "$L2_RPC_URL" --private-key "$poor" --value 1 "$counter"
refused "nonce too low" cast send --rpc-url "$L2_RPC_URL" --private-key "$PRIVATE_KEY" --nonce 0 --gas-limit 300000 "$ADDRESS"
ok "refusals say why"

# EIP-7702: an account that pays for itself.
authority=$(cast wallet new --json)
authority_address=$(field 0.address <<<"$authority")
auth=$(cast wallet sign-auth --rpc-url "$L2_RPC_URL" --private-key "$(field 0.private_key <<<"$authority")" "$counter")
send "$L2_RPC_URL" --auth "$auth" "$authority_address" 'setClosed(bool)' false >/dev/null
equal "code of the delegated account" "$(cast code --rpc-url "$L2_RPC_URL" "$authority_address")" \
  "0xef0100$(tr 'A-F' 'a-f' <<<"${counter#0x}")"
ok "EIP-7702 delegation of $authority_address"

state_root=$(cast block --rpc-url "$L2_RPC_URL" "$safe" --field stateRoot)
proof=$(cast proof --rpc-url "$L2_RPC_URL" --block "$safe" "$MESSENGER" 0x0000000000000000000000000000000000000000000000000000000000000000)
equal "hash of the proof's first node" "$(cast keccak "$(field accountProof.0 <<<"$proof")")" "$state_root"
ok "proof under the state root of block $safe"

# Bridging in. The base fee may rise until Hub sees the message, so twice the least fee.
to=$(fresh)
min_fee=$(cast call --rpc-url "$L1_RPC_URL" "$HUB" 'minFee(uint64,uint64,uint256)(uint256)' "$L2_CHAIN_ID" $MESSAGE_GAS 0 | cut -d' ' -f1)
fee=$(calc "$min_fee * 2")
value=1234500000000000001
receipt=$(send "$L1_RPC_URL" --value "$(calc "$value + $fee")" "$HUB" \
  'sendMessage(uint64,address,uint256,uint64,bytes)' "$L2_CHAIN_ID" "$to" "$fee" $MESSAGE_GAS 0x)
arrived() { [[ $(balance "$1" "$to") != 0 ]]; }
for url in "$L2_RPC_URL" "$L2_FOLLOWER_RPC_URL"; do
  until_true "the ether on L2" arrived "$url"
  equal "balance on L2" "$(balance "$url" "$to")" $value
done
ok "bridged in $value wei: $(($(field gasUsed <<<"$receipt"))) L1 gas"

echo "cast: all as it should be"
