// viem on both layers of a Basalt rollup. Start with README.md.

export * from './abi.js'
export * from './chains.js'
export * from './errors.js'
export * from './l1.js'
export * from './l2.js'
export * from './leaf.js'
export * from './types.js'
