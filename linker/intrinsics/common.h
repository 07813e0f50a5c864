// Intrinsics of every variant: instructions and addressing modes, no algorithms. linker/pin/print-porffor.ts
// writes the calls; kernel/lib/intrinsics.ts says what each does. A variant's header defines, before it includes this:
//   place(base, offset, size)  the u8 * for an access: base sign-extended, offset zero-extended
//   FAULT(why)                 ends the program, or the call that a test made
// A base is an i32, or a Known where the variant can do better with an address of the program itself.

template <typename T> struct __attribute__((packed, may_alias)) Any { T v; };
#define AT(type, base, offset) (((Any<type> *)place(base, offset, sizeof(type)))->v)
#define VOLATILE(type, base, offset) (*(volatile type *)place(base, offset, sizeof(type)))
#define LOAD(name, access, type, result) template <typename Base> V i32 i_load##name(Base base, i32 offset) { type v = access(type, base, offset); return (i32)(result); }
#define STORE(name, access, type, given) template <typename Base> V void i_store##name(Base base, i32 offset, i32 v) { access(type, base, offset) = (type)(given); }
LOAD(8, AT, u8, v) LOAD(16, AT, u16, v) LOAD(32, AT, u32, v) LOAD(Signed8, AT, i8, v) LOAD(Signed16, AT, i16, v)
LOAD(Be16, AT, u16, __builtin_bswap16(v)) LOAD(Be32, AT, u32, __builtin_bswap32(v)) LOAD(SignedBe16, AT, u16, (i16)__builtin_bswap16(v))
LOAD(Volatile8, VOLATILE, u8, v) LOAD(Volatile16, VOLATILE, u16, v) LOAD(Volatile32, VOLATILE, u32, v)
LOAD(VolatileSigned8, VOLATILE, i8, v) LOAD(VolatileSigned16, VOLATILE, i16, v)
STORE(8, AT, u8, v) STORE(16, AT, u16, v) STORE(32, AT, u32, v)
STORE(Be16, AT, u16, __builtin_bswap16((u16)v)) STORE(Be32, AT, u32, __builtin_bswap32((u32)v))
STORE(Volatile8, VOLATILE, u8, v) STORE(Volatile16, VOLATILE, u16, v) STORE(Volatile32, VOLATILE, u32, v)
V void i_copy64(i32 to, i32 toOffset, i32 from, i32 fromOffset) { AT(u64, to, toOffset) = AT(u64, from, fromOffset); }
V void i_store64(i32 base, i32 offset, i32 low, i32 high) { AT(u64, base, offset) = (u64)(u32)high << 32 | (u32)low; }
V i32 i_equal64(i32 a, i32 aOffset, i32 b, i32 bOffset) { return AT(u64, a, aOffset) == AT(u64, b, bOffset); }
#ifndef FENCE
#define FENCE "mfence"
#endif
V void i_memoryBarrier() { __asm__ volatile(FENCE ::: "memory"); }
V void i_compilerBarrier() { __asm__ volatile("" ::: "memory"); }

V i32 i_ult(i32 a, i32 b) { return (u32)a < (u32)b; }
V i32 i_ule(i32 a, i32 b) { return (u32)a <= (u32)b; }
V i32 i_ugt(i32 a, i32 b) { return (u32)a > (u32)b; }
V i32 i_uge(i32 a, i32 b) { return (u32)a >= (u32)b; }
V i32 i_ushr(i32 a, i32 n) { return (i32)((u32)a >> (n & 31)); }
// The least i32 divided by -1 faults in the processor; here it is itself, and the remainder 0.
V void nonzero(i32 divisor) { if (__builtin_expect(divisor == 0, 0)) FAULT("division by zero"); }
V i32 i_udiv(i32 a, i32 b) { nonzero(b); return (i32)((u32)a / (u32)b); }
V i32 i_urem(i32 a, i32 b) { nonzero(b); return (i32)((u32)a % (u32)b); }
V i32 i_div(i32 a, i32 b) { nonzero(b); return b == -1 ? -a : a / b; }
V i32 i_rem(i32 a, i32 b) { nonzero(b); return b == -1 ? 0 : a % b; }
V i32 i_addEndAround(i32 a, i32 b) { u32 sum; u32 carry = __builtin_add_overflow((u32)a, (u32)b, &sum); return (i32)(sum + carry); }
V i32 i_onesSum128(i32 base, i32 offset, i32 sum) {
  unsigned long long wide = (u32)sum, carry = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) wide = __builtin_addcll(wide, AT(u64, base, offset + 8 * i), carry, &carry);
  wide = __builtin_addcll(wide, 0, carry, &carry) + carry;
  return i_addEndAround((i32)wide, (i32)(wide >> 32));
}
V i32 i_multiplyHigh(i32 a, i32 b) { return (i32)((u64)(u32)a * (u32)b >> 32); }
V i32 i_countLeadingZeros(i32 v) { return v == 0 ? 32 : __builtin_clz((u32)v); }
V i32 i_countTrailingZeros(i32 v) { return v == 0 ? 32 : __builtin_ctz((u32)v); }
V i32 i_populationCount(i32 v) { return __builtin_popcount((u32)v); }
V i32 i_rotateLeft(i32 v, i32 n) { return (i32)((u32)v << (n & 31) | (u32)v >> (-n & 31)); }
V i32 i_byteSwap32(i32 v) { return (i32)__builtin_bswap32((u32)v); }

V void i_add64(i32 out, i32 a, i32 b) { u64 r = AT(u64, a, 0) + AT(u64, b, 0); AT(u64, out, 0) = r; }
V void i_subtract64(i32 out, i32 a, i32 b) { u64 r = AT(u64, a, 0) - AT(u64, b, 0); AT(u64, out, 0) = r; }
V void i_increase64(i32 p, i32 n) { AT(u64, p, 0) += (u32)n; }
V i32 i_compare64(i32 a, i32 b) { u64 x = AT(u64, a, 0), y = AT(u64, b, 0); return (x > y) - (x < y); }
V void i_shiftLeft64(i32 out, i32 a, i32 n) { u64 r = AT(u64, a, 0) << (n & 63); AT(u64, out, 0) = r; }
V void i_shiftRight64(i32 out, i32 a, i32 n) { u64 r = AT(u64, a, 0) >> (n & 63); AT(u64, out, 0) = r; }
V void i_scale64(i32 out, i32 a, i32 by, i32 n) { u64 r = (u64)((unsigned __int128)AT(u64, a, 0) * (u32)by >> (n & 63)); AT(u64, out, 0) = r; }
V i32 i_divide64(i32 out, i32 a, i32 by) { nonzero(by); u64 v = AT(u64, a, 0); AT(u64, out, 0) = v / (u32)by; return (i32)(v % (u32)by); }
