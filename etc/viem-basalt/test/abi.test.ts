import { expect, test } from 'vitest'
// @ts-expect-error: a script without types
import { generated, written } from '../script/abi.mjs'

test('src/abi.ts is what bridge/abi says', () => {
  expect(written(), 'run `npm run abi`').toBe(generated())
})
