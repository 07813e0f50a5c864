// The FPU state on a signal's stack: the processor's own format, with what Linux adds so that a handler can tell how much
// of it there is. Intel SDM vol. 1 §10.5.1, §13.4; Linux's arch/x86/include/uapi/asm/sigcontext.h.
//
//   0    FXSAVE area; its last 48 bytes are software's: SoftwareState
//   512  XSAVE header, AVX …          only with XSAVE
//   end  the word 0x46505845          only with XSAVE: the state is whole
//
// XRSTOR raises an exception in the kernel for a state it does not like, so what comes back from a program is made
// sound first: `fpuStateSanitize`.

import { load32, store32 } from '../lib/intrinsics.ts'
import { at, plus, wire, type Bytes, type Le, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'

/** struct _fpx_sw_bytes: in the FXSAVE area from byte 464 on. sigcontext.h specification. */
@wire(48)
export class SoftwareState {
  magic: Le<u32> // MAGIC_EXTENDED: there is more than FXSAVE's
  extendedSize: Le<u32> // of all, the last word included
  features: Le<u32> // XCR0
  featuresHigh: Le<u32>
  stateSize: Le<u32> // of all without it
  padding: Bytes<28>
}

/** Bytes of FXSAVE's area, and of the part of it that is the processor's. */
export const FXSAVE_BYTES: u32 = 512
export const SOFTWARE_OFFSET: u32 = 464
export const SOFTWARE_BYTES: u32 = 48
const MXCSR_OFFSET: u32 = 24
const MXCSR_MASK_OFFSET: u32 = 28
/** Bits of MXCSR where a processor does not say: all but DAZ. SDM vol. 1 §11.6.6. */
const MXCSR_MASK_DEFAULT: u32 = 0xffbf
const HEADER_OFFSET: u32 = 512
/** XCOMP_BV and reserved bytes: the header but for its first word. */
const HEADER_REST: u32 = 56
const HEADER_BYTES: u32 = 64
const X87_SSE: u32 = 3
const MAGIC_EXTENDED: u32 = 0x46505853
const MAGIC_END: u32 = 0x46505845
const END_BYTES: u32 = 4

/** Bytes that a state of `size` bytes takes on a stack. */
export function fpuStackBytes(size: u32): u32 {
  return size > FXSAVE_BYTES ? size + END_BYTES : size
}

/** What stands in the software's part of a state of `size` bytes, at `out`: SOFTWARE_BYTES. */
export function fpuSoftwareMake(out: ptr, size: u32, features: u32): void {
  zeroBytes(out, SOFTWARE_BYTES)
  if (size <= FXSAVE_BYTES) return
  const software = at<SoftwareState>(out)
  software.magic = MAGIC_EXTENDED
  software.extendedSize = size + END_BYTES
  software.features = features
  software.stateSize = size
}

/** The word behind an extended state. */
export function fpuEndWord(): u32 {
  return MAGIC_END
}

/** Whether a program's state at `area`, FXSAVE_BYTES of it, says that it has as much as this processor saves; `end` is the word behind. */
export function fpuIsExtended(area: ptr, size: u32, end: u32): boolean {
  const software = at<SoftwareState>(plus(area, SOFTWARE_OFFSET))
  return size > FXSAVE_BYTES && software.magic == MAGIC_EXTENDED && software.stateSize == size &&
    software.extendedSize == size + END_BYTES && end == MAGIC_END
}

/** The bits of MXCSR that may be set, by a state the processor has saved itself. */
export function fpuMxcsrMask(area: ptr): u32 {
  const mask = load32(area, MXCSR_MASK_OFFSET)
  return mask != 0 ? mask : MXCSR_MASK_DEFAULT
}

/**
 * Make a state that a program has written fit to be loaded: reserved bits of MXCSR off, only parts that exist, not compacted.
 * Without `extended` it is FXSAVE's part, and the rest is as at the beginning. SDM vol. 1 §13.8.
 */
export function fpuStateSanitize(area: ptr, size: u32, features: u32, mxcsrMask: u32, extended: boolean): void {
  store32(area, MXCSR_OFFSET, load32(area, MXCSR_OFFSET) & mxcsrMask)
  if (size <= FXSAVE_BYTES) return
  if (!extended) {
    zeroBytes(plus(area, HEADER_OFFSET), size - FXSAVE_BYTES)
    store32(area, HEADER_OFFSET, X87_SSE)
    return
  }
  store32(area, HEADER_OFFSET, load32(area, HEADER_OFFSET) & features)
  store32(area, HEADER_OFFSET + 4, 0)
  zeroBytes(plus(area, HEADER_OFFSET + HEADER_BYTES - HEADER_REST), HEADER_REST)
}
