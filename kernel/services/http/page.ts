// The status page: page.html, as it is. It draws itself in the browser from /api/stats.

import { staticText, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { stringLength } from '../../lib/memory.ts'

const page: cstring = staticText('page.html')
let length: u32 = 0

/** Once, before it is sent. */
export function pageInit(): void {
  length = stringLength(page)
}

/** Its bytes. */
export function pageText(): ptr {
  return page as ptr
}

/** How many. */
export function pageLength(): u32 {
  return length
}
