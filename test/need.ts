// What a test needs of the machine it runs on. Under CI=true ci/test.ts counts a skip as a failure, so nothing
// stays unproven there because a tool or a right is missing.

import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Test } from 'tap'

export type Need = 'root' | 'tun' | { command: string } | { file: string }

/** True when everything is there; otherwise skips the test, saying what is missing. */
export function need(t: Test, ...needs: Need[]): boolean {
  const missing = needs.map(lack).filter(text => text !== undefined)
  if (missing.length === 0) return true
  t.pass('cannot run here', { skip: `needs ${missing.join(', ')}` })
  return false
}

function lack(need: Need): string | undefined {
  if (need === 'root') return process.getuid?.() === 0 ? undefined : 'to be root'
  if (need === 'tun') return existsSync('/dev/net/tun') ? undefined : '/dev/net/tun'
  if ('command' in need) return onPath(need.command) ? undefined : `the command ${need.command}`
  return existsSync(need.file) ? undefined : need.file
}

function onPath(command: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
