// The command line of `porphyry`: parsing only. Every command is a function of the stage it names.

import { Command, CommanderError, Option } from 'commander'
import path from 'node:path'
import { buildIso } from '../iso/build.ts'
import { KERNEL_ELF, KERNEL_ENTRY, STAGES, type Stage, buildKernel, emit } from './build.ts'
import { ROOT } from './cache.ts'
import { checkKernel, formatCheck } from './check.ts'
import { RefusedError } from './lower/complaints.ts'
import { CompileError } from './compile.ts'
import { PinError } from './pin/index.ts'
import { ProgramError } from './program.ts'
import { run } from './run.ts'

const kibibytes = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KiB`
const relative = (file: string): string => path.relative(process.cwd(), file)

async function kernelCommand(options: { entry: string, out: string }): Promise<number> {
  const started = performance.now()
  const { elf, textBytes, memoryBytes } = await buildKernel(options.entry, options.out)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${relative(elf)}  text ${kibibytes(textBytes)}, in memory ${kibibytes(memoryBytes)}  (${seconds} s)`)
  return 0
}

async function isoCommand(options: { append: string, out: string }): Promise<number> {
  const { elf } = await buildKernel()
  const { iso, bytes } = buildIso({ elf, output: options.out, commandLine: options.append })
  console.log(`${relative(iso)}  ${kibibytes(bytes)}`)
  return 0
}

async function buildCommand(options: { emit: Stage, entry: string, out: string }): Promise<number> {
  for (const file of await emit(options.emit, options.entry, options.out)) console.log(relative(file))
  return 0
}

function checkCommand(): number {
  const result = checkKernel({ tsconfig: path.join(ROOT, 'kernel', 'tsconfig.json') })
  console.log(formatCheck(result))
  return result.complaints.length === 0 ? 0 : 1
}

/** Faults of what was given, told without a stack: the message says all. */
function isExpected(error: unknown): error is Error {
  if (error instanceof RefusedError || error instanceof PinError) return true
  if (error instanceof CompileError || error instanceof ProgramError) return true
  return error instanceof Error && error.constructor === Error
}

function machineOptions(command: Command): Command {
  return command
    .option('--memory <size>', 'RAM of the machine', '128M')
    .option('--append <line>', 'kernel command line', '')
    .option('--disk <file>', "raw image for the virtio disk, or 'none' (default: build/disk.img, 64 MiB, made if missing)")
    .option('--net <what>', 'user (NAT), tap=NAME, or none', 'user')
    .addOption(new Option('--publish <ports>', "HOST[:GUEST]: a TCP port of the guest that is this machine's, too; may be repeated")
      .argParser((value: string, before: string[]) => [...before, value]).default([], 'none'))
    .option('--initrd <file>', 'a RAM disk (cpio, newc): the root of programs')
    .option('--pcap <file>', 'capture every frame of the network card')
    .option('--cpu <model>', "QEMU's processor model", 'max')
    .option('--machine <model>', "QEMU's machine", 'pc')
}

/** Parse `argv` and run what it says. The exit status: 0, 1 for a failed build, 2 for a wrong use; `run`'s is QEMU's. */
export async function main(argv: readonly string[]): Promise<number> {
  let status = 0
  const program = new Command('porphyry').enablePositionalOptions().exitOverride()
    .description('A kernel in TypeScript, and the toolchain that boots it')
  program.command('check').description('types and dialect of the kernel, nothing built').action(() => { status = checkCommand() })
  program.command('kernel').description('build the ELF, with .map, .sym and .asm beside it')
    .option('--entry <file>', 'the module that exports kernelMain and trapDispatch', KERNEL_ENTRY)
    .option('--out <file>', 'where the ELF goes', KERNEL_ELF)
    .action(async options => { status = await kernelCommand(options) })
  program.command('iso').description('build the bootable ISO')
    .option('--append <line>', 'kernel command line that GRUB passes', '')
    .option('--out <file>', 'where the ISO goes', 'build/porphyry.iso')
    .action(async options => { status = await isoCommand(options) })
  program.command('build').description('stop after a stage and keep what it made')
    .addOption(new Option('--emit <stage>', 'which').choices(STAGES).makeOptionMandatory())
    .option('--entry <file>', 'the module to start from', KERNEL_ENTRY)
    .option('--out <directory>', 'where it goes', 'build/emit')
    .action(async options => { status = await buildCommand(options) })
  machineOptions(program.command('run').description('build, and boot in QEMU with the log on this terminal'))
    .argument('[program]', 'a TypeScript program, or a static executable, to run in ring 3; without one the kernel just serves')
    .argument('[arguments...]', 'what the program is given')
    .passThroughOptions()
    .addOption(new Option('--kernel', 'boot the ELF by -kernel').conflicts('iso'))
    .option('--iso', 'boot the ISO (what happens anyway)')
    .addOption(new Option('--debug', 'stop at the first instruction, gdb attached'))
    .addOption(new Option('--gdb', 'the same').implies({ debug: true }))
    .action(async (file: string | undefined, args: string[], { iso, gdb, kernel = false, debug = false, ...rest }) => {
      status = await run({ ...rest, kernel, debug, program: file === undefined ? undefined : { file, arguments: args } })
    })
  machineOptions(program.command('debug').description('as run --debug'))
    .action(async options => { status = await run({ ...options, kernel: true, debug: true }) })
  try {
    await program.parseAsync([...argv])
    return status
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!isExpected(error)) throw error
    console.error(error.message)
    return 1
  }
}
