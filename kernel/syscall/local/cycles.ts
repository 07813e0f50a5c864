// Sockets on their way that nobody can reach any more: each lies in a queue of another, or in its own. Their messages are dropped, and
// with that they are closed. unix(7), SCM_RIGHTS; as Linux does, by looking for what is known from elsewhere.
//
// Only sockets that nothing but messages has can be lost. Of each of them it is counted how many of those messages lie outside of
// the queues of all of them; who has one there is known, and so is everything in its queue. What is left over is lost. That can
// become so only when a file loses what was no message: fileRelease says when. Nothing sleeps until it is done.

import type { u32 } from '../../lib/layout.ts'
import { messageRelease, messageRightsTake, messageUnqueue, type Message } from './message.ts'
import { flyingFirst, rightsClose, rightsDefer, rightsFile, type Rights } from './rights.ts'
import { localOfFile, type LocalSocket } from './socket.ts'

type Visit = (socket: LocalSocket) => void

/** `outside` of a socket that is known not to be lost. */
const KNOWN: u32 = 0xffffffff

/** A list of sockets, linked by `reachNext`. */
let found: LocalSocket | null = null

/** Look for what is lost, and close it. May sleep then. */
export function cyclesCollect(): void {
  if (flyingFirst() == null) return
  outsideCount()
  knownSpread()
  lostFind()
  while (found != null) {
    const lost: LocalSocket = found
    found = lost.reachNext
    queuesEach(lost, queueEmpty)
  }
  rightsClose()
}

/** `visit` a socket, and those that wait to be accepted by it: their queues are reached only through it. */
function queuesEach(socket: LocalSocket, visit: Visit): void {
  visit(socket)
  let pending = socket.pendingFirst
  while (pending != null) {
    visit(pending)
    pending = pending.pendingNext
  }
}

function filesEach(rights: Rights, visit: Visit): void {
  for (let i: u32 = 0; i < rights.count; i++) {
    const socket = localOfFile(rightsFile(rights, i))
    if (socket != null) visit(socket)
  }
}

/** `less` or `known` every socket that lies in a queue. */
function lessIn(queue: LocalSocket): void {
  let message: Message | null = queue.first
  while (message != null) {
    if (message.rights != null) filesEach(message.rights, less)
    message = message.next
  }
}
function knownIn(queue: LocalSocket): void {
  let message: Message | null = queue.first
  while (message != null) {
    if (message.rights != null) filesEach(message.rights, known)
    message = message.next
  }
}

function less(socket: LocalSocket): void {
  if (socket.outside != KNOWN) socket.outside -= 1
}

function known(socket: LocalSocket): void {
  if (socket.outside == KNOWN) return
  socket.outside = KNOWN
  socket.reachNext = found
  found = socket
}

/** In how many messages each socket lies that are not in a queue of those that only messages have. */
function outsideCount(): void {
  let each = flyingFirst()
  while (each != null) {
    const file = each.file!
    each.outside = file.count == file.flight ? file.flight : KNOWN
    each = each.flightNext
  }
  each = flyingFirst()
  while (each != null) {
    if (each.outside != KNOWN) queuesEach(each, lessIn)
    each = each.flightNext
  }
}

/** Who lies outside is known, and so is what lies in its queue, and so on. */
function knownSpread(): void {
  let each = flyingFirst()
  while (each != null) {
    if (each.outside != 0) known(each)
    each = each.flightNext
  }
  while (found != null) {
    const reached: LocalSocket = found
    found = reached.reachNext
    queuesEach(reached, knownIn)
  }
}

function lostFind(): void {
  let each = flyingFirst()
  while (each != null) {
    if (each.outside != KNOWN) known(each)
    each = each.flightNext
  }
}

function queueEmpty(queue: LocalSocket): void {
  while (queue.first != null) {
    const message = messageUnqueue(queue)
    const rights = messageRightsTake(message)
    messageRelease(message)
    if (rights != null) rightsDefer(rights)
  }
}
