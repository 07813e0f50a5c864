// Stage 1 of the toolchain: a kernel program in TypeScript to JavaScript modules of 32-bit integers.
// Struct classes become loads and stores, signs become operators, types disappear. docs/dialect.md.

import path from 'node:path'
import ts from 'typescript'
import { Complaints, RefusedError, type Complaint } from './complaints.ts'
import { lowerFile } from './declarations.ts'
import { Model } from './model.ts'
import { checkSyntax } from './rules.ts'
import { finish, type SourceMap } from './text.ts'

/** One lowered file. The map's only source is the .ts file, as if both stood in one folder. */
export interface LoweredFile { readonly code: string; readonly map: SourceMap }

/** Lowered files by the absolute path of the .ts file they come from. */
export interface Lowered {
  readonly files: ReadonlyMap<string, LoweredFile>
  /** Absolute paths of the other files that went in. */
  readonly texts: readonly string[]
  /** The folder of the project, that file names are printed relative to. */
  readonly root: string
}

/** What to lower: what `entry` reaches, with the options of `tsconfig`, in whose folder lib/layout.ts is. */
export interface LowerOptions { readonly entry: string; readonly tsconfig: string }

/**
 * Lower what can be reached from `entry`; files that are not reached are not looked at.
 * Throws RefusedError with every complaint of TypeScript and of the dialect, if there is any.
 */
export function lowerProgram({ entry, tsconfig }: LowerOptions): Lowered {
  const { complaints, ...lowered } = lowerFiles([entry], tsconfig)
  if (complaints.length > 0) throw new RefusedError(complaints)
  return lowered
}

/**
 * Lower what can be reached from `entries`, or from every file of `tsconfig` if that is null, and give back
 * what was complained about: the texts mean something only if that is nothing.
 */
export function lowerFiles(
  entries: readonly string[] | null, tsconfig: string,
): Lowered & { readonly complaints: readonly Complaint[] } {
  const config = path.resolve(tsconfig)
  const kernel = path.dirname(config)
  const program = createProgram(entries, config)
  const root = path.dirname(kernel)
  const complaints = new Complaints(root)
  for (const each of typeErrors(program)) complaints.add(each)
  const model = new Model(program.getTypeChecker(), complaints, kernel)
  const files = new Map<string, LoweredFile>()
  if (program.getSyntacticDiagnostics().length > 0) return { files, texts: [], root, complaints: complaints.sorted() }
  for (const file of program.getSourceFiles()) {
    if (model.isVocabularyFile(file)) continue
    checkSyntax(model, file)
    files.set(file.fileName, finish(lowerFile(model, file), file, path.basename(file.fileName)))
  }
  return { files, texts: [...model.texts], root, complaints: complaints.sorted() }
}

function createProgram(entries: readonly string[] | null, config: string): ts.Program {
  const { config: json, error } = ts.readConfigFile(config, ts.sys.readFile)
  if (error != null) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  const parsed = ts.parseJsonConfigFileContent(json, ts.sys, path.dirname(config), undefined, config)
  const library = path.join(path.dirname(config), 'lib/lib.d.ts')
  const rootNames = entries == null ? parsed.fileNames : [...entries.map(each => path.resolve(each)), library]
  return ts.createProgram({ rootNames, options: { ...parsed.options, noEmit: true } })
}

function typeErrors(program: ts.Program): readonly ts.Diagnostic[] {
  const syntax = [...program.getOptionsDiagnostics(), ...program.getSyntacticDiagnostics()]
  if (syntax.length > 0) return syntax
  return [...program.getGlobalDiagnostics(), ...program.getSemanticDiagnostics()]
}
