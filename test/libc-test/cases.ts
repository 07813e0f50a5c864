// Which of other people's cases there are, and how they are made: musl's libc-test from its sources, the Linux Test
// Project's from a tree that was built with musl-gcc. A library; no test in it.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cachedFile, hashOf } from '../../linker/cache.ts'
import { run } from '../command.ts'

/** A program that says with its exit status how it went. */
export interface Case { readonly name: string, readonly file: string }

/** What can not be one static executable, or is not musl's: docs/libc-test.md. */
const NOT_STATIC = /^(crypt|dlopen|dlopen_dso|tls_align.*|tls_init_d.*|tls_get_new-dtv.*)$/

/** The folders of LTP's testcases/kernel/syscalls about calls that are answered: docs/libc-test.md. */
const LTP_FOLDERS = `
  abort accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown chroot clock_getres clock_gettime
  clock_nanosleep clone close confstr connect creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait
  eventfd eventfd2 execl execle execlp execv execve execvp exit exit_group faccessat faccessat2 fchdir fchmod fchmodat fchown
  fchownat fcntl fdatasync fork fstat fstatat fstatfs fsync ftruncate futex get_robust_list getcpu getcwd getdents getegid
  geteuid getgid getgroups getitimer getpagesize getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid
  getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid ioctl kill lchown link linkat listen
  llseek lseek lstat madvise mkdir mkdirat mknod mknodat mmap mprotect mremap msync munmap nanosleep newuname nice open openat
  pause pipe pipe2 poll ppoll prctl pread preadv pselect pwrite pwritev read readlink readlinkat readv recv recvfrom recvmsg
  rename renameat renameat2 rmdir rt_sigaction rt_sigprocmask rt_sigqueueinfo rt_sigsuspend rt_sigtimedwait sbrk
  sched_getaffinity sched_setaffinity sched_yield select send sendfile sendmsg sendto set_robust_list set_tid_address setegid
  setfsgid setfsuid setgid setgroups setitimer setpgid setpgrp setpriority setregid setresgid setresuid setreuid setrlimit
  setsid setsockopt setuid shutdown sigaction sigaltstack sighold signal signalfd signalfd4 sigpending sigprocmask sigrelse
  sigsuspend sigtimedwait sigwait sigwaitinfo socket socketpair stat statfs symlink symlinkat sync syscall sysconf sysinfo
  tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd times tkill truncate umask uname
  unlink unlinkat utime utimensat utimes vfork wait wait4 waitpid write writev`.trim().split(/\s+/)

const OPTIONS = ['-static', '-O1', '-w', '-pthread']

/** musl's cases, src/functional and src/regression of its source tree; those that do not compile are told of. */
export async function libcTestCases(tree: string): Promise<Case[]> {
  const names = ['fdfill', 'memfill', 'mtest', 'path', 'print', 'rand', 'setrlim', 'utf8', 'vmfill']
  const common = names.map(name => join(tree, 'src/common', `${name}.c`))
  const sources = ['functional', 'regression'].flatMap(folder =>
    readdirSync(join(tree, 'src', folder)).filter(name => name.endsWith('.c')).sort().map(name => join(folder, name)))
  const cases: Case[] = []
  for (const source of sources.filter(each => !NOT_STATIC.test(basename(each, '.c')))) {
    const file = await compiled(tree, join(tree, 'src', source), common)
    if (file !== undefined) cases.push({ name: `libc-test/${source.slice(0, -2)}`, file })
  }
  return cases
}

async function compiled(tree: string, source: string, common: string[]): Promise<string | undefined> {
  const folder = join('build', 'libc-test')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, hashOf(source, readFileSync(source)))
  if (existsSync(file)) return file
  const options = [...OPTIONS, `-I${await optionsHeader(tree)}`, `-I${join(tree, 'src/common')}`]
  const { status, errors } = await run('musl-gcc', [...options, '-s', '-o', file, source, ...common, '-lm'])
  if (status !== 0) console.log(`does not compile: ${source}\n${errors.trim()}`)
  return status === 0 ? file : undefined
}

/** The folder of options.h, which libc-test has a preprocessor make: its options.h.in says how. */
async function optionsHeader(tree: string): Promise<string> {
  const folder = join('build', 'libc-test', 'include')
  const header = join(folder, 'options.h')
  if (existsSync(header)) return folder
  mkdirSync(folder, { recursive: true })
  const edit = "sed -e '1,/optiongroups_unistd_end/d' -e '/^#/d' -e '/^ *$/d' -e 's/^/#define /'"
  const made = `musl-gcc -E -x c ${join(tree, 'src/common/options.h.in')} | ${edit}`
  const { status, errors } = await run('sh', ['-c', `${made} > ${header}`])
  if (status !== 0) throw new Error(errors)
  return folder
}

/** LTP's executables, without what only a debugger reads. */
export function ltpCases(tree: string): Case[] {
  const root = join(tree, 'testcases/kernel/syscalls')
  return LTP_FOLDERS.flatMap(folder => {
    const inside = join(root, folder)
    if (!existsSync(inside)) return []
    const names = readdirSync(inside, { recursive: true, encoding: 'utf8' }).filter(name => isProgram(join(inside, name))).sort()
    return names.map(name => ({ name: `ltp/${folder}/${basename(name)}`, file: join(inside, name) }))
  })
}

function isProgram(file: string): boolean {
  const found = statSync(file)
  return found.isFile() && (found.mode & 0o111) !== 0 && readFileSync(file).subarray(0, 4).toString('latin1') === '\x7fELF'
}

/** The program without what only a debugger reads: a copy, the tree is not ours. */
export function stripped(file: string): string {
  return cachedFile('libc-test', hashOf(readFileSync(file)), '', draft => {
    execFileSync('strip', ['-o', draft, file])
  })
}
