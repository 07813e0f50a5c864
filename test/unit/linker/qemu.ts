// The command line `porphyry run` gives to QEMU.

import t from 'tap'
import { FORWARDS, type MachineOptions, exitMeaning, qemuArguments } from '../../../linker/qemu.ts'

const plain: MachineOptions = { kernel: 'build/porphyry.elf', memory: '128M', machine: 'pc', cpu: 'max', net: 'none' }
const text = (change: Partial<MachineOptions> = {}): string => qemuArguments({ ...plain, ...change }).join(' ')

t.test('always: no default devices, the exit device, randomness', t => {
  t.match(text(), /^-accel tcg -M pc -cpu max -m 128M -nodefaults -no-reboot /)
  t.match(text(), /-device isa-debug-exit,iobase=0xf4,iosize=4 -device virtio-rng-pci/)
  t.match(text(), /-serial stdio .*-kernel build\/porphyry.elf$/)
  t.notMatch(text(), /virtio-net|virtio-blk|-gdb|-append/)
  t.end()
})

t.test('a kernel has its command line, an ISO has its own', t => {
  t.same(qemuArguments({ ...plain, append: 'eth0=off log=debug' }).slice(-4), ['-kernel', 'build/porphyry.elf', '-append', 'eth0=off log=debug'])
  t.same(qemuArguments({ ...plain, kernel: undefined, iso: 'build/porphyry.iso', append: 'x' }).slice(-2), ['-cdrom', 'build/porphyry.iso'])
  t.throws(() => text({ iso: 'build/porphyry.iso' }), { message: /either a kernel or an ISO/ })
  t.throws(() => text({ kernel: undefined }), { message: /either a kernel or an ISO/ })
  t.end()
})

t.test('networks', t => {
  t.match(text({ net: 'user', forwards: FORWARDS }), '-netdev user,id=net0,hostfwd=udp:127.0.0.1:5507-:7,hostfwd=tcp:127.0.0.1:5507-:7,hostfwd=tcp:127.0.0.1:5580-:80 -device virtio-net-pci,netdev=net0')
  t.match(text({ net: 'tap=tap0' }), /-netdev tap,id=net0,ifname=tap0,script=no,downscript=no -device/)
  t.match(text({ net: 'tap=tap0', pcap: 'a.pcap' }), /downscript=no,vnet_hdr=off -device virtio-net-pci,netdev=net0 -object filter-dump,id=dump0,netdev=net0,file=a.pcap,maxlen=131072/)
  for (const net of ['bridge', 'tap=', 'tap=a,b', 'tap=0123456789abcdef']) t.throws(() => text({ net }), { message: `--net takes user, tap=NAME or none, not ${net}` })
  t.throws(() => text({ pcap: 'a.pcap' }), { message: /--pcap captures a network card/ })
  t.end()
})

t.test('a disk, commas in its name doubled', t => {
  t.match(text({ disk: 'my,disk.img' }), '-drive file=my,,disk.img,if=none,id=disk0,format=raw,cache=writeback -device virtio-blk-pci,drive=disk0')
  t.end()
})

t.test('a debugger', t => {
  t.match(text({ gdbSocket: 'build/gdb.sock', serialLog: 'build/serial.log' }), /-serial file:build\/serial.log .*-chardev socket,path=build\/gdb.sock,server=on,wait=off,id=gdb0 -gdb chardev:gdb0 -S/)
  t.end()
})

t.test('each exit status has a meaning', t => {
  t.same([33, 35, 37, 0, 1].map(exitMeaning), ['the kernel ended with success', 'a selftest, or the first program, failed',
    'the kernel panicked', 'QEMU was ended', 'QEMU failed'])
  t.end()
})
