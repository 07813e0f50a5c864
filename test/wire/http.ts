// HTTP as a client reads it: responses out of a stream of bytes. RFC 9112 §6.3.

export interface Response {
  version: string
  status: number
  /** By lower-case name; one that occurs twice is an error. */
  fields: Map<string, string>
  body: Buffer
}

/** All responses in `bytes`, which must be whole ones. `methods`: of the requests, in their order; GET where none is said. */
export function responses(bytes: Buffer, methods: string[] = []): Response[] {
  const all: Response[] = []
  let at = 0
  while (at < bytes.length) {
    const response = head(bytes, at)
    const begins = bytes.indexOf('\r\n\r\n', at) + 4
    const final = all.filter(each => each.status >= 200).length
    const length = Number(response.fields.get('content-length') ?? 0)
    const present = response.status >= 200 && methods[final] !== 'HEAD' ? length : 0
    if (begins + present > bytes.length) throw new Error(`${begins + present - bytes.length} bytes of a body are missing`)
    response.body = bytes.subarray(begins, begins + present)
    all.push(response)
    at = begins + present
  }
  return all
}

function head(bytes: Buffer, at: number): Response {
  const end = bytes.indexOf('\r\n\r\n', at)
  if (end < 0) throw new Error(`no end of a head in ${JSON.stringify(bytes.subarray(at, at + 80).toString('latin1'))}`)
  const [first = '', ...lines] = bytes.subarray(at, end).toString('latin1').split('\r\n')
  const match = /^(HTTP\/1\.1) (\d{3}) [ -~]*$/.exec(first)
  if (!match) throw new Error(`not a status line: ${JSON.stringify(first)}`)
  const fields = new Map<string, string>()
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~\w-]+): (.*)$/.exec(line)
    if (!field || fields.has(field[1]!.toLowerCase())) throw new Error(`not a field, or a second one: ${JSON.stringify(line)}`)
    fields.set(field[1]!.toLowerCase(), field[2]!)
  }
  return { version: match[1]!, status: Number(match[2]), fields, body: Buffer.alloc(0) }
}

/** A request: lines with CR LF, `Host` unless there is one in `fields` or it is null. */
export function request(method: string, target: string, fields: Record<string, string | null> = {}, body: string | Buffer = ''): Buffer {
  const all = { Host: 'guest', ...fields }
  const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`), Buffer.from(body as Buffer)])
}

/** What GET /bytes/N gives: the numbers from 0 on, 32 bits each, most significant byte first; the last may be cut. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 4)
  for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32BE(i / 4, i)
  return bytes.subarray(0, length)
}
