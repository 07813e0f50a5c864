// One flag: something has happened that the main loop should look at before a process goes on. Raised by every interrupt
// that arrives; a process in user mode, or about to go back there, makes way for the main loop when it is up.

let raised: boolean = false

/** Something has happened. Any context. */
export function attentionRaise(): void {
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
