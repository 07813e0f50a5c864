// From a place in the bundle to the TypeScript line it came from, by the bundle's source map.

import path from 'node:path'
import { TraceMap, originalPositionFor, type SourceMapInput } from '@jridgewell/trace-mapping'
import type { Node } from 'acorn'
import type { Position } from './program.ts'

export type Locate = (node: Node) => Position

/**
 * `map`: the source map, or null (positions are then lines of the bundle). `root`: the directory
 * that file names are made relative to; `base`: the directory the map's own names are relative to.
 */
export function locator(map: SourceMapInput | null, root: string, base: string): Locate {
  if (map === null) return node => ({ file: 'bundle.js', line: node.loc!.start.line })
  const trace = new TraceMap(map)
  const names = new Map<string, string>()
  const shorten = (source: string): string => {
    const known = names.get(source)
    if (known !== undefined) return known
    const file = source.startsWith('file://') ? new URL(source).pathname : path.resolve(base, source)
    const short = path.relative(root, file).replaceAll('\\', '/')
    names.set(source, short)
    return short
  }
  return node => {
    const { line, column } = node.loc!.start
    const found = originalPositionFor(trace, { line, column })
    return found.source === null ? { file: 'bundle.js', line } : { file: shorten(found.source), line: found.line }
  }
}
