// Writing captures: the classic pcap format, https://www.tcpdump.org/manpages/pcap-savefile.5.txt, link type Ethernet.

import { closeSync, openSync, writeSync } from 'node:fs'
import type { Bytes } from './bytes.ts'

/** A capture being written. Each frame reaches the file at once: a test that dies leaves what it saw. */
export class PcapWriter {
  private readonly file: number

  constructor(readonly path: string) {
    this.file = openSync(path, 'w')
    const header = Buffer.alloc(24)
    header.writeUInt32LE(0xa1b2c3d4, 0) // magic: microseconds
    header.writeUInt16LE(2, 4) // version 2.4
    header.writeUInt16LE(4, 6)
    header.writeUInt32LE(131072, 16) // longest frame kept
    header.writeUInt32LE(1, 20) // LINKTYPE_ETHERNET
    writeSync(this.file, header)
  }

  write(frame: Bytes, milliseconds: number): void {
    const header = Buffer.alloc(16)
    header.writeUInt32LE(Math.floor(milliseconds / 1000), 0)
    header.writeUInt32LE(Math.floor(milliseconds % 1000 * 1000), 4)
    header.writeUInt32LE(frame.length, 8)
    header.writeUInt32LE(frame.length, 12)
    writeSync(this.file, Buffer.concat([header, frame]))
  }

  close(): void {
    closeSync(this.file)
  }
}
