// An HTTP server in ordinary TypeScript, a process of its own: `porphyry run --publish 8080 apps/server.ts`, then
// `curl http://127.0.0.1:8080/`. One connection after another; what it counts it tells as JSON.

import { acceptOn, closeSocket, listenOn, readFrom, writeTo } from './lib/socket.ts'

const PORT = 8080
const LIMIT = 8192

const counts = new Map<string, number>()
const bytes = new Uint8Array(LIMIT)

/** The head of a request, as text; empty if it does not come whole. */
function readHead(connection: number): string {
  let head = ''
  while (head.length < LIMIT && !head.includes('\r\n\r\n')) {
    const got = readFrom(connection, bytes, LIMIT)
    if (got <= 0) return ''
    for (let i = 0; i < got; i++) head += String.fromCharCode(bytes[i]!)
  }
  return head
}

function send(connection: number, text: string): void {
  let sent = 0
  while (sent < text.length) {
    const piece = Math.min(LIMIT, text.length - sent)
    for (let i = 0; i < piece; i++) bytes[i] = text.charCodeAt(sent + i)
    let done = 0
    while (done < piece) {
      const went = writeTo(connection, bytes, done, piece - done)
      if (went <= 0) return
      done += went
    }
    sent += piece
  }
}

function respond(head: string): string {
  const [method = '', path = ''] = head.slice(0, head.indexOf('\r\n')).split(' ')
  const known = method === 'GET'
  if (known) counts.set(path, (counts.get(path) ?? 0) + 1)
  const body = known ? JSON.stringify({ path, requests: [...counts].map(([of, count]) => ({ path: of, count })) }) + '\n' : ''
  const status = known ? '200 OK' : '405 Method Not Allowed'
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
}

const listener = listenOn(PORT)
console.log(listener < 0 ? 'server.ts: no socket' : 'server.ts: listening')
while (listener >= 0) {
  const connection = acceptOn(listener)
  const head = readHead(connection)
  if (head !== '') send(connection, respond(head))
  closeSocket(connection)
}
