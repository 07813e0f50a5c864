// RustOS's face of the stack, all of it, in one program for the tests of kernel/net/compat: built once.

export * from './compat-config.ts'
export * from './compat-stream.ts'
export * from './compat-tcp.ts'
export * from './net-compat.ts'
