#!/usr/bin/env node
// The solc command that forge expects, over the wasm compiler of package-lock.json: answers `--version` and `--standard-json`, nothing else.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const solc = createRequire(import.meta.url)("solc");
if (process.argv.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  console.error(`solc.mjs knows --version and --standard-json only, was given: ${process.argv.slice(2).join(" ")}`);
  process.exit(2);
}
