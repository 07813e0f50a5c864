// What is typed on COM1: input of the terminal while a process has that open, or there will be one; else a line is a question
// about the kernel, for a small monitor that answers in the log's format. Main-loop context.

import { ExitStatus, exitMachine } from '../arch/x86/exit.ts'
import { diskFirst, type Disk } from '../drivers/block/disk.ts'
import { packetsFree } from '../drivers/net/packet.ts'
import { serialPending, serialPut, serialRead } from '../drivers/serial/serial.ts'
import { ttyInput, ttyTakes } from '../fs/tty/edit.ts'
import { ttyConsole } from '../fs/tty/tty.ts'
import { store8 } from '../lib/intrinsics.ts'
import { staticMemory, type cstring, type i32, type u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logQuoted, logQuotedBytes, logStart, logText } from '../lib/log.ts'
import { spells } from '../lib/memory.ts'
import { framesFree, framesTotal } from '../mm/frames.ts'
import { Drop, dropCount, dropName } from '../net/stats.ts'
import { consoleNet } from './console-net.ts'

/** Longest line that is taken; what is typed beyond it is not echoed. */
const LINE_LIMIT: u32 = 128
const BACKSPACE: u32 = 0x08
const DELETE: u32 = 0x7f
const RETURN: u32 = 0x0d
const NEWLINE: u32 = 0x0a
const SPACE: u32 = 0x20

const line = staticMemory(LINE_LIMIT)
let length: u32 = 0

/** Whether what is typed is the terminal's. */
function isTerminal(): boolean {
  return ttyConsole().opens != 0 || ttyConsole().expected
}

/** Whether something was typed that can be taken: a terminal whose readers are slow leaves it in the port. */
export function consolePending(): boolean {
  return serialPending() && (!isTerminal() || ttyTakes(ttyConsole()))
}

/** Take what was typed; true when there was something. */
export function consolePoll(): boolean {
  if (isTerminal()) return terminalPoll()
  let typed: boolean = false
  let byte: i32 = serialRead()
  while (byte >= 0) {
    typed = true
    take(byte as u32)
    byte = serialRead()
  }
  return typed
}

function terminalPoll(): boolean {
  let typed: boolean = false
  while (ttyTakes(ttyConsole())) {
    const byte: i32 = serialRead()
    if (byte < 0) return typed
    typed = true
    ttyInput(ttyConsole(), byte as u32)
  }
  return typed
}

function take(byte: u32): void {
  if (byte == RETURN || byte == NEWLINE) return enter()
  if (byte == BACKSPACE || byte == DELETE) return erase()
  if (byte < SPACE || byte > 0x7e || length == LINE_LIMIT) return
  store8(line, length, byte)
  length += 1
  serialPut(byte)
}

function erase(): void {
  if (length == 0) return
  length -= 1
  serialPut(BACKSPACE)
  serialPut(SPACE)
  serialPut(BACKSPACE)
}

function enter(): void {
  serialPut(RETURN)
  serialPut(NEWLINE)
  if (length != 0) answer()
  length = 0
}

function isLine(word: cstring): boolean {
  return spells(line, length, word)
}

function answer(): void {
  if (isLine('help')) help()
  else if (isLine('memory')) memory()
  else if (isLine('drops')) drops()
  else if (isLine('disks')) disks()
  else if (isLine('exit')) exitMachine(ExitStatus.Success)
  else if (!consoleNet(line, length) && logStart(Level.Warn, 'console', 'unknown')) {
    logQuotedBytes('command', line, length)
    logEnd()
  }
}

function help(): void {
  if (!logStart(Level.Info, 'console', 'help')) return
  logQuoted('commands', 'memory net netstat drops disks ping resolve up down remove promisc mtu mac address vlan veth join leave exit')
  logEnd()
}

function memory(): void {
  if (!logStart(Level.Info, 'console', 'memory')) return
  logDecimal('frames', framesTotal())
  logDecimal('free', framesFree())
  logDecimal('packets_free', packetsFree())
  logEnd()
}

function drops(): void {
  for (let reason: u32 = 0; reason < Drop.Count; reason++) {
    const count = dropCount(reason as Drop)
    if (count != 0 && logStart(Level.Info, 'console', 'drop')) {
      logText('reason', dropName(reason as Drop))
      logDecimal('packets', count)
      logEnd()
    }
  }
}

function disks(): void {
  let disk: Disk | null = diskFirst()
  while (disk != null) {
    if (logStart(Level.Info, 'console', 'disk')) {
      logText('name', disk.name as cstring)
      logDecimal('sectors', disk.sectors)
      logDecimal('reads', disk.reads)
      logDecimal('writes', disk.writes)
      logDecimal('errors', disk.errors)
      logEnd()
    }
    disk = disk.next
  }
}
