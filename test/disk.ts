// Disk images for boot tests: made sparse, attached to virtio-blk, read back byte for byte.

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { createHash } from 'node:crypto'

const MIB = 1 << 20
export const PAGE = 4096

/** Make an image of zeros, and put `contents` at its places. */
export function makeDisk(path: string, mebibytes: number, contents: [offset: number, data: Uint8Array | string][] = []): string {
  const file = openSync(path, 'w')
  ftruncateSync(file, mebibytes * MIB)
  for (const [offset, data] of contents) writeSync(file, Buffer.from(data as Uint8Array), 0, data.length, offset)
  closeSync(file)
  return path
}

export interface DriveOptions { readOnly?: boolean, device?: string, blkdebug?: object[] }

let drives = 0

/** QEMU's arguments for an image as the next virtio disk; `blkdebug` are rules of its inject-error list. */
export function drive(path: string, { readOnly = false, device = '', blkdebug }: DriveOptions = {}): string[] {
  const node = `disk${drives++}`
  const file = { driver: 'file', filename: path }
  const below = blkdebug ? { driver: 'blkdebug', image: file, 'inject-error': blkdebug } : file
  const properties = ['virtio-blk-pci', `drive=${node}`, ...blkdebug ? ['werror=report', 'rerror=report'] : [], ...device ? [device] : []]
  return ['-blockdev', JSON.stringify({ driver: 'raw', 'node-name': node, 'read-only': readOnly, file: below }), '-device', properties.join(',')]
}

export const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Linux's swap header, version 1: the fields of the first page. mkswap(8), include/linux/swap.h (union swap_header). */
export function swapHeader(image: Buffer): { version: number, lastPage: number, badPages: number, signature: string, uuid: string } {
  return {
    version: image.readUInt32LE(1024), lastPage: image.readUInt32LE(1028), badPages: image.readUInt32LE(1032),
    uuid: image.toString('hex', 1036, 1052), signature: image.toString('latin1', PAGE - 10, PAGE),
  }
}

/** Word w of the page that selftest=swap writes as number k. kernel/selftest. */
export const selftestWord = (k: number, w: number): number => (Math.imul(k + 1, 0x9e3779b1) + Math.imul(w, 0x85ebca6b)) >>> 0

/** Which of the selftest's pages is in each slot of an image: slot -> k, for the pages that are there whole. */
export function selftestPages(image: Buffer, pages: number): Map<number, number> {
  const byFirstWord = new Map(Array.from({ length: pages }, (_, k) => [selftestWord(k, 0), k]))
  const found = new Map<number, number>()
  for (let slot = 1; (slot + 1) * PAGE <= image.length; slot++) {
    const k = byFirstWord.get(image.readUInt32LE(slot * PAGE))
    if (k !== undefined && isPage(image, slot, k)) found.set(slot, k)
  }
  return found
}

function isPage(image: Buffer, slot: number, k: number): boolean {
  for (let w = 0; w < PAGE / 4; w++) if (image.readUInt32LE(slot * PAGE + w * 4) !== selftestWord(k, w)) return false
  return true
}
