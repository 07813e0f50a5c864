// What the command line says about the kernel itself: the log's level, and what follows a panic.

import { PanicMode, panicModeSet } from '../arch/x86/panic.ts'
import { logLevelSet } from '../lib/log.ts'
import { PanicOption, type Options } from '../lib/options.ts'

/** Put log= and panic= into force. */
export function optionsTake(options: Options): void {
  logLevelSet(options.log)
  panicModeSet(panicMode(options.panic))
}

/** Automatic is exit: without QEMU's exit device the write is nothing, and the halt behind it is what remains. */
function panicMode(option: PanicOption): PanicMode {
  switch (option) {
    case PanicOption.Halt: return PanicMode.Halt
    case PanicOption.Reboot: return PanicMode.Reboot
    default: return PanicMode.Exit
  }
}
