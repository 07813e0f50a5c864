// What the command line says about the kernel itself: the log's level, and what follows a panic.

import type { BootInfo } from '../arch/x86/boot-info.ts'
import { PanicMode, panicModeSet } from '../arch/x86/panic.ts'
import { COMMAND_LINE_LIMIT } from '../config.ts'
import { commandLineParse } from '../lib/command-line.ts'
import { Level, logDecimal, logEnd, logLevelSet, logStart } from '../lib/log.ts'
import { PanicOption, type Options } from '../lib/options.ts'

/** Read the command line, put log= and panic= into force, and say what was wrong with it. */
export function optionsTake(options: Options, loader: BootInfo): void {
  commandLineParse(options, loader.commandLine, COMMAND_LINE_LIMIT)
  logLevelSet(options.log)
  if (loader.commandLineCut) warnCut()
  panicModeSet(panicMode(options.panic))
}

function warnCut(): void {
  if (!logStart(Level.Warn, 'boot', 'options-cut')) return
  logDecimal('limit', COMMAND_LINE_LIMIT)
  logEnd()
}

/** Automatic is exit: without QEMU's exit device the write is nothing, and the halt behind it is what remains. */
function panicMode(option: PanicOption): PanicMode {
  switch (option) {
    case PanicOption.Halt: return PanicMode.Halt
    case PanicOption.Reboot: return PanicMode.Reboot
    default: return PanicMode.Exit
  }
}
