// System calls about the machine: uname, sysinfo, random numbers, the end of it.

import { ExitStatus, exitMachine, reboot } from '../arch/x86/exit.ts'
import { VERSION } from '../config.ts'
import { isSuperuser } from '../fs/credentials.ts'
import { Long } from '../fs/layouts.ts'
import { nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import {
  address, plus, sizeof, staticMemory, staticStruct, wire, type Bytes, type Embed, type Le, type cstring, type i32, type ptr, type u16,
  type u32,
} from '../lib/layout.ts'
import { copyBytes, stringLength, zeroBytes } from '../lib/memory.ts'
import { randomBytes } from '../lib/random.ts'
import { PAGE_SIZE } from '../mm/address.ts'
import { framesFree, framesTotal } from '../mm/frames.ts'
import { SwapStats } from '../swap/stats.ts'
import { swapManager } from '../swap/start.ts'
import type { Process } from '../process/process.ts'
import { processCount } from '../process/table.ts'
import { userCopyOut, userPin } from '../vm/user-copy.ts'

/** struct utsname: six fields of 65 bytes. */
const FIELD: u32 = 65
const UTSNAME: u32 = 390
/** reboot(2): its two magic numbers, and what there is. include/uapi/linux/reboot.h */
const REBOOT_MAGIC1: u32 = 0xfee1dead
const REBOOT_MAGIC2: u32 = 672274793
const enum Reboot { Restart = 0x01234567, Halt = 0xcdef0123, PowerOff = 0x4321fedc }
/** Bytes of random numbers copied at a time. */
const RANDOM_PIECE: u32 = 256

/** struct sysinfo. sysinfo(2) specification. */
@wire(112)
class SystemInformation {
  uptime: Embed<Long>
  loads: Bytes<24>
  totalRam: Embed<Long>
  freeRam: Embed<Long>
  sharedRam: Embed<Long>
  bufferRam: Embed<Long>
  totalSwap: Embed<Long>
  freeSwap: Embed<Long>
  processes: Le<u16>
  padding: Le<u16>
  padding2: Le<u32>
  totalHigh: Embed<Long>
  freeHigh: Embed<Long>
  unit: Le<u32>
  padding3: Le<u32>
}

const names = staticMemory(UTSNAME)
const information = staticStruct<SystemInformation>()
const swapStats = staticStruct<SwapStats>()
const random = staticMemory(RANDOM_PIECE)

function nameSet(index: u32, text: cstring): void {
  copyBytes(plus(names, index * FIELD), text as ptr, stringLength(text))
}

/** uname(2): a Linux whose calls these are (its version numbers decide what C libraries try), and whose they really are. */
export function sysUname(to: ptr): i32 {
  if (userPin(to, UTSNAME, true) != Errno.None) return Errno.BadAddress
  zeroBytes(names, UTSNAME)
  nameSet(0, 'Linux')
  nameSet(1, 'porphyry')
  nameSet(2, '6.1.0-porphyry')
  nameSet(3, VERSION)
  nameSet(4, 'x86_64')
  nameSet(5, '(none)')
  return userCopyOut(to, names, UTSNAME)
}

/** sysinfo(2). */
export function sysSysinfo(to: ptr): i32 {
  if (userPin(to, sizeof<SystemInformation>(), true) != Errno.None) return Errno.BadAddress
  zeroBytes(address(information), sizeof<SystemInformation>())
  swapManager().getStats(swapStats)
  information.uptime.low = nowMilliseconds() / 1000
  information.unit = PAGE_SIZE
  information.totalRam.low = framesTotal()
  information.freeRam.low = framesFree()
  information.totalSwap.low = swapStats.totalSlots
  information.freeSwap.low = swapStats.freeSlots
  information.processes = processCount()
  return userCopyOut(to, address(information), sizeof<SystemInformation>())
}

/** getrandom(2). Errors: InvalidArgument, BadAddress. May sleep. */
export function sysGetrandom(to: ptr, length: u32, flags: u32): u32 {
  if (flags > 7) return Errno.InvalidArgument as number as u32
  let done: u32 = 0
  while (done < length) {
    const piece: u32 = length - done < RANDOM_PIECE ? length - done : RANDOM_PIECE
    if (userPin(plus(to, done), piece, true) != Errno.None) return done != 0 ? done : Errno.BadAddress as number as u32
    randomBytes(random, piece)
    userCopyOut(plus(to, done), random, piece)
    done += piece
  }
  return done
}

/** reboot(2): restart, or leave QEMU with success. Errors: NotPermitted, InvalidArgument. */
export function sysReboot(self: Process, magic1: u32, magic2: u32, command: u32): i32 {
  if (!isSuperuser(self.files.credentials)) return Errno.NotPermitted
  if (magic1 != REBOOT_MAGIC1 || magic2 != REBOOT_MAGIC2) return Errno.InvalidArgument
  if (command == Reboot.Restart) reboot()
  if (command == Reboot.Halt || command == Reboot.PowerOff) exitMachine(ExitStatus.Success)
  return Errno.InvalidArgument
}
