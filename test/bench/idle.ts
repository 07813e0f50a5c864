// What a TCP connection takes of the guest's memory while nothing happens on it: ten thousand of them, held open by Linux
// to the echo service of a guest with 64 MiB. The free memory is what /api/stats says, before and meanwhile; all that comes
// with a connection is in it: its block, its socket, its place in a poll set, the service's own state.

import { porphyry, withMachine, withWire } from './machine.ts'
import { figure, rowBelow, type Row } from './results.ts'
import { addressOf } from './udp.ts'

const MEMORY = '64M'
const CONNECTIONS = 10_000
const BAR = 2048

/** Bytes a connection. Throws if not all of them were open and answered. */
export async function benchIdle(): Promise<Row[]> {
  return await withWire(async wire => await withMachine(porphyry(wire.guest, 'services=echo,http'), MEMORY, wire, async () => {
    const steps = ['open=1', 'close', 'settled', `open=${CONNECTIONS}`, 'stats', 'ask=500']
    const out = await wire.namespace.must('python3', ['test/wire/hold.py', addressOf(wire), ...steps], { seconds: 120 })
    const told = out.trim().split('\n').map(line => JSON.parse(line) as { free?: number, answered?: number })
    const [before, meanwhile, asked] = [told[2]!.free!, told[4]!.free!, told[5]!.answered]
    if (asked !== CONNECTIONS) throw new Error(`${asked} of ${CONNECTIONS} connections answered`)
    return [rowBelow(`an idle TCP connection, of ${CONNECTIONS} in 64 MiB`, figure('bytes', [Math.round((before - meanwhile) / CONNECTIONS)]), BAR)]
  }))
}
