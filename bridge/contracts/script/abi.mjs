#!/usr/bin/env node
// Writes bridge/abi/<Name>.json out of forge's build: what the Rust side binds to and genesis puts into accounts. Run `forge build` first.
// With --check it writes nothing and fails when a committed file is not what the sources give.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "out");
const abi = join(here, "..", "..", "abi");
const names = ["Hub", "ExecuteVerifier", "OpenSchedule", "Messenger", "TokenBridge", "L2TokenBridge", "BridgedToken", "L1Reader", "L1Gateway", "L2Gateway", "Keystore", "KeystoreWallet", "Counter", "TestToken", "Pinger", "Ponger"];
const check = process.argv.includes("--check");

// One order for ever: kind, then name, then arguments.
const key = (item) => `${item.type} ${item.name ?? ""} ${JSON.stringify(item.inputs ?? [])}`;
const compare = (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);

const stale = [];
mkdirSync(abi, { recursive: true });
for (const name of names) {
  let built;
  try {
    built = JSON.parse(readFileSync(join(out, `${name}.sol`, `${name}.json`), "utf8"));
  } catch (error) {
    console.error(`abi: no build of ${name} (${error.message}); run: npx forge build`);
    process.exit(1);
  }
  const text =
    JSON.stringify(
      { abi: built.abi.sort(compare), bytecode: built.bytecode.object, deployedBytecode: built.deployedBytecode.object },
      null,
      2,
    ) + "\n";
  const file = join(abi, `${name}.json`);
  if (!check) {
    writeFileSync(file, text);
    continue;
  }
  let committed = "";
  try {
    committed = readFileSync(file, "utf8");
  } catch {
    // missing counts as stale
  }
  if (committed !== text) stale.push(`bridge/abi/${name}.json`);
}
if (stale.length > 0) {
  console.error(`abi: stale against bridge/contracts/src: ${stale.join(", ")}\nrun: (cd bridge/contracts && npm run abi) and commit the result`);
  process.exit(1);
}
