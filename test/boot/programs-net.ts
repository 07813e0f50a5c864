// Programs on the network: Debian's busybox on our sockets, against servers and clients of this machine, through QEMU's user network.
// Time limit: 200 s

import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { busybox, ramDisk } from '../programs.ts'
import { Exit, booted, type Machine } from '../qemu.ts'

const applets = ['sh', 'wget', 'nc', 'httpd', 'md5sum', 'cat', 'ping', 'sleep', 'kill', 'echo', 'wc', 'mkdir', 'seq', 'ls']
const root = (script: string) => ['-initrd', ramDisk({ ...busybox(...applets), 'run.sh': script })]
const address = 'eth0=10.0.2.15/24,gw=10.0.2.2 swap=none'
const SIZE = 3_000_000
const file = randomBytes(SIZE)
const digest = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

const card = (...forwards: string[]) => ['-netdev', ['user,id=n0', ...forwards.map(each => `hostfwd=${each}`)].join(','), '-device', 'virtio-net-pci,netdev=n0']

/** A server on a port of this machine's loopback address, for as long as `body` runs. */
async function served(server: net.Server, body: (port: number) => Promise<void>): Promise<void> {
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  try {
    await body((server.address() as AddressInfo).port)
  } finally {
    server.close()
  }
}

/** A port nobody has now. */
async function freePort(): Promise<number> {
  let port = 0
  await served(net.createServer(), async found => { port = found })
  return port
}

async function ends(t: Test, machine: Machine): Promise<void> {
  t.equal(await machine.exit(90), Exit.Success)
}

await served(http.createServer((request, response) => {
  if (request.url === '/file') response.end(file)
  else if (request.method === 'POST') request.pipe(createHash('md5')).setEncoding('hex').on('data', sum => response.end(`${sum}\n`))
  else response.writeHead(404).end()
}), async port => {
  await booted(t, 'wget: three megabytes, a file that is not there, a server that is not there; ping', {
    args: [...card(), ...root(`
wget -q -O /f http://10.0.2.2:${port}/file && md5sum /f
wget -q -O /g http://10.0.2.2:${port}/nothing; echo status $?
wget -q -T 5 -O /g http://10.0.2.2:1/; echo refused $?
echo some data > /d; wget -q -O - --post-file=/d http://10.0.2.2:${port}/post
ping -c 3 -q 10.0.2.2 | cat
`)], append: `${address} init=/bin/sh /run.sh`,
  }, async (t, machine) => {
    await ends(t, machine)
    t.match(machine.log, new RegExp(`^${digest(file)}  /f`, 'm'))
    t.match(machine.log, /^status 1/m)
    t.match(machine.log, /^refused 1/m)
    t.match(machine.log, new RegExp(`^${digest(Buffer.from('some data\n'))}`, 'm'))
    t.match(machine.log, /^3 packets transmitted, 3 packets received, 0% packet loss/m)
  })
})

{
  const [web, echo] = [await freePort(), await freePort()]
  await booted(t, 'httpd and nc: this machine is the client', {
    args: [...card(`tcp:127.0.0.1:${web}-:8080`, `tcp:127.0.0.1:${echo}-:7777`), ...root(`
mkdir /www; seq 1 20000 > /www/numbers
httpd -p 8080 -h /www
echo served
nc -l -p 7777 -e /bin/cat
echo over
`)], append: `${address} services=none init=/bin/sh /run.sh`,
  }, async (t, machine) => {
    await machine.until(/^served/, 30)
    const numbers = Array.from({ length: 20000 }, (_, i) => `${i + 1}\n`).join('')
    for (let i = 0; i < 5; i++) {
      const answer = await fetch(`http://127.0.0.1:${web}/numbers`)
      t.equal(await answer.text(), numbers)
    }
    t.equal((await fetch(`http://127.0.0.1:${web}/nothing`)).status, 404)
    const sent = randomBytes(500_000)
    const socket = net.connect({ port: echo, host: '127.0.0.1', allowHalfOpen: true })
    socket.end(sent)
    const parts: Buffer[] = []
    for await (const part of socket) parts.push(part as Buffer)
    t.ok(Buffer.concat(parts).equals(sent), 'what comes back is what was sent')
    await machine.until(/^over/, 20)
    await ends(t, machine)
  })
}
