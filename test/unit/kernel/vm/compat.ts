// RustOS's names for virtual memory: its constants, checks, errors and their order, and its defects that are none here.

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { MemoryError, PAGE, VmMachine } from '../../../vm-machine.ts'

const A = 0x400000
const Type = { UserCode: 2, UserData: 3, UserStack: 4, UserHeap: 5, GuardPage: 10 } as const
const Is = { KernelCode: 5, KernelData: 3, UserCode: 13, UserData: 11, DeviceMemory: 0x33, GuardPage: 0x80, CopyOnWrite: 0x49, Read: 1, Write: 3, Execute: 5 }
const Sys = { PermissionDenied: -13, InvalidAddress: -14, InvalidArgument: -22, InternalError: -255 } as const
const NX = 0x80000000

function machine(e: Engine): VmMachine {
  const v = new VmMachine(e, 600)
  v.create(0)
  v.call('use', 0)
  return v
}
const get = (v: VmMachine, field: number) => v.call('regionGet', field) >>> 0

for (const e of await engines('test/kernel/vm-compat.ts')) {
  t.test(`${e.kind}: MemoryProtection: constants, page-table flags, |=`, t => {
    const v = machine(e)
    const flags = (constant: number) => {
      v.call('protectionSet', constant)
      return [1, 2].map(field => v.call('protectionField', field) >>> 0)
    }
    t.same(flags(Is.KernelCode), [1, 0])
    t.same(flags(Is.KernelData), [3, NX])
    t.same(flags(Is.UserCode), [5, 0])
    t.same(flags(Is.UserData), [7, NX])
    t.same(flags(Is.DeviceMemory), [0x1b, NX])
    t.same(flags(Is.CopyOnWrite), [5, NX])
    t.same(flags(0), [1, NX])
    v.call('protectionSet', Is.Read)
    v.call('protectionOr', Is.UserCode)
    t.equal(v.call('protectionField', 0), 13)
    t.equal(v.call('memoryFlagsToPageTableFlags', 0xff), 0x1b)
    t.end()
  })

  t.test(`${e.kind}: VirtualMemoryRegion`, t => {
    const v = machine(e)
    v.call('regionMake', A, 5000, Type.UserData, Is.UserData, 0)
    t.same([0, 1, 2, 3, 4, 5, 6, 7, 8].map(field => get(v, field)), [A, 5000, Type.UserData, Is.UserData, 0, 1, 0, A + 5000, 2])
    t.same([A - 1, A, A + 4999, A + 5000].map(where => v.call('regionContains', where)), [0, 1, 1, 0])
    v.call('regionMore')
    t.same([v.call('regionLess'), v.call('regionLess'), v.call('regionLess')], [1, 0, 0])
    const offsets = Array.from({ length: 200 }, () => v.call('generateAslrOffset'))
    t.ok(offsets.every(each => each % PAGE === 0 && each <= 268431360) && new Set(offsets).size > 190)
    v.call('regionMake', A, PAGE, Type.UserStack, Is.UserData, 1)
    t.equal(get(v, 0), A + get(v, 6))
    t.end()
  })

  t.test(`${e.kind}: map_region maps at once, or nothing; add_region when it is touched; remove_region by its exact start`, t => {
    const v = machine(e)
    v.call('regionMake', A, 3 * PAGE, Type.UserHeap, Is.UserData, 0)
    t.equal(v.call('compatMap'), 0)
    t.equal(get(v, 4), 1)
    t.equal(v.field(0, 'resident'), 3)
    t.equal(v.call('compatMap'), -2, 'MappingFailed: it is there')
    t.equal(v.call('compatAdd'), -3, 'RegionOverlap')
    v.call('regionMake', A + 8 * PAGE, 3 * PAGE, Type.UserCode, Is.UserCode, 0)
    t.equal(v.call('compatAdd'), 0)
    t.equal(v.field(0, 'resident'), 3)
    t.equal(v.call('compatFind', A + 9 * PAGE), 1)
    t.same([0, 1, 2, 3].map(field => get(v, field)), [A + 8 * PAGE, 3 * PAGE, Type.UserCode, Is.UserCode])
    t.equal(v.call('compatRemove', A + 9 * PAGE), -4, 'RegionNotFound')
    t.equal(v.call('compatRemove', A + 8 * PAGE), 0)
    t.equal(v.call('compatFind', A + 8 * PAGE), 0)
    v.call('compatFind', A)
    t.equal(v.call('compatUnmap'), 0)
    t.equal(v.call('compatUnmap'), 0, 'what is not mapped is passed over')
    t.equal(v.field(0, 'resident'), 0)
    const free = v.free()
    v.call('regionMake', A, 700 * PAGE, Type.UserData, Is.UserData, 0)
    t.equal(v.call('compatMap'), MemoryError.OutOfMemory)
    t.equal(v.free(), free, 'RustOS loses the frames it had by then')
    t.end()
  })

  t.test(`${e.kind}: allocate_region stays inside its hole; guards guard`, t => {
    const v = machine(e)
    const starts = new Set<number>()
    for (let i = 0; i < 20; i++) {
      t.equal(v.call('compatAllocate', 5000, Type.UserData, Is.UserData, 0), 0)
      const start = get(v, 0)
      t.ok(start >= 0x1000 && start + 8192 <= 0x80000000 && start % PAGE === 0)
      t.equal(get(v, 1), 8192)
      starts.add(start)
    }
    t.equal(starts.size, 20)
    t.equal(v.call('compatAllocate', 5000, Type.UserStack, Is.UserData, 1), 0)
    const [start, end] = [get(v, 0), get(v, 7)]
    t.equal(v.write(0, start, 1), 1)
    t.equal(v.write(0, start - 1, 1), MemoryError.GuardPageViolation, 'RustOS: WriteViolation, or the page is mapped')
    t.equal(v.read(0, end), MemoryError.GuardPageViolation)
    t.equal(v.call('handlePageFault', end, 4 | 2 | 1), MemoryError.GuardPageViolation)
    t.equal(v.call('deallocateMemory', start), 0)
    for (const where of [start - PAGE, start, end]) t.equal(v.read(0, where), MemoryError.InvalidAddress)
    t.equal(v.call('deallocateMemory', start), -4)
    t.equal(v.call('compatAllocate', 0x7ffff001, Type.UserData, Is.UserData, 0), -5, 'NoVirtualSpace')
    t.equal(v.call('compatAllocate', 0, Type.UserData, Is.UserData, 0), -5)
    const address = v.call('compatAllocateMemory', 100, Type.UserHeap, Is.UserData, 0) >>> 0
    t.equal(v.read(0, address), 0)
    t.equal(v.call('compatAllocateMemory', 0xffffffff, Type.UserHeap, Is.UserData, 1), -5)
    t.end()
  })

  t.test(`${e.kind}: protect_region changes the part it is asked to`, t => {
    const v = machine(e)
    v.call('regionMake', A, 4 * PAGE, Type.UserData, Is.UserData, 0)
    v.call('compatMap')
    t.equal(v.call('compatProtect', A + PAGE, PAGE, 9), 0)
    t.equal(v.write(0, A + PAGE, 1), MemoryError.WriteViolation)
    t.equal(v.write(0, A, 1), 1, 'RustOS: the whole region')
    t.equal(v.call('compatProtectMemory', A, 5 * PAGE, 9), -13, 'ProtectionFailed')
    t.equal(v.call('compatProtectMemory', A, 4 * PAGE, Is.UserData), 0)
    t.end()
  })

  t.test(`${e.kind}: translate_addr, reference counts, create_cow_mapping`, t => {
    const v = machine(e)
    v.call('regionMake', A, 2 * PAGE, Type.UserData, Is.UserData, 0)
    v.call('compatMap')
    v.write(0, A + 5, 42)
    const physical = v.call('translateAddr', A + 5) >>> 0
    t.equal(physical & 4095, 5)
    t.equal(v.m.bytes(0x80000000 + physical, 1)[0], 42)
    t.equal(v.call('translateAddr', 0x80001234), 0x1234)
    for (const where of [0, A - 1, 0x7ffff000, 0xf0000000]) t.equal(v.call('translateAddr', where), 0)
    const frame = physical - 5
    t.equal(v.call('getFrameRefcount', frame), 1)
    v.call('incrementFrameRefcount', frame)
    t.equal(v.call('isFrameShared', frame), 1)
    t.equal(v.call('decrementFrameRefcount', frame), 1)
    t.equal(v.call('isFrameShared', frame), 0)
    const copy = v.call('createCowMapping', A) >>> 0
    t.ok(copy >= 0x30000000 && copy < 0x80000000, 'RustOS: always RegionOverlap')
    t.equal(v.read(0, copy + 5), 42)
    v.write(0, copy + 5, 43)
    t.equal(v.read(0, A + 5), 42)
    v.write(0, A + 5, 44)
    t.equal(v.read(0, copy + 5), 43)
    t.equal(v.call('createCowMapping', 0x10000000), -4)
    t.end()
  })

  t.test(`${e.kind}: handle_swap_in and is_page_swapped know a page by any address in it; what can not be read is no page of zeros`, t => {
    const v = machine(e)
    v.swap(100)
    v.call('regionMake', A, 2 * PAGE, Type.UserData, Is.UserData, 0)
    v.call('compatMap')
    v.write(0, A + 77, 9)
    for (let i = 0; i < 3; i++) { v.call('evict', 8); v.settle() }
    t.equal(v.call('isPageSwapped', A + 77), 1)
    t.equal(v.call('isPageSwapped', A + 2 * PAGE), 0)
    t.equal(v.call('handleSwapIn', A + 77), 0)
    t.equal(v.call('isPageSwapped', A + 78), 0)
    t.equal(v.read(0, A + 77), 9)
    v.call('failReads', 0, 0, 10000)
    t.equal(v.call('handleSwapIn', A + PAGE + 5), MemoryError.InputOutput)
    t.equal(v.call('handleSwapIn', 0x10000000), MemoryError.InvalidAddress)
    t.end()
  })

  t.test(`${e.kind}: check_memory_access`, t => {
    const v = machine(e)
    v.call('regionMake', A, 2 * PAGE, Type.UserCode, 9, 0)
    v.call('compatAdd')
    const check = (where: number, size: number, write: number, ring: number) => v.call('checkMemoryAccess', where, size, write, ring)
    t.equal(check(A, 0, 0, 3), 0)
    t.equal(check(A, 2 * PAGE, 0, 3), 1)
    t.equal(check(A, 1, 1, 3), 0, 'RustOS does not look at the write flag')
    t.equal(check(A, 2 * PAGE + 1, 0, 3), 0)
    t.equal(check(0xfffffff0, 17, 0, 3), -1)
    t.equal(v.m.text(v.call('accessErrorName', -1)), 'Address overflow')
    t.equal(check(0x80000000, 16, 0, 3), 0)
    t.equal(check(0x80000000, 16, 0, 0), 1)
    t.equal(check(0xf0000000, 16, 0, 0), 0)
    t.same([v.call('alignUp', 4097, 4096), v.call('alignDown', 8191, 4096)], [8192, 4096])
    t.end()
  })

  t.test(`${e.kind}: MemoryStats`, t => {
    const v = machine(e)
    v.call('regionMake', A, 8 * PAGE, Type.UserData, Is.UserData, 0)
    v.call('compatAdd')
    t.equal(v.call('memoryStat', 0), v.call('memoryStat', 1) + v.call('memoryStat', 2))
    t.equal(v.call('memoryStat', 2), v.free() * PAGE)
    t.equal(v.call('memoryStat', 3), 1)
    t.ok(v.call('memoryStat', 4) > 0 && v.call('memoryStat', 4) < 1000)
    t.end()
  })

  t.test(`${e.kind}: validate_user_ptr and the copies: RustOS's checks in its order, one range for all`, t => {
    const v = machine(e)
    v.call('regionMake', A, 2 * PAGE, Type.UserData, Is.UserData, 0)
    v.call('compatAdd')
    v.call('regionMake', A + 2 * PAGE, PAGE, Type.UserCode, Is.UserCode, 0)
    v.call('compatAdd')
    v.call('guard', 0, A + 3 * PAGE, PAGE)
    const valid = (p: number, n: number, write = 0) => v.call('validateUserPtr', p, n, write)
    t.equal(valid(0, 0), 0)
    t.equal(valid(0xffffffff, 0), 0, 'no length: any pointer')
    t.equal(valid(0, 1), Sys.InvalidAddress)
    t.equal(valid(0x7fffffff, 2), Sys.InvalidAddress)
    t.equal(valid(A, 0xffffffff), Sys.InvalidAddress)
    t.equal(valid(0x1000, (64 << 20) + 1), Sys.InvalidArgument)
    t.equal(valid(A, 2 * PAGE, 1), 0, 'RustOS refuses pages that are not there yet')
    t.equal(valid(A + PAGE, 2 * PAGE, 1), Sys.PermissionDenied)
    t.equal(valid(A + PAGE, 2 * PAGE), 0)
    t.equal(valid(A + 3 * PAGE, 1), Sys.PermissionDenied)
    t.equal(valid(A + 4 * PAGE, 1), Sys.InvalidAddress)
    t.equal(v.call('validateUserRangeEnhanced', A, 1, 1), 0)
    t.equal(v.call('probeUserAddress', A + 2 * PAGE, 1), Sys.PermissionDenied)
    const text = v.m.cstring('copy this')
    const out = v.m.alloc(64)
    t.equal(v.call('copyToUser', A + PAGE - 4, text, 10), 0)
    t.equal(v.call('copyFromUser', A + PAGE - 4, out, 10), 0)
    t.equal(v.m.text(out), 'copy this')
    t.equal(v.call('copyToUser', A + 2 * PAGE - 4, text, 10), Sys.PermissionDenied)
    t.equal(v.call('userCopyCount'), 2)
    t.equal(v.call('copyStringFromUser', A + PAGE - 4, out, 64), 9)
    t.equal(v.call('copyStringFromUser', A + PAGE - 4, out, 9), Sys.InvalidArgument, 'RustOS cuts it off')
    t.equal(v.call('copyStringFromUser', 0, out, 9), Sys.InvalidAddress)
    t.equal(v.call('copyStringFromUser', A, out, 0), 0)
    t.equal(v.call('copyStringToUser', A + 100, text, 4), 0)
    t.equal(v.call('copyStringFromUser', A + 100, out, 64), 4)
    t.equal(v.call('pageProtection', A), 11)
    t.equal(v.call('pageProtection', A + 2 * PAGE), Sys.InvalidAddress, 'not there')
    v.read(0, A + 2 * PAGE)
    t.equal(v.call('pageProtection', A + 2 * PAGE), 13)
    t.equal(v.call('flushUserTlbRange', A, 0xffffffff), Sys.InvalidAddress)
    t.equal(v.call('flushUserTlbRange', A, PAGE), 0)
    t.same([v.call('currentPrivilegeLevel'), v.call('canAccessUserMemory'), v.call('isValidUserAddress', A, 4)], [0, 1, 1])
    v.call('use', 1000)
    t.equal(valid(A, 1), Sys.InternalError)
    t.end()
  })
}
