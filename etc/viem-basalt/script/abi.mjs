// Writes src/abi.ts from bridge/abi/*.json; with --check, says whether it is what it would write.
import { readFileSync, writeFileSync } from 'node:fs'

const CONTRACTS = ['Hub', 'Messenger', 'TokenBridge', 'L2TokenBridge']
const target = new URL('../src/abi.ts', import.meta.url)

/** What src/abi.ts should be. */
export function generated() {
  const parts = CONTRACTS.map((name) => {
    const { abi } = JSON.parse(readFileSync(new URL(`../../../bridge/abi/${name}.json`, import.meta.url), 'utf8'))
    const constant = `${name.replace(/^L2|^[A-Z]/, (start) => start.toLowerCase())}Abi`
    const entries = abi.map((entry) => `  ${JSON.stringify(entry)},\n`).join('')
    return `/** ABI of ${name}. */\nexport const ${constant} = [\n${entries}] as const\n`
  })
  return `// Made from bridge/abi by \`npm run abi\`; a test compares it.\n\n${parts.join('\n')}`
}

/** What src/abi.ts is. */
export const written = () => readFileSync(target, 'utf8')

if (process.argv[1] === new URL(import.meta.url).pathname) {
  if (process.argv.includes('--check')) {
    if (written() !== generated()) {
      console.error('src/abi.ts is not what bridge/abi says: npm run abi')
      process.exit(1)
    }
  } else {
    writeFileSync(target, generated())
  }
}
