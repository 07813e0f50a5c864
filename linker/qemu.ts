// QEMU's command line for `porphyry run`: pure, so that a test can read it.

/** What to boot and with what; paths relative to the working directory. */
export interface MachineOptions {
  readonly kernel?: string | undefined // by -kernel, or
  readonly iso?: string | undefined // from a CD
  readonly append?: string | undefined // with `kernel` only: an ISO has its own
  readonly initrd?: string | undefined // the same
  readonly memory: string
  readonly machine: string
  readonly cpu: string
  readonly disk?: string | undefined
  /** user; tap=NAME; none. */
  readonly net: string
  readonly pcap?: string | undefined
  /** Path of the socket gdb connects to; the machine waits for it. */
  readonly gdbSocket?: string | undefined
  /** Where the serial line goes; the terminal if left out. */
  readonly serialLog?: string | undefined
  /** Host ports (loopback) forwarded into the guest; with `user` only. */
  readonly forwards?: readonly Forward[] | undefined
}

export interface Forward { readonly protocol: 'tcp' | 'udp', readonly host: number, readonly guest: number }

/** What `porphyry run` forwards: the echo service and the HTTP server. */
export const FORWARDS: readonly Forward[] = [
  { protocol: 'udp', host: 5507, guest: 7 }, { protocol: 'tcp', host: 5507, guest: 7 }, { protocol: 'tcp', host: 5580, guest: 80 },
]

/** QEMU escapes a comma in an option's value by doubling it. */
const escaped = (value: string): string => value.replaceAll(',', ',,')

const optional = (name: string, value: string | undefined): string[] => value ? [name, value] : []

function netdev(options: MachineOptions): string[] {
  if (options.net === 'none') return []
  const tap = /^tap=([A-Za-z0-9_.-]{1,15})$/.exec(options.net)
  if (options.net !== 'user' && !tap) throw new Error(`--net takes user, tap=NAME or none, not ${options.net}`)
  const forwards = (options.forwards ?? []).map(({ protocol, host, guest }) => `,hostfwd=${protocol}:127.0.0.1:${host}-:${guest}`)
  // On a tap QEMU's capture has its own header before each frame, unless that is off: design of `filter-dump`.
  const backend = tap
    ? `tap,id=net0,ifname=${tap[1]},script=no,downscript=no${options.pcap === undefined ? '' : ',vnet_hdr=off'}`
    : `user,id=net0${forwards.join('')}`
  const dump = options.pcap === undefined ? [] : ['-object', `filter-dump,id=dump0,netdev=net0,file=${escaped(options.pcap)},maxlen=131072`]
  return ['-netdev', backend, '-device', 'virtio-net-pci,netdev=net0', ...dump]
}

/** The arguments; throws for options that can not go together. */
export function qemuArguments(options: MachineOptions): string[] {
  if ((options.kernel === undefined) === (options.iso === undefined)) throw new Error('either a kernel or an ISO is booted')
  if (options.pcap !== undefined && options.net === 'none') throw new Error('--pcap captures a network card: it needs --net')
  const image = options.kernel !== undefined
    ? ['-kernel', options.kernel, ...optional('-append', options.append), ...optional('-initrd', options.initrd)]
    : ['-cdrom', options.iso!]
  return [
    '-accel', 'tcg', '-M', options.machine, '-cpu', options.cpu, '-m', options.memory,
    '-nodefaults', '-no-reboot', '-display', 'none', '-vga', 'std',
    '-serial', options.serialLog === undefined ? 'stdio' : `file:${options.serialLog}`,
    '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-device', 'virtio-rng-pci',
    ...options.disk === undefined ? []
      : ['-drive', `file=${escaped(options.disk)},if=none,id=disk0,format=raw,cache=writeback`, '-device', 'virtio-blk-pci,drive=disk0'],
    ...netdev(options),
    ...options.gdbSocket === undefined ? []
      : ['-chardev', `socket,path=${escaped(options.gdbSocket)},server=on,wait=off,id=gdb0`, '-gdb', 'chardev:gdb0', '-S'],
    ...image,
  ]
}

/** QEMU's exit status in words; what the guest writes to isa-debug-exit gives odd ones. docs/contract.md, "Exit". */
export function exitMeaning(status: number): string {
  switch (status) {
    case 0: return 'QEMU was ended'
    case 33: return 'the kernel ended with success'
    case 35: return 'a selftest, or the first program, failed'
    case 37: return 'the kernel panicked'
    default: return 'QEMU failed'
  }
}
