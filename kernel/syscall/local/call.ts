// What one call to send or receive is about: where its bytes are, and what goes with them. Calls sleep, so it is memory of the call's own.

import { Open } from '../../fs/flags.ts'
import type { OpenFile } from '../../fs/file.ts'
import { Errno } from '../../lib/errno.ts'
import {
  address, at, sizeof, staticStruct, struct, type Embed, type Stored, type bool, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { MessageFlag } from '../../net/socket/socket.ts'
import { Scatter } from '../../vm/scatter.ts'
import { PeerCredentials, peerCredentialsSending } from './credentials.ts'
import { nameRelease, type LocalName } from './name.ts'
import { rightsRelease, type Rights } from './rights.ts'
import { localRelease, type LocalSocket } from './socket.ts'
import { waitBegin, waitOn } from './wait.ts'

@struct
export class LocalCall {
  bytes: Embed<Scatter>
  flags: u32 // of the caller
  to: LocalSocket | null // held: whom to send to; null: the peer
  rights: Rights | null // to go along, or that came along
  credentials: Embed<PeerCredentials> // of who sends: his own, or as he says
  from: LocalName | null // held: the name of who sent
  told: u32 // of MessageFlag: what there is to say about what was received
  since: u32 // milliseconds: when it began to wait
  waits: Stored<u32, bool> // it may
  waited: Stored<u32, bool>
}

const calls = staticStruct<Pool>()
/** One that is nobody's, kept for the next call: most begin when no other is at work. */
let spare: LocalCall | null = null

/** Once, before the first. */
export function localCallsInit(): void {
  poolInit(calls, 'local-calls', sizeof<LocalCall>(), 0)
}

/** Calls that are at work, for the self-test. */
export function localCallsUsed(): u32 {
  return calls.used - (spare == null ? 0 : 1)
}

/** A call on a file, of the process that runs and without its bytes; null without memory. */
export function callBegin(file: OpenFile, flags: u32): LocalCall | null {
  const memory: ptr = spare == null ? poolAllocate(calls) : address(spare)
  if (memory == 0) return null
  spare = null
  const call = at<LocalCall>(memory)
  call.flags = flags
  peerCredentialsSending(call.credentials)
  call.waits = (file.flags & Open.NonBlock) == 0 && (flags & MessageFlag.DontWait) == 0
  return call
}

/** Give back what is left of it. May sleep. */
export function callEnd(call: LocalCall): void {
  if (call.to != null) localRelease(call.to)
  if (call.from != null) nameRelease(call.from)
  if (call.rights != null) rightsRelease(call.rights)
  if (spare != null) return poolFree(calls, address(call))
  call.to = null
  call.from = null
  call.rights = null
  call.told = 0
  call.waited = false
  spare = call
}

/** Wait for a socket's next change: None, WouldBlock, Interrupted. May sleep. */
export function callWait(call: LocalCall, socket: LocalSocket, timeout: u32): i32 {
  if (!call.waits) return Errno.WouldBlock
  if (!call.waited) call.since = waitBegin()
  call.waited = true
  return waitOn(socket, timeout, call.since)
}
