// A hundred megabytes each way through the HTTP server by curl, sums compared.
// Time limit: 300 s

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'

const SIZE = 100_000_000
const URL = `http://${GUEST.ip}`

/** The bytes of /bytes/SIZE. */
function pattern(): Buffer {
  const bytes = Buffer.alloc(SIZE)
  for (let i = 0; i < SIZE; i += 4) bytes.writeUInt32BE(i / 4, i)
  return bytes
}

await t.test('100 MB in and out', async t => {
  if (!need(t, 'root', 'tun', { command: 'curl' })) return
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'porphyry-http-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'sent')
  const bytes = pattern()
  fs.writeFileSync(file, bytes)
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  await booted(t, 'http-long', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none`, namespace: namespace.name, args: namespace.card(GUEST.mac),
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    const received = path.join(folder, 'received')
    t.comment(await namespace.must('curl', ['-sS', '-m', '120', '-o', received, '-w', 'GET: %{speed_download} bytes/s', `${URL}/bytes/${SIZE}`]))
    const sum = (data: Buffer) => createHash('sha256').update(data).digest('hex')
    t.equal(sum(fs.readFileSync(received)), sum(bytes), 'GET')
    const check = (await namespace.must('python3', ['-c', `import zlib; print('%08x' % zlib.crc32(open('${file}', 'rb').read()))`])).trim()
    const answer = await namespace.must('curl', ['-sS', '-m', '120', '-w', '\\nPOST: %{speed_upload} bytes/s', '--data-binary', `@${file}`, `${URL}/sink`])
    t.comment(answer.split('\n').at(-1)!)
    t.same(JSON.parse(answer.split('\n')[0]!), { bytes: SIZE, crc32: check }, 'POST')
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
})
