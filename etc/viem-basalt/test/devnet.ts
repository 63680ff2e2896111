// Starts a devnet of its own on free ports before the tests, and leaves nothing of it behind.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import type { Hex } from 'viem'
import type { RollupConfig } from '../src/index.js'

const START_MS = 90_000
const STOP_MS = 30_000

export type Devnet = {
  l1: { rpcUrl: string; chainId: number }
  sequencer: { rpcUrl: string }
  accounts: { address: Hex; key: Hex }[]
}

declare module 'vitest' {
  interface ProvidedContext {
    devnet: Devnet
    config: RollupConfig
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

export default async function setup(project: TestProject) {
  const built = fileURLToPath(new URL('../../../target/release/basalt', import.meta.url))
  const basalt = process.env.BASALT ?? built
  if (!existsSync(basalt)) throw new Error(`${basalt} is not there: make build, or set BASALT`)
  const folder = mkdtempSync(join(tmpdir(), 'viem-basalt-'))
  const datadir = join(folder, 'devnet')
  const args = ['devnet', '--l1.slot-ms=1000', '--l1.http-port=0', '--l1.beacon-port=0', '--http.port=0', '--follower.http.port=0']
  let said = ''
  const child = spawn(basalt, [...args, `--datadir=${datadir}`], { stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr.on('data', (text) => {
    said += text
  })
  const stop = async () => {
    if (!ended(child)) child.kill('SIGINT')
    for (const deadline = Date.now() + STOP_MS; !ended(child) && Date.now() < deadline; ) await pause(50)
    // Its children end with it.
    if (!ended(child)) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  const file = join(datadir, 'devnet.json')
  for (const deadline = Date.now() + START_MS; !existsSync(file); ) {
    if (ended(child) || Date.now() >= deadline) {
      await stop()
      throw new Error(`no devnet:\n${said}`)
    }
    await pause(50)
  }
  project.provide('devnet', JSON.parse(readFileSync(file, 'utf8')))
  project.provide('config', JSON.parse(readFileSync(join(datadir, 'chain.json'), 'utf8')))
  return stop
}
