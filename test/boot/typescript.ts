// An HTTP server in ordinary TypeScript (apps/server.ts), compiled, booted as the first process in 16 MiB, and asked by curl.

import { createServer } from 'node:net'
import t from 'tap'
import { run } from '../command.ts'
import { buildProgram, ramDisk } from '../programs.ts'
import { booted } from '../qemu.ts'

/** A port of the loopback interface that nobody has. */
const port = await new Promise<number>(resolve => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as { port: number }
    server.close(() => resolve(port))
  })
})
const url = `http://127.0.0.1:${port}`

await booted(t, 'apps/server.ts', {
  memory: '16M', append: 'eth0=10.0.2.15/24,gw=10.0.2.2 swap=none services=none init=/bin/server',
  args: ['-initrd', ramDisk({ 'bin/server': { from: buildProgram('apps/server.ts') } }), '-nic', `user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:${port}-:8080`],
}, async (t, machine) => {
  await machine.until(/^server\.ts: listening/)
  for (let count = 1; count <= 20; count++) {
    const { out } = await run('curl', ['-sS', '-m', '10', `${url}/page`], { seconds: 20 })
    t.same(JSON.parse(out), { path: '/page', requests: [{ path: '/page', count }] })
  }
  const { out } = await run('curl', ['-sS', '-m', '10', '-d', 'x', '-o', '/dev/null', '-w', '%{http_code}', url], { seconds: 20 })
  t.equal(out, '405')
  t.same(machine.events.filter(event => event.level === 'error'), [])
  t.ok(machine.running)
})
