// Waiting for something that the main loop brings about: a datagram, a connection, a moment.
//
// There is one stack and no scheduler under this: who waits runs rounds of the main loop until what it waits for has
// happened. A round must not run inside a round (a packet's handler that waited for the next packet would recurse), so
// `waitAllowed` says no there. What a round is gets registered at boot; under test it is virtual time. Main-loop context.

/** One round of the main loop; it may halt the processor until there is something to do. */
type Round = () => void

let round: Round | null = null
let inside = false

/** What a round is from now on. */
export function waitRegister(next: Round): void {
  round = next
}

/** A round begins: until roundEnd nobody may wait. Called by the main loop itself. */
export function roundBegin(): void {
  inside = true
}

/** The round is over. */
export function roundEnd(): void {
  inside = false
}

/** Whether the caller may wait: not in the middle of a round. */
export function waitAllowed(): boolean {
  return !inside
}

/** Run one round. False when there is nothing to run, or the caller is in one: then waiting would be for ever. */
export function waitRound(): boolean {
  if (round == null || inside) return false
  round()
  return true
}
