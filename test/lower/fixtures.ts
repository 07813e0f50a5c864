// What the tests of the lowering share: the fixture folders, and files to compare with, which are rewritten
// instead when UPDATE_GOLDENS=1 (the difference is then reviewed in the commit).

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const tests = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

/** The project's folder. */
export const root = path.dirname(tests)
export const kernelConfig = path.join(root, 'kernel/tsconfig.json')

/** The .ts files of test/fixtures/<folder>, by absolute path. */
export function fixtures(folder: string): string[] {
  const at = path.join(tests, 'fixtures', folder)
  return readdirSync(at).filter(each => each.endsWith('.ts')).sort().map(each => path.join(at, each))
}

/** The text a golden file holds; with UPDATE_GOLDENS=1 it holds `actual` from now on. */
export function golden(file: string, actual: string): string {
  if (process.env.UPDATE_GOLDENS === '1') writeFileSync(file, actual)
  return readFileSync(file, 'utf8')
}
