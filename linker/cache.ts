// A store of results by the hash of what they were made from: build/cache/<stage>/<hash><extension>.
//
// Several processes may build at once (the test runner starts one per core): a file is written under another
// name and renamed, so whoever sees it sees all of it, and two that make the same file make the same bytes.

import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's root directory. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

const DIRECTORY = path.join(ROOT, 'build', 'cache')

/** A name for `inputs`: the same for the same ones, another for others. */
export function hashOf(...inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const each of inputs) {
    hash.update(`${each.length}:`)
    hash.update(each)
  }
  return hash.digest('hex').slice(0, 32)
}

/** The contents of the toolchain's own files among the inputs of a stage: a changed tool makes new results. */
export function filesIn(...names: readonly string[]): string {
  return names.map(name => fs.readFileSync(path.join(ROOT, name), 'utf8')).join('\0')
}

/** Write a file so that no reader ever sees a part of it. */
export function writeWhole(file: string, contents: string | Uint8Array): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const draft = `${file}.${randomUUID()}`
  fs.writeFileSync(draft, contents)
  fs.renameSync(draft, file)
}

/**
 * The path of the result of `stage` for `key`; `make` writes it, to the path it is given, if it is not there.
 * What `make` throws is passed on, and nothing is kept.
 */
export function cachedFile(stage: string, key: string, extension: string, make: (draft: string) => void): string {
  const file = path.join(DIRECTORY, stage, key + extension)
  if (fs.existsSync(file)) return file
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const draft = path.join(path.dirname(file), `.${key}-${randomUUID()}${extension}`)
  try {
    make(draft)
    fs.renameSync(draft, file)
  } finally {
    fs.rmSync(draft, { force: true })
  }
  return file
}

/** The same for a result that is text. */
export function cachedText(stage: string, key: string, extension: string, make: () => string): string {
  return fs.readFileSync(cachedFile(stage, key, extension, draft => fs.writeFileSync(draft, make())), 'utf8')
}
