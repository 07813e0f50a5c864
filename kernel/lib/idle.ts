// Waiting for an interrupt, for code that must not import kernel/arch: the processor's way is registered at
// boot. Under test there is none, and waiting is a return: the test's device completes when it is polled.

type Idle = () => void

let wait: Idle | null = null

/** How to wait from now on. The function returns after at least one interrupt, and loses no wake-up. */
export function setIdle(next: Idle): void {
  wait = next
}

/** Return after the next interrupt, or at once. The caller looks at its condition again either way. */
export function idle(): void {
  if (wait != null) wait()
}
