// Debian's busybox on our kernel. What a script does to files has to come out as when the same busybox does it here, on Linux;
// what looks at the system has to find it; and the shell has to be pleasant on the serial line.
// Time limit: 300 s

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { busybox, ramDisk } from '../programs.ts'
import { Exit, booted, type Machine } from '../qemu.ts'

const quiet = 'eth0=off log=warn'
const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'latin1' }).split('\n').filter(name => name !== '' && name !== 'busybox')

/** A shell on the machine's serial line. */
class Shell {
  #number = 0

  constructor(readonly machine: Machine) {}

  type(text: string): void { this.machine.type(text) }
  exit(code: number): void { this.type(`exit ${code}\r`) }

  /** Wait until it answers. */
  async prompt(): Promise<void> {
    await this.machine.until(/built-in shell/, 30) // the port is reset before: what comes earlier is lost
    await this.run(':', 30)
  }

  /** What is typed before the shell is back at its prompt is the terminal's to edit; give it time. */
  async settled(): Promise<void> { await new Promise(resolve => setTimeout(resolve, 300)) }

  /** Run a command, and what it wrote. */
  async run(command: string, seconds = 20): Promise<string> {
    const number = ++this.#number
    this.type(`echo "== from "${number}; ${command}; echo "== to "${number}\r`)
    await this.machine.until(new RegExp(`^== to ${number}\r?$`), seconds)
    const lines = this.machine.lines.map(line => line.replace(/\r$/, ''))
    return lines.slice(lines.lastIndexOf(`== from ${number}`) + 1, lines.lastIndexOf(`== to ${number}`)).join('\n')
  }
}

/** Commands by what they show; each is run in a folder of its own, and their output compared line by line. */
const files: Record<string, string> = {
  'make, copy, move, link, remove': `
    mkdir -p a/b/c; echo one > a/b/f; cp a/b/f a/g; mv a/g a/h; ln a/h a/i; ln -s b/f a/j; ln -s nowhere a/k
    cat a/j a/i; readlink a/j a/k; ls -lR a | awk '{print $1, $2, $3, $9, $10, $11}' | grep -v '^total'; cp -r a copy; rm a/h
    ls a copy; stat -c '%n %h %s %F' a/i; rm -r a copy; ls; rmdir nothing; cat nothing; mkdir x; mkdir x; rm x`,
  find: `mkdir -p t/u/v; touch t/1 t/u/2 t/u/v/3; ln -s u t/link; find t | sort; find t -type l; find t -name '[23]' | sort
    find t -type f -exec echo file {} ';' | sort; rm t/u/v/*; find t/u | sort; find . -name '*.none' -o -empty | sort`,
  'pipes and filters': `seq 1 5000 | sort -rn | head -n 3; seq 1 20000 | awk '{s += $1; q = q + $1 % 7} END {print s, q}'
    seq 1 3000 | tail -n 2; printf 'b\\na\\nb\\n' | sort | uniq -c; echo some text here | tr a-z A-Z | rev | cut -c 1-6
    seq 1 30000 | grep -c 7; yes | head -n 2000 | wc; echo x | tee t1 t2 | cat - t1; sed -n '2,3p;s/4/four/p' <<E
1
2
3
4
E`,
  'hashes and archives': `seq 1 30000 > n; md5sum n; sha256sum n; cksum n; gzip n; gunzip -c n.gz | md5sum; ls; gzip -dc n.gz | bzip2 | bunzip2 | sha1sum
    mkdir d; cp n.gz d; echo text > d/text; tar cf d.tar d; rm -r d; tar tf d.tar | sort; tar xf d.tar; cat d/text; cmp n.gz d/n.gz && echo same
    find d | sort | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null | sort`,
  'the shell': `f() { echo "f $# $1"; return 3; }; f a b; echo $?; for i in 1 2 3; do (exit $i) || echo "$i failed"; done
    x=$(echo inner; echo lines); echo "$x"; echo * ; [ -d . ] && echo folder; case abc in a*) echo case;; esac; sh -c 'trap "echo trapped" USR1; kill -USR1 $$; :'
    sleep 0.1 & wait $!; echo waited $?; (exec 3> three; echo to three >&3); cat three; while read line; do echo "got $line"; done < three
    set -- q w e; echo $# $2; echo $((6 * 7)); cat <<E | while read a b; do echo "$b $a"; done
one two
three four
E
    sh -c 'kill -9 $$'; echo killed $?; false | true; echo $?; echo out of order >&2; cd /; cd - > /dev/null; umask 027; touch u; stat -c %a u; ulimit -n > /dev/null`,
  'devices and holes': `dd if=/dev/zero of=z bs=1000 count=77 2>/dev/null; md5sum z; dd if=z of=hole bs=1 seek=100000 count=3 2>/dev/null; stat -c %s hole; md5sum hole
    head -c 5 /dev/urandom | wc -c; echo gone > /dev/null; cat /dev/null; dd if=/dev/full of=f bs=10 count=1 2>/dev/null; wc -c < f
    echo x > /dev/full; truncate -s 5 z; wc -c < z; echo 12345 > o; echo 6 >> o; cat o; mkfifo p; (echo through a fifo > p) & cat p; wait
    echo piped | cat /dev/stdin; echo out > /dev/stdout; exec 5< o; readlink /proc/$$/fd/5 | sed 's/.*place/place/'; cat /dev/fd/5`,
}

const script = (commands: string) => `export PATH=/bin LC_ALL=C\nmkdir /tmp/place\ncd /tmp/place\n{\n${commands}\n} 2>&1 | cat\necho "== end"\n`

/** What the same busybox makes of it here. */
function onLinux(commands: string): string[] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'busybox-'))
  try {
    fs.mkdirSync(path.join(folder, 'bin'))
    fs.mkdirSync(path.join(folder, 'place'))
    for (const name of applets) fs.symlinkSync('/bin/busybox', path.join(folder, 'bin', name))
    const text = script(commands).replace('/bin LC', `${path.join(folder, 'bin')} LC`).replaceAll('/tmp/place', path.join(folder, 'place')).replace('mkdir', 'mkdir -p')
    fs.writeFileSync(path.join(folder, 'script'), text)
    const output = execFileSync('/bin/busybox', ['sh', path.join(folder, 'script')], { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] })
    return output.split('\n').slice(0, -1)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

const scripts = Object.fromEntries(Object.entries(files).map(([_, commands], i) => [`s${i}`, script(commands)]))
const everything = ramDisk({
  ...busybox(...applets), ...scripts, 'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann:/tmp:/bin/sh\n',
  'etc/group': 'root:x:0:\nann:x:1000:\nteam:x:50:ann\n',
})
const initrd = ['-initrd', everything]

/** What the machine wrote before the end of the script, messages of the kernel apart. */
function output(machine: Machine): string[] {
  const lines = machine.lines.map(line => line.replace(/\r$/, '')).filter(line => !/^\[ *\d+\.\d+\] /.test(line))
  return lines.slice(0, lines.indexOf('== end') + 1)
}

for (const [i, [name, commands]] of Object.entries(files).entries()) {
  booted(t, `${name}: as on Linux`, { args: initrd, append: `${quiet} init=/bin/sh /s${i}` }, async (t, machine) => {
    t.equal(await machine.exit(60), Exit.Success)
    const expected = onLinux(commands)
    t.ok(expected.length > 5, 'there is something to compare')
    t.same(output(machine).map(line => line.replaceAll(`/s${i}: `, 'script: ')), expected.map(line => line.replace(/\/tmp\/busybox-\w+\/script: /, 'script: ')))
  })
}

booted(t, 'what looks at the system', {
  args: [...initrd, ...drive(makeDisk(path.join(t.testdir(), 'swap'), 32))], append: `${quiet} init=/bin/sh`, memory: '64M',
}, async (t, machine) => {
  const shell = new Shell(machine)
  await shell.prompt()
  t.match(await shell.run('ps'), /PID +USER +COMMAND\n +1 +root +\/bin\/sh\n +\d+ root +(\{ps\} )?(ps|\/bin\/sh)$/)
  t.equal(await shell.run('mount'), 'ramdisk on / type rootfs (rw)\ndevtmpfs on /dev type devtmpfs (rw)\nproc on /proc type proc (rw)')
  t.match(await shell.run('df /tmp'), /^Filesystem.*\nramdisk +\d{5} +\d{4} +\d{5} +\d+% \/$/)
  const [, total, used, free] = /Mem: +(\d+) +(\d+) +(\d+)/.exec(await shell.run('free'))!
  t.ok(Number(total) > 55_000 && Number(total) < 65_536 && Number(used) + Number(free) <= Number(total), 'free adds up')
  t.match(await shell.run('top -b -n1 | head -n 8'), /^Mem: \d+K used, \d+K free.*\nCPU: .*\nLoad average: .*\n +PID +PPID USER/)
  t.match(await shell.run('uptime'), / up 0 min, +0 users, +load average: /)
  t.match(await shell.run('cat /proc/1/maps'), /^00400000-[0-9a-f]{8} r--p 0{8} .*\n[^]*\[heap\][^]*\[stack\]$/)
  t.match(await shell.run('ls -l /proc/self/fd'), / 0 -> \/dev\/console\n.* 1 -> \/dev\/console\n/)
  t.equal(await shell.run('ls -ld /proc/1/cwd /proc/1/exe | sed "s/.*-> //"'), '/\n/bin/busybox')
  t.match(await shell.run('cat /proc/cmdline'), /^eth0=off log=warn init=\/bin\/sh$/)
  t.equal(await shell.run('mkdir /m; mount -t tmpfs -o ro none /m; touch /m/x; umount /m; umount /m 2>&1 | sed "s/.*: //"'),
    'touch: /m/x: Read-only file system\nInvalid argument')
  t.equal(await shell.run('cat /proc/sys/vm/page_replacement; echo clock > /proc/sys/vm/page_replacement; cat /proc/sys/vm/page_replacement'), 'lru\nclock')
  t.match(await shell.run('echo random > /proc/sys/vm/page_replacement'), /invalid argument/i)
  t.match(await shell.run('cat /proc/swaps'), /\n\/dev\/vda +partition\t32764\t\t0\t\t-2$/)
  t.equal(await shell.run('swapoff /dev/vda && cat /proc/swaps | wc -l; swapon /dev/vda && cat /proc/swaps | wc -l; swapon /dev/null'),
    '1\n2\nswapon: /dev/null: Invalid argument')
  t.match(await shell.run('dmesg > /dev/null; cat /proc/vmstat'), /^nr_free_pages \d+\n[^]*^pgfault [1-9]/m)
  shell.exit(0)
  t.equal(await machine.exit(), Exit.Success)
})

booted(t, 'syslogd and logger, through /dev/log', { args: initrd, append: `${quiet} init=/bin/sh` }, async (t, machine) => {
  const shell = new Shell(machine)
  await shell.prompt()
  await shell.run('syslogd -n -S -O /messages & pid=$!; until [ -S /dev/log ]; do sleep 0.1; done')
  t.equal(await shell.run('stat -c "%F" /dev/log'), 'socket')
  await shell.run('logger -t first -p user.notice one line; for i in 1 2 3; do logger -t loop $i; done; until grep -q "loop: 3" /messages; do sleep 0.1; done')
  await shell.run('kill $pid; wait $pid')
  t.equal(await shell.run('cut -c 17- /messages | sed "s/BusyBox.*/BusyBox/"'),
    ['syslogd started: BusyBox', 'first: one line', 'loop: 1', 'loop: 2', 'loop: 3', 'syslogd exiting'].join('\n'))
  t.equal(await shell.run('[ -S /dev/log ] && rm /dev/log && echo its name is left'), 'its name is left')
  shell.exit(0)
  t.equal(await machine.exit(), Exit.Success)
})

booted(t, 'another user: su, id, what is not theirs', { args: initrd, append: `${quiet} init=/bin/sh` }, async (t, machine) => {
  const shell = new Shell(machine)
  const ann = (command: string) => shell.run(`su ann -c '${command}'`)
  await shell.prompt()
  t.equal(await shell.run('id'), 'uid=0(root) gid=0(root)')
  t.equal(await ann('id; whoami'), 'uid=1000(ann) gid=1000(ann) groups=50(team),1000(ann)\nann')
  t.match(await ann('ps -o user,comm'), /^ann +ps$/m)
  t.match(await ann('cat /proc/self/status'), /\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nFDSize:\t\d+\nGroups:\t50 1000 \n/)
  t.equal(await shell.run('umask 077; echo hidden > /tmp/secret; echo for the team > /tmp/team; chgrp team /tmp/team; chmod 640 /tmp/team'), '')
  t.equal(await ann('cat /tmp/team; cat /tmp/secret; rm -f /tmp/secret; echo x > /tmp/mine; stat -c "%U %G" /tmp/mine'), [
    'for the team', 'cat: can\'t open \'/tmp/secret\': Permission denied', 'rm: can\'t remove \'/tmp/secret\': Operation not permitted', 'ann ann',
  ].join('\n'))
  t.match(await ann('kill 1; mkdir /ours; mount -t tmpfs none /tmp'), /Operation not permitted\n.*\/ours.*: Permission denied\nmount: .*$/)
  t.match(await ann('echo nobody > /dev/console'), /can't create \/dev\/console: Permission denied$/)
  t.equal(await ann('echo written on what was open; echo all > /dev/null'), 'written on what was open')
  shell.exit(0)
  t.equal(await machine.exit(), Exit.Success)
})

booted(t, 'a full /tmp is ENOSPC, and nobody is ended for it', { args: initrd, append: `${quiet} swap=none init=/bin/sh`, memory: '64M' }, async (t, machine) => {
  const shell = new Shell(machine)
  await shell.prompt()
  for (let round = 0; round < 2; round++) {
    t.match(await shell.run('dd if=/dev/zero of=/tmp/all bs=64k count=4000', 60), /No space left on device\n(\d+)\+0 records in/)
    t.match(await shell.run('ls -l /tmp/all | awk "{print \\$5}"'), /^[23]\d{7}$/, 'about half of RAM')
    t.match(await shell.run('echo still here > /tmp/small'), /No space left on device/)
    t.equal(await shell.run('rm /tmp/all; echo room > /tmp/small; cat /tmp/small; rm /tmp/small'), 'room')
  }
  shell.exit(0)
  t.equal(await machine.exit(), Exit.Success)
})

booted(t, 'typing: echo, backspace, ^U, ^W, ^D, ^C, ^Z, the window, history of the shell\'s own', {
  args: initrd, append: `${quiet} init=/bin/sh`,
}, async (t, machine) => {
  const shell = new Shell(machine)
  await shell.prompt()
  t.equal(await shell.run('echo wrang\x7f\x7f\x7fong'), 'wrong', 'the shell edits its line itself')
  shell.type('sh -c "echo ready; cat"\r')
  await machine.until(/^ready/)
  shell.type('lime\x7f\x7fne one\r')
  await machine.until(/^line one\r?$/)
  shell.type('two three\x17for\x7f\x7f\x7ffour\r') // a line at a time: what is typed ahead is echoed among what cat writes
  await machine.until(/^two four\r?$/)
  shell.type('gone\x15left\r')
  await machine.until(/^left\r?$/)
  shell.type('\x04')
  await shell.settled()
  await shell.prompt()
  t.match(machine.log, /^line one\r?$/m, 'as cat got it')
  t.match(machine.log, /^two four\r?$/m)
  shell.type('sh -c "echo sleeps; sleep 100"\r')
  await machine.until(/^sleeps/)
  shell.type('\x03')
  await shell.settled()
  shell.type('echo status $?\r')
  t.ok(await machine.until(/^status 130/), '128 and SIGINT')
  shell.type('sh -c \'echo loop; while read x; do echo "got $x"; done\'\r')
  await machine.until(/^loop/)
  shell.type('one\r')
  await machine.until(/^got one/)
  shell.type('\x1a')
  await machine.until(/Stopped/)
  await shell.settled()
  t.match(await shell.run('jobs'), /Stopped +sh -c/)
  shell.type('fg\r')
  await shell.settled()
  shell.type('two\r')
  await machine.until(/^got two/)
  shell.type('\x03')
  await shell.settled()
  t.equal(await shell.run('jobs'), '')
  t.equal(await shell.run('stty size; stty rows 40 cols 100; stty size'), '24 80\n40 100')
  t.match(await shell.run('stty'), /speed 115200 baud/)
  t.equal(await shell.run('tty'), '/dev/console')
  t.equal(await shell.run('(cat /proc/$$/stat | cut -d " " -f 5; ps -o pid,pgid | tail -n 1) | wc -l'), '2')
  const long = 'x'.repeat(900)
  t.equal(await shell.run(`echo ${long} | wc -c`), '901', 'a line nearly as long as busybox takes, in one go')
  shell.type('exit 5\r')
  t.equal(await machine.exit(), Exit.Failure)
})

booted(t, 'what programs had is given back when they have ended', { args: initrd, append: `${quiet} init=/bin/sh`, memory: '64M' }, async (t, machine) => {
  const shell = new Shell(machine)
  await shell.prompt()
  const free = async () => Number(/MemFree: +(\d+)/.exec(await shell.run('cat /proc/meminfo'))![1])
  const all = Object.keys(scripts).map(name => `sh /${name} > /tmp/out 2>&1; rm -r /tmp/*`).join('; ')
  await shell.run(all, 60)
  const before = await free()
  for (let round = 0; round < 3; round++) await shell.run(all, 60)
  const after = await free()
  t.ok(Math.abs(after - before) <= 64, `${before} KiB before, ${after} KiB after`)
  t.match(await shell.run('ls /proc | grep -c "^[0-9]"'), /^[1-4]$/, 'the shell and its pipe-line')
  shell.exit(0)
  t.equal(await machine.exit(), Exit.Success)
})
