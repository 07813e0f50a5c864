// Several test files in one process: `make check` has twenty seconds, and starting Node for each file would take them.
// The files share node-tap's root test, so their subtests come out one after the other. BATCH holds their names, a
// line each: node-tap makes folder names out of arguments.

import { pathToFileURL } from 'node:url'

for (const file of (process.env.BATCH ?? '').split('\n')) await import(pathToFileURL(file).href)
