// One flag: something has happened that the main loop should look at before a process goes on. Raised by every interrupt
// that arrives; a process in user mode, or about to go back there, makes way for the main loop when it is up.

let raised: boolean = false

/** Something has happened. Any context. */
export function attentionRaise(): void {
  raised = true
}

/**
 * A process has looked for what was not there, and may look again at once: the main loop has a turn before, since what goes from one
 * socket of this machine to another comes with no interrupt.
 */
export function lookedInVain(): void {
  raised = true
}

/** Whether something has happened since the last `attentionTake`. */
export function attentionRaised(): boolean {
  return raised
}

/** The main loop looks at everything now. */
export function attentionTake(): void {
  raised = false
}
