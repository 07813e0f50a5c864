// The Linux guest that Porphyry is measured against: Debian's cloud kernel, unpacked and never installed, and an
// initramfs of busybox with the virtio modules, iperf3 and nginx. Everything stays under build/bench/; nothing on the host changes.
//
// Debian's kernel has virtio as modules, so /init inserts them, in three passes: an insmod whose dependencies are
// not there yet fails and is tried again, which spares the initramfs a depmod index.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { benchDirectory, projectDirectory } from './results.ts'

/** What QEMU needs to boot the guest. */
export interface LinuxGuest {
  /** Path of the kernel, for -kernel. */
  kernel: string
  /** Path of the initramfs, for -initrd. */
  initramfs: string
  /** Debian's name and version of the kernel package. */
  version: string
}

/** What /init prints on the console when the guest can be used. */
export const LINUX_READY = /bench: ready/

const META_PACKAGE = 'linux-image-cloud-amd64'
const NGINX_PACKAGE = 'nginx' // the binary of nginx-light, which adds a module to it
const KERNEL_ARCHIVE = /^linux-image-.*-cloud-amd64_.*\.deb$/
const NGINX_ARCHIVE = /^nginx_.*_amd64\.deb$/
const MODULES = [
  'virtio_ring', 'virtio', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev', 'virtio_pci',
  'failover', 'net_failover', 'virtio_net', 'virtio_blk',
]

/** One worker for one processor, connections for ever, nothing logged: as fast as it goes. */
const NGINX = `daemon off; user root; worker_processes 1; error_log /dev/null; pid /tmp/nginx.pid;
events { worker_connections 4096; multi_accept on; }
http {
  access_log off; server_tokens off; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=16;
  client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
  server { listen 80 backlog=4096; root /www; default_type application/json; }
}
`

/** The programs of the UDP, TCP and paging benchmarks. */
const PROGRAMS = ['udp-guest', 'tcp-guest', 'stream-guest', 'swap-guest']
const sourceOf = (program: string): string => join(projectDirectory, `test/bench/c/${program}.c`)

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for pass in 1 2 3; do
  for module in ${MODULES.join(' ')}; do
    [ -d /sys/module/$module ] || insmod /modules/$module.ko 2>/dev/null
  done
done
for word in $(cat /proc/cmdline); do
  case $word in
    bench.address=*) address=\${word#*=} ;;
    bench.second=*) second=\${word#*=} ;;
    bench.udp=*) udp=$(echo "\${word#*=}" | tr , ' ') ;;
    bench.tcp=*) tcp=\${word#*=} ;;
    bench.stream=*) stream=\${word#*=} ;;
    bench.swap=*) swap=$(echo "\${word#*=}" | tr , ' ') ;;
    bench.http=*) http=\${word#*=} ;;
  esac
done
ip link set lo up
if [ -n "$address" ]; then
  ip addr add "$address" dev eth0 && ip link set eth0 up
fi
if [ -n "$second" ]; then
  ip addr add "$second" dev eth1 && ip link set eth1 up && echo 1 >/proc/sys/net/ipv4/ip_forward
fi
[ -z "$udp" ] || udp-guest $udp &
[ -z "$swap" ] || { swapon /dev/vda && swap-guest $swap; } &
if [ -n "$tcp" ]; then
  tcp-guest "$tcp" &
  iperf3 -s >/dev/null &
  sleep 1
fi
if [ -n "$stream" ]; then
  stream-guest "$stream" &
  sleep 1
fi
if [ -n "$http" ]; then
  mkdir -p /www/api
  head -c "$http" /dev/zero | tr '\\0' x >/www/api/stats
  nginx -c /nginx.conf -e /dev/null &
  sleep 1
fi
echo "bench: ready"
exec sleep 1000000
`

/** What is written into the initramfs: nginx asks for the user it is to be. */
const FILES = { 'init': INIT, 'nginx.conf': NGINX, 'etc/passwd': 'root:x:0:0::/:/bin/sh\n', 'etc/group': 'root:x:0:\n' }

/**
 * The guest's kernel command line. `address` is that of eth0 with its prefix length, `10.0.0.2/24`; null leaves
 * the card down. `more`: `bench.second=` eth1's address, and forward; `bench.udp=` arguments of udp-guest, by commas;
 * `bench.swap=` arguments of swap-guest, with the disk for swap; `bench.tcp=` the port of tcp-guest, and an iperf3 server;
 * `bench.stream=` the first port of stream-guest; `bench.http=` the bytes of /api/stats, which nginx serves.
 */
export function linuxCommandLine(address: string | null, more = ''): string {
  const base = `console=ttyS0 quiet mitigations=off ${more}`.trim()
  return address === null ? base : `${base} bench.address=${address}`
}

/**
 * Build the guest, or return the one that is there if its parts have not changed.
 * Throws if the package can not be downloaded, or static busybox, iperf3, dpkg, readelf or cpio is missing.
 */
export function linuxGuest(): LinuxGuest {
  const directory = join(benchDirectory(), 'linux')
  mkdirSync(directory, { recursive: true })
  const archive = downloadKernel(directory)
  const nginx = downloadNginx(directory)
  const version = archive.replace(/^.*\//, '').replace(/_amd64\.deb$/, '').replace('_', ' ')
  const guest = { kernel: join(directory, 'vmlinuz'), initramfs: join(directory, 'initramfs.cpio'), version }
  const stamp = join(directory, 'stamp')
  const key = fingerprint([archive, nginx, '/usr/bin/iperf3', busyboxPath(), ...PROGRAMS.map(sourceOf)])
  const current = existsSync(stamp) && readFileSync(stamp, 'utf8') === key
  if (current && existsSync(guest.kernel) && existsSync(guest.initramfs)) return guest

  rmSync(stamp, { force: true })
  const unpacked = join(directory, 'package')
  rmSync(unpacked, { recursive: true, force: true })
  for (const each of [archive, nginx]) execFileSync('dpkg', ['-x', each, unpacked])
  const images = readdirSync(join(unpacked, 'boot')).filter((name) => name.startsWith('vmlinuz-'))
  if (images[0] === undefined) throw new Error(`no vmlinuz in ${archive}`)
  copyFileSync(join(unpacked, 'boot', images[0]), guest.kernel)
  writeInitramfs(unpacked, join(directory, 'root'), guest.initramfs)
  rmSync(unpacked, { recursive: true })
  writeFileSync(stamp, key)
  return guest
}

/** The path of the kernel's .deb in `directory`, downloaded if it is not there. */
function downloadKernel(directory: string): string {
  const here = archiveLike(directory, KERNEL_ARCHIVE)
  if (here !== null) return here
  const depends = run('apt-cache', ['depends', '--important', META_PACKAGE])
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1]
  if (name === undefined) throw new Error(`${META_PACKAGE} is not in this system's package lists (apt-get update?)`)
  return download(directory, name, KERNEL_ARCHIVE)
}

/** Likewise nginx's. */
function downloadNginx(directory: string): string {
  return archiveLike(directory, NGINX_ARCHIVE) ?? download(directory, NGINX_PACKAGE, NGINX_ARCHIVE)
}

function download(directory: string, name: string, like: RegExp): string {
  // _apt, the user apt downloads as, may not reach this folder.
  run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', name], directory)
  const archive = archiveLike(directory, like)
  if (archive === null) throw new Error(`apt-get download ${name} left no file in ${directory}`)
  return archive
}

function archiveLike(directory: string, like: RegExp): string | null {
  const name = readdirSync(directory).find((each) => like.test(each))
  return name === undefined ? null : join(directory, name)
}

/** Lay out the initramfs in `root` and pack it into `output`: newc, not compressed, which boots fastest. */
function writeInitramfs(unpacked: string, root: string, output: string): void {
  rmSync(root, { recursive: true, force: true })
  for (const each of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'modules']) mkdirSync(join(root, each), { recursive: true })
  copyFileSync(busyboxPath(), join(root, 'bin/busybox'))
  copyProgram(root, '/usr/bin/iperf3', 'iperf3')
  copyProgram(root, join(unpacked, 'usr/sbin/nginx'), 'nginx')
  for (const each of PROGRAMS) run('musl-gcc', ['-static', '-O2', '-o', join(root, 'bin', each), sourceOf(each)])
  copyModules(unpacked, join(root, 'modules'))
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(root, file), text)
  for (const each of ['init', 'bin/busybox', ...PROGRAMS.map(each => `bin/${each}`)]) chmodSync(join(root, each), 0o755)
  const names = run('find', ['.'], root).split('\n').filter((name) => name !== '').sort().join('\n')
  const archive = execFileSync('cpio', ['--quiet', '-o', '-H', 'newc', '-R', '0:0'],
    { cwd: root, input: names + '\n', maxBuffer: 1 << 28 })
  writeFileSync(output, archive)
  rmSync(root, { recursive: true })
}

/** A dynamic executable to /bin, and its libraries, the host's, to where they are here. */
function copyProgram(root: string, executable: string, name: string): void {
  copyFileSync(executable, join(root, 'bin', name))
  chmodSync(join(root, 'bin', name), 0o755)
  for (const library of sharedLibraries(executable)) {
    mkdirSync(join(root, dirname(library)), { recursive: true })
    copyFileSync(library, join(root, library))
  }
}

/** Copy each of MODULES that the package has; one that is built into this kernel has no file, and needs none. */
function copyModules(unpacked: string, to: string): void {
  const found = run('find', [join(unpacked, 'lib/modules'), '-name', '*.ko']).split('\n')
  for (const module of MODULES) {
    const file = found.find((path) => path.endsWith(`/${module}.ko`))
    if (file !== undefined) copyFileSync(file, join(to, `${module}.ko`))
  }
  if (!existsSync(join(to, 'virtio_net.ko'))) throw new Error('the kernel package has no virtio_net.ko')
}

/** Paths of the libraries and of the loader a dynamic executable asks for. */
function sharedLibraries(executable: string): string[] {
  return [...run('ldd', [executable]).matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]!)
}

/** The static busybox of Debian's busybox-static. */
function busyboxPath(): string {
  const path = ['/usr/bin/busybox', '/bin/busybox'].find((each) => existsSync(each))
  if (path === undefined || run('readelf', ['-lW', path]).includes('INTERP')) {
    throw new Error('the Linux guest needs a static busybox: package busybox-static')
  }
  return path
}

/** A digest of the contents of `files` and of how they are put together here. */
function fingerprint(files: string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(FILES))
  for (const file of files) hash.update(readFileSync(file))
  return hash.digest('hex')
}

function run(command: string, args: string[], cwd = benchDirectory()): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], cwd })
}
