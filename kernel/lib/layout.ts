// The vocabulary: integer widths, addresses, and classes that are memory layouts. docs/dialect.md.
//
// To TypeScript everything here is a number. The lowering pass reads the *spelling* of a type and derives
// width, sign, byte order and offset from it, so one declaration is the picture, the type and the layout.
// Nothing in this file exists at run time.

declare const kind: unique symbol
/** Unsigned integers. The brand is optional: literals and arithmetic assign, but `u32 = i32` is an error. */
export type u8 = number & { readonly [kind]?: 'u' }
export type u16 = number & { readonly [kind]?: 'u' }
export type u32 = number & { readonly [kind]?: 'u' }
/** Signed integers. */
export type i8 = number & { readonly [kind]?: 'i' }
export type i16 = number & { readonly [kind]?: 'i' }
export type i32 = number & { readonly [kind]?: 'i' }
/** `true` is 1, `false` is 0; a field of this type takes one byte. */
export type bool = boolean

declare const pointer: unique symbol
/** An address, 32 bits, sign-extended by every load and store. A length can not be dereferenced by mistake. */
export type ptr = u32 & { readonly [pointer]: true }
declare const text: unique symbol
/** The address of bytes that end in a zero byte: a string literal, or a `ptr` to such bytes `as cstring`. */
export type cstring = string | (ptr & { readonly [text]?: true })

/** An address as the memory bus sees it: never dereferenced. */
declare const physical: unique symbol
export type PhysicalAddress = u32 & { readonly [physical]: true }

/** Most significant byte first in memory. The swap is part of the load: there is no ntohs() to forget. */
export type Be<T> = T
/** Least significant byte first in memory: says so where a specification does (virtio, PCI, disk formats). */
export type Le<T> = T
/** Occupies a `Width` in memory; read and written as a `T` (enums, flags, booleans). */
export type Stored<Width, T> = T
/** A struct held by value: naming the field gives its address. A bare class type is a pointer to one. */
export type Embed<T> = T
/** `N` structs held by value, one after another: the field is the first, `nth` finds the others. */
export type Row<T, N extends number> = T
/** `N` bytes held by value: naming the field gives the address of the first. */
export type Bytes<N extends number> = ptr

type Class = abstract new (...args: never) => object
type StructDecorator = (target: Class, context: ClassDecoratorContext) => void
/** A layout somebody else defined: packed, read unaligned, exactly `size` bytes. */
export declare function wire(size: number): StructDecorator
/** Device registers: as `wire`, and every access is volatile and full width. */
export declare function mmio(size: number): StructDecorator
/** Kernel data: naturally aligned; hidden padding is an error. */
export declare const struct: StructDecorator

/** View memory at `p` as a T. No code. */
export declare function at<T extends object>(p: ptr): T
/** The address of a struct. No code. */
export declare function address(view: object | null): ptr
/** `p` moved by `bytes`, which may be negative as an i32. The only pointer arithmetic there is. */
export declare function plus(p: ptr, bytes: u32): ptr
/** Bytes from `from` up to `to`. */
export declare function distance(from: ptr, to: ptr): u32
/** The struct `index` places after `first` in a row of them. */
export declare function nth<T extends object>(first: T, index: u32): T
/** Bytes of a T. Folded. */
export declare function sizeof<T extends object>(): u32
/** Bytes before a field of T. Folded. */
export declare function offsetof<T extends object>(field: keyof T & string): u32
/** Zeroed memory that lives as long as the kernel; only as the initialiser of a module's `const`. */
export declare function staticMemory(bytes: number, alignment?: number): ptr
/** A zeroed T that lives as long as the kernel; only as the initialiser of a module's `const`. */
export declare function staticStruct<T extends object>(): T
/** `count` zeroed Ts, one after another; only as the initialiser of a module's `const`. */
export declare function staticRow<T extends object>(count: number): T
/** The text of a file in the folder of this one, as a string of the kernel; only as the initialiser of a module's `const`. */
export declare function staticText(file: string): cstring
