// What the tests of kernel/fs call.

export { heapInit } from '../../kernel/mm/heap.ts'
export { framesAddRegion, framesFree } from '../../kernel/mm/frames.ts'
export { pathWalk } from '../../kernel/fs/path.ts'
export { ramfsInit } from '../../kernel/fs/ramfs/ramfs.ts'
export { descriptorPut } from '../../kernel/fs/descriptor.ts'
export * from '../../kernel/fs/calls/attributes.ts'
export * from '../../kernel/fs/calls/descriptors.ts'
export * from '../../kernel/fs/calls/directories.ts'
export * from '../../kernel/fs/calls/mounts.ts'
export * from '../../kernel/fs/calls/names.ts'
export * from '../../kernel/fs/calls/open.ts'
export * from '../../kernel/fs/calls/stat.ts'
