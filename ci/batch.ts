// Several test files in one process: starting Node and loading the engines for each would take longer than most of them.
// The files share node-tap's root test, so their subtests come out one after the other. BATCH holds their names, a
// line each: node-tap makes folder names out of arguments.
//
// The root ends by itself soon after it is idle, once a file has given it something to do at its end (t.teardown, t.testdir): with one
// file that is when all is done, here it would be between two files. So it is not idle before the last has been read.

import { pathToFileURL } from 'node:url'
import t from 'tap'

const IDLE = { configurable: true, get: () => false }

Object.defineProperty(t, 'idle', IDLE)
for (const file of (process.env.BATCH ?? '').split('\n')) await import(pathToFileURL(file).href)
Reflect.deleteProperty(t, 'idle')
t.emit('idle')
