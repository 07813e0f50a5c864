// Every state, every kind of segment, every place in the window: 352 cells, each with the clause that decides it.
// test/wire/tcp-table.ts is the table.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { ScriptRun } from '../../../../wire/tcp-runner.ts'
import { TCP_STATES, TcpStack, stateOf } from '../../../../wire/tcp-stack.ts'
import { type Cell, KINDS, NEXT, PLACES, WAYS, cellsOf } from '../../../../wire/tcp-table.ts'

const FLAGS = { 'SYN': 'S', 'SYN+ACK': 'S.', 'ACK': '.', 'RST': 'R', 'RST+ACK': 'R.', 'FIN': 'F', 'FIN+ACK': 'F.', 'data': 'P.' } as const
const CLOSED_PORT = 9999
const DATA = 5

/** The lines of a script that send a cell's segment and say what has to come back. */
function question({ state, kind, place, answer }: Cell, window: number): string {
  const { send, receive } = NEXT[state]
  const column = PLACES.indexOf(place)
  const sequence = state === 'SYN-SENT' ? [0, 0, 100, 0][column]! : receive + [-10, 0, 100, window][column]!
  const acknowledgment = state === 'SYN-SENT' ? [0, 1, 1, 2][column]! : send
  const length = kind === 'data' ? DATA : 0
  const occupied = length + (/SYN|FIN/.test(kind) ? 1 : 0)
  const hasAck = FLAGS[kind].includes('.')
  const synAfter = kind.startsWith('SYN') ? sequence + 1 : receive
  const answers: Record<Cell['answer'], string> = {
    'nothing': '', 'maybe': '> *',
    'ack': `> . ${send}:${send}(0) ack ${state === 'SYN-SENT' ? synAfter : receive}`,
    'taken': `+0~0.5 > . ${send}:${send}(0) ack ${receive + occupied}`,
    'rst': `> R ${acknowledgment}:${acknowledgment}(0)`,
    'rst+ack': `> R. 0:0(0) ack ${sequence + occupied}`,
    'syn+ack': `> S. 0:0(0) ack ${synAfter}`,
  }
  return `< ${FLAGS[kind]} ${sequence}:${sequence + length}(${length})${hasAck ? ` ack ${acknowledgment}` : ''} win 65535\n${answers[answer]}`
}

/** What is wrong with a cell; nothing if all is right. */
function askCell(subject: TcpStack, run: ScriptRun, cell: Cell, peerPort: number): string {
  const connection = run.choose(peerPort)
  if (cell.state === 'CLOSED') connection.localPort = CLOSED_PORT
  subject.handles.delete('c')
  try {
    run.run(WAYS[cell.state])
    const before = stateOf(subject, connection)
    const none = ['CLOSED', 'LISTEN'].includes(cell.state)
    if (before !== (none ? 'CLOSED' : cell.state)) return `the state was ${before} before`
    run.run(question(cell, connection.window))
    const wanted = cell.next === 'same' ? cell.state : cell.next
    const next = stateOf(subject, connection)
    if (next !== (wanted === 'LISTEN' ? 'CLOSED' : wanted)) return `the state is ${next}`
  } catch (error) {
    return (error as Error).message
  } finally {
    if (subject.handles.has('c')) run.tidy('close')
    else run.tidy()
  }
  return ''
}

t.test('the table is whole', async t => {
  const cells = TCP_STATES.flatMap(cellsOf)
  t.equal(cells.length, TCP_STATES.length * KINDS.length * PLACES.length)
  t.ok(cells.every(({ clause }) => /RFC \d+ §/.test(clause)))
})

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    for (const state of TCP_STATES) {
      t.test(state, async t => {
        const subject = new TcpStack(e)
        const run = new ScriptRun(subject)
        run.run('listen 100')
        for (const [i, cell] of cellsOf(state).entries()) {
          const wanted = cell.next === 'same' ? 'nothing changes' : cell.next
          t.test(`${cell.kind} ${cell.place} the window: ${cell.answer}, ${wanted}: ${cell.clause}`, async t => {
            t.equal(askCell(subject, run, cell, 6000 + i), '')
          })
        }
      })
    }
  })
}
