// Archives of format cpio newc, with a wrong value for any field: what the kernel's loader is tested with.

/** What a header says; sizes follow from name and data unless they are given. */
export interface CpioEntry {
  name: string
  mode: number
  data?: Uint8Array | string
  inode?: number
  uid?: number
  gid?: number
  links?: number
  modified?: number
  size?: number
  device?: [major: number, minor: number]
  nameSize?: number
  magic?: string
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
let nextInode = 1

export function cpioEntry(entry: CpioEntry): Buffer {
  const { name, mode, inode = nextInode++, uid = 0, gid = 0, links = 1, modified = 0, device = [0, 0], magic = '070701' } = entry
  const data = Buffer.from(entry.data ?? '')
  const { size = data.length, nameSize = Buffer.byteLength(name) + 1 } = entry
  const fields = [inode, mode, uid, gid, links, modified, size, 0, 0, ...device, nameSize, 0]
  const header = magic + fields.map(each => (each >>> 0).toString(16).padStart(8, '0').toUpperCase()).join('')
  return Buffer.concat([padded(Buffer.from(`${header}${name}\0`)), padded(data)])
}

export function cpio(...entries: CpioEntry[]): Buffer {
  return Buffer.concat([...entries, { name: 'TRAILER!!!', mode: 0 }].map(cpioEntry))
}
