// Several test files in one process: `make check` has twenty seconds, and starting Node for each file would take them.
// The files share node-tap's root test, so their subtests come out one after the other.

import { pathToFileURL } from 'node:url'

for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href)
