// Stage 2 of the toolchain: the lowered files, from an entry on, to one ES module without what nobody uses
// (esbuild). Intrinsics stay imports of 'porphyry:intrinsics'. Nothing is read from disk: a file that was not
// lowered can not get in.

import path from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { Lowered } from './lower/lower.ts'
import type { SourceMap } from './lower/text.ts'
import { INTRINSICS } from './lower/unit.ts'

/** One ES module; the map leads to the .ts files, named relative to the project. */
export interface Bundle { readonly code: string; readonly map: SourceMap }

/** Bundle what `entry`, a .ts file among the lowered ones, reaches. Its exports are the module's exports. */
export async function bundle({ entry, lowered }: { entry: string; lowered: Lowered }): Promise<Bundle> {
  const { root } = lowered
  const result = await build({
    entryPoints: [path.resolve(entry)],
    absWorkingDir: root,
    outfile: path.join(root, 'bundle.js'), // not written; map sources are relative to it
    write: false,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    treeShaking: true,
    minify: false, // minifySyntax makes comma chains, which pin does not take
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [lowerings(lowered)],
  })
  const text = (suffix: string): string => result.outputFiles.find(each => each.path.endsWith(suffix))!.text
  const { version, sources, names, mappings } = JSON.parse(text('.js.map')) as SourceMap
  return { code: text('bundle.js'), map: { version, sources, names, mappings } }
}

/**
 * Serves the lowered texts under the names of the files they come from. Intrinsics pass through one module that
 * imports each once: otherwise every file would have its own name for load32 in the bundle.
 */
function lowerings({ files }: Lowered): Plugin {
  return {
    name: 'lowered',
    setup(esbuild) {
      esbuild.onResolve({ filter: /.*/ }, ({ path: name, importer, kind, namespace }) => {
        if (name !== INTRINSICS) {
          const file = kind === 'entry-point' ? path.resolve(name) : path.resolve(path.dirname(importer), name)
          return { path: file, namespace: 'file', sideEffects: kind === 'entry-point' }
        }
        if (namespace === INTRINSICS) return { path: name, external: true, sideEffects: false }
        return { path: name, namespace: INTRINSICS, sideEffects: false }
      })
      esbuild.onLoad({ filter: /.*/, namespace: INTRINSICS }, () => ({ contents: passedThrough(files), loader: 'js' }))
      esbuild.onLoad({ filter: /.*/ }, ({ path: name }) => {
        const file = files.get(name)
        if (file == null) return { errors: [{ text: `${name} was not lowered` }] }
        const map = Buffer.from(JSON.stringify(file.map)).toString('base64')
        const contents = `${file.code}//# sourceMappingURL=data:application/json;base64,${map}\n`
        return { contents, loader: 'js' }
      })
    },
  }
}

/** The module of all intrinsics that the lowered files import. */
function passedThrough(files: Lowered['files']): string {
  const names = new Set<string>()
  for (const { code } of files.values()) {
    for (const [, list] of code.matchAll(/^(?:im|ex)port \{ (.*) \} from "porphyry:intrinsics"$/gm)) {
      for (const each of list!.split(', ')) names.add(each.split(' as ')[0]!)
    }
  }
  return `export { ${[...names].sort().join(', ')} } from ${JSON.stringify(INTRINSICS)}\n`
}
