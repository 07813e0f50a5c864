// Memory of a process for what a system call has on its way from or to user memory.
//
// Copies may sleep, and others make the same calls meanwhile, so what is copied does not lie in a static: it lies in the
// process's own scratch, which nobody else touches. One call uses one of these views at a time, or several that do not overlap.

import { at, plus, wire, type Embed, type ptr, type u32 } from '../lib/layout.ts'
import { TimeSpec } from '../fs/layouts.ts'
import type { Process } from '../process/process.ts'
import { UserWord } from '../process/signal-frame.ts'

/** Bytes of scratch that a process has. */
export const SCRATCH_SIZE: u32 = 256

/** From here on there is room beside the views below. */
const REST: u32 = 64

/** What most calls need: a time, a set of signals, two words. clock_gettime(2), sigprocmask(2) specifications. */
@wire(48)
class Common {
  time: Embed<TimeSpec>
  set: Embed<UserWord>
  words: Embed<TimeSpec>
  word: Embed<UserWord>
}

export function scratchTime(self: Process): TimeSpec {
  return at<Common>(self.scratch).time
}

export function scratchSet(self: Process): UserWord {
  return at<Common>(self.scratch).set
}

/** Two words beside the time and the set. */
export function scratchPair(self: Process): TimeSpec {
  return at<Common>(self.scratch).words
}

/** 192 bytes beside all of these, for a struct of the call's own. */
export function scratchRest(self: Process): ptr {
  return plus(self.scratch, REST)
}
