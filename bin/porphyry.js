#!/usr/bin/env node
// The command `porphyry`: linker/cli.ts, run as TypeScript.
import { register } from 'tsx/esm/api'

register()
const { main } = await import('../linker/cli.ts')
process.exitCode = await main(process.argv)
