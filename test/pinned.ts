// Lowered JavaScript, as linker/bundle.ts makes it, straight into pin and the engines: for tests of what is below the
// lowering pass.

import { programForHost } from '../linker/host-program.ts'
import { pin } from '../linker/pin/index.ts'
import type { PinnedProgram } from '../linker/pin/program.ts'
import { engineKinds, type Engine } from './engine.ts'
import { NativeEngine, NodeEngine } from './engine-instance.ts'

/** Pin the functions in `code`; `intrinsics` are imported. */
export function pinText(code: string, ...intrinsics: string[]): PinnedProgram {
  const head = intrinsics.length === 0 ? '' : `import { ${intrinsics.join(', ')} } from 'porphyry:intrinsics'; `
  return pin({ code: head + code, map: null })
}

/** The engines that ENGINES names, for a program that is pinned already. */
export function enginesOf(program: PinnedProgram): Engine[] {
  const kinds = engineKinds()
  const { javascript, module } = programForHost(program, kinds.includes('native'))
  return kinds.map(kind => kind === 'node' ? new NodeEngine(javascript) : new NativeEngine(module!))
}
