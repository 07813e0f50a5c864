// selftest=swap, net, mm, all: run what was asked for, one after another, each to its own pass or fail line.
// The network's test needs the main loop: it is started last, and says itself when it is over.

import type { bool, cstring } from '../lib/layout.ts'
import { logEnd } from '../lib/log.ts'
import { Selftest } from '../lib/options.ts'
import type { SwapManager } from '../swap/swap-manager.ts'
import { selftestMm } from './mm.ts'
import { reportFail, reportPass } from './report.ts'
import { selftestSwap } from './swap.ts'

/** Takes the outcome of all that was run. */
export type SelftestFinished = (passed: bool) => void
/** The end of the network's test: whether it passed, and why not. */
export type SelftestNetFinished = (passed: bool, why: cstring) => void
/** Starts the network's test: kernel/selftest/net.ts. */
export type SelftestNetStart = (finished: SelftestNetFinished) => void

let passedSoFar: boolean = true
let whenFinished: SelftestFinished | null = null

/** Run `which`, and call `finished` once: before this returns, or, with the network's, from the main loop. */
export function selftestStart(
  which: Selftest, swap: SwapManager, net: SelftestNetStart, finished: SelftestFinished,
): void {
  passedSoFar = true
  whenFinished = finished
  if (which == Selftest.Mm || which == Selftest.All) note(selftestMm())
  if (which == Selftest.Swap || which == Selftest.All) note(selftestSwap(swap))
  if (which == Selftest.Net || which == Selftest.All) net(netFinished)
  else finished(passedSoFar)
}

function note(passed: boolean): void {
  if (!passed) passedSoFar = false
}

function netFinished(passed: bool, why: cstring): void {
  note(passed)
  if (!passed) reportFail('net', why)
  else if (reportPass('net')) logEnd()
  if (whenFinished != null) whenFinished(passedSoFar)
}
