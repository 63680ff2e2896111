// Compiles the contracts beside this file with the compiler of bridge/contracts (npm ci there first) and writes the runtime
// bytecode to *.hex. The files are committed, so that a benchmark needs no compiler: `node etc/bench/contracts/build.mjs --check`.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const modules = process.env.NODE_MODULES ?? `${here}../../../bridge/contracts/node_modules`;
const solc = createRequire(`${modules}/`)("solc");
const names = ["Token", "Pair", "Load"];
const input = {
  language: "Solidity",
  sources: Object.fromEntries(names.map((name) => [`${name}.sol`, { content: readFileSync(`${here}${name}.sol`, "utf8") }])),
  settings: {
    optimizer: { enabled: true, runs: 4000 },
    viaIR: true,
    evmVersion: "osaka",
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { "*": ["evm.deployedBytecode.object", "storageLayout"] } },
  },
};
const load = (path) => ({ contents: readFileSync(`${modules}/${path}`, "utf8") });
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: load }));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
for (const name of names) {
  const code = output.contracts[`${name}.sol`][name].evm.deployedBytecode.object;
  const path = `${here}${name.toLowerCase()}.hex`;
  if (process.argv.includes("--check")) {
    if (readFileSync(path, "utf8").trim() !== code) throw new Error(`${path} is not what ${name}.sol compiles to`);
  } else {
    writeFileSync(path, `${code}\n`);
  }
  console.log(name, code.length / 2, "bytes");
}
