// selftest=: run what the command line asks for, then leave the machine with the verdict as the exit status.

import { ExitStatus, exitMachine } from '../arch/x86/exit.ts'
import { Given, Selftest, optionGiven, type Options } from '../lib/options.ts'
import { leftBegin } from '../selftest/left.ts'
import { selftestNetStart } from '../selftest/net.ts'
import { selftestStart } from '../selftest/run.ts'
import { swapManager } from '../swap/start.ts'

let programFollows: boolean = false

/** Start the selftest, if one is asked for. That of the network is driven by the main loop and ends later. */
export function selftestInit(options: Options): void {
  if (options.selftest == Selftest.None) return
  programFollows = optionGiven(options, Given.Init)
  selftestStart(options.selftest, swapManager(), selftestNetStart, selftestFinished)
}

/** With a first program to come, a selftest that passed does not end the machine: that program's end does. */
function selftestFinished(passed: boolean): void {
  if (passed && programFollows) return leftBegin() // selftest=mm: what is counted now is counted again at the end
  exitMachine(passed ? ExitStatus.Success : ExitStatus.Failure)
}
