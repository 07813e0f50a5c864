// selftest=: run what the command line asks for, then leave the machine with the verdict as the exit status.

import { ExitStatus, exitMachine } from '../arch/x86/exit.ts'
import { Selftest, type Options } from '../lib/options.ts'
import { selftestNetStart } from '../selftest/net.ts'
import { selftestStart } from '../selftest/run.ts'
import { swapManager } from '../swap/start.ts'

/** Start the selftest, if one is asked for. That of the network is driven by the main loop and ends later. */
export function selftestInit(options: Options): void {
  if (options.selftest == Selftest.None) return
  selftestStart(options.selftest, swapManager(), selftestNetStart, selftestFinished)
}

function selftestFinished(passed: boolean): void {
  exitMachine(passed ? ExitStatus.Success : ExitStatus.Failure)
}
