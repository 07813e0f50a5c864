// A process of several threads becomes one of a single thread, as execve wants it: the others end, and if the one that stays is not
// their leader, it takes the leader's place: its id, its parent, its children. execve(2). Context: a process's.

import { address } from '../lib/layout.ts'
import { sleepPause } from '../lib/sleep.ts'
import { END_INTERVAL, endThreads, exitedStatus, processForget } from './exit.ts'
import { Process } from './process.ts'
import { leaderOf } from './signal.ts'
import { processIdsSwap } from './table.ts'

/**
 * The running thread becomes its group's only one, and the leader: the others end. False: it has to end itself, as another thread
 * is doing the same, or the whole group was told to. May sleep.
 */
export function groupAlone(self: Process): boolean {
  if (self.ending) return false
  endThreads(self, exitedStatus(0))
  while (leaderOf(self).threads > 1) {
    if (self.ending) return false
    sleepPause(END_INTERVAL)
  }
  if (self.ending) return false
  if (self.pid != self.group) leadershipTake(self, leaderOf(self))
  return true
}

/** The last thread of a group, whose leader has ended, is the leader from now on. The one there was is forgotten. */
function leadershipTake(self: Process, leader: Process): void {
  processIdsSwap(self, leader)
  self.threads = 1
  leader.threads = 0
  self.startTime = leader.startTime
  self.processGroup = leader.processGroup
  self.session = leader.session
  self.stopTold = leader.stopTold
  self.continueTold = leader.continueTold
  self.signals.group.alarm.owner = address(self)
  placeTake(self, leader)
  childrenTake(self, leader)
  processForget(leader)
}

/** In the list of the parent's children. */
function placeTake(self: Process, leader: Process): void {
  const parent = leader.parent
  self.parent = parent
  self.nextSibling = leader.nextSibling
  leader.parent = null
  if (parent == null) return
  if (parent.firstChild == leader) {
    parent.firstChild = self
    return
  }
  let each = parent.firstChild!
  while (each.nextSibling != leader) each = each.nextSibling!
  each.nextSibling = self
}

function childrenTake(self: Process, leader: Process): void {
  let child = leader.firstChild
  self.firstChild = child
  leader.firstChild = null
  while (child != null) {
    child.parent = self
    child = child.nextSibling
  }
}
