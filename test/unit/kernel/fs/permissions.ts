// What a user may do to files: every mode against what inode(7) says of it, and each rule of the calls on names, owners and times.
// test/programs/users.c asks the same of Linux.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { CWD, Files, type Status } from '../../../files-machine.ts'
import { cpio } from '../../../cpio.ts'

const [WRONLY, RDWR, CREAT, TRUNC, NOATIME, PATH, DIRECTORY] = [1, 2, 0o100, 0o1000, 0o1000000, 0o10000000, 0o200000]
const [FIFO, CHARACTER] = [0o10000, 0o20000]
const [ANN, BEN, TEAM, CREW] = [1000, 1001, 50, 60]
const [READ, WRITE, RUN] = [4, 2, 1]
const KEEP = -1
const NOW = 0x3fffffff, OMIT = 0x3ffffffe

class Users extends Files {
  become(uid: number, gid = uid, groups: number[] = []): void {
    this.m.call('become', uid, gid, uid, gid)
    for (const each of groups) this.m.call('joinGroup', each)
  }
  /** A file of somebody's, made by the superuser. */
  give(path: string, mode: number, uid: number, gid: number): void {
    this.become(0)
    this.save(path, 'text')
    this.own(path, mode, uid, gid)
  }
  folder(path: string, mode: number, uid: number, gid: number): void {
    this.become(0)
    this.mkdir(path)
    this.own(path, mode, uid, gid)
  }
  private own(path: string, mode: number, uid: number, gid: number): void {
    if (this.chown(path, uid, gid) !== 0 || this.chmod(path, mode) !== 0) throw new Error(path)
  }
  chown(path: string, uid: number, gid: number): number | string { return this.call('chown', CWD, this.path(path), uid, gid) }
  program(path: string): number | string { return this.call('program', this.path(path)) }
  /** Nanoseconds of the two times. */
  utimens(path: string, ...nanoseconds: [number, number] | []): number | string {
    if (nanoseconds.length === 0) return this.call('utimens', CWD, this.path(path), 0)
    const times = Buffer.alloc(32)
    nanoseconds.forEach((each, i) => times.writeUInt32LE(each, 16 * i + 8))
    return this.call('utimens', CWD, this.path(path), this.put(times))
  }
  mode(path: string): number { return (this.stat(path, false) as Status).mode & 0o7777 }
  owner(path: string): [number, number] {
    const { uid, gid } = this.stat(path, false) as Status
    return [uid, gid]
  }
}

for (const e of await engines('test/kernel/fs.ts')) {
  t.test(`${e.kind}: every mode, for its owner, its group, a member of that, others, the superuser`, async t => {
    const f = new Users(e)
    f.give('/f', 0, ANN, TEAM)
    const wrong: string[] = []
    let asked = 0
    for (let mode = 0; mode < 0o1000; mode++) {
      f.become(0)
      f.chmod('/f', mode)
      const classes = [[6, ANN, TEAM, []], [3, BEN, TEAM, []], [3, BEN, BEN, [CREW, TEAM]], [0, BEN, BEN, [CREW]]] as const
      for (const [shift, uid, gid, groups] of classes) {
        f.become(uid, gid, [...groups])
        for (let wanted = 0; wanted < 8; wanted++, asked++) {
          const may = (wanted & ~(mode >> shift)) === 0 ? 0 : 'EACCES'
          if (f.access('/f', wanted) !== may) wrong.push(`0${mode.toString(8)} ${uid}:${gid} ${wanted}`)
        }
      }
      f.become(0)
      for (const wanted of [READ | WRITE, RUN]) {
        const may = wanted !== RUN || (mode & 0o111) !== 0 ? 0 : 'EACCES'
        if (f.access('/f', wanted) !== may) wrong.push(`0${mode.toString(8)} superuser ${wanted}`)
      }
    }
    t.same(wrong, [])
    t.equal(asked, 0o1000 * 4 * 8)
  })

  t.test(`${e.kind}: a path leads through folders that may be searched`, async t => {
    const f = new Users(e)
    f.folder('/closed', 0o700, 0, 0)
    f.give('/closed/f', 0o666, 0, 0)
    f.folder('/passed', 0o711, 0, 0)
    f.give('/passed/f', 0o644, 0, 0)
    f.symlink('closed/f', '/link')
    f.become(ANN)
    for (const path of ['/closed/f', '/closed/none', '/closed/.', '/closed/..', '/link', `/closed/${'n'.repeat(300)}`]) t.equal(f.stat(path), 'EACCES', path)
    t.match(f.stat('/closed/'), { mode: 0o40700 })
    t.match(f.stat('/link', false), { uid: 0 })
    t.equal(f.chdir('/closed'), 'EACCES')
    t.equal(f.file('/passed/f'), 'text')
    t.same([f.open('/passed', DIRECTORY), f.open('/passed/f/x')], ['EACCES', 'ENOTDIR'])
    f.become(0)
    t.equal(f.chdir('/closed'), 0)
    f.become(ANN)
    t.same([f.stat('f'), f.stat('../passed/f')], ['EACCES', 'EACCES'], 'the working directory, too')
    t.same([f.call('fchdir', f.open('/closed', PATH) as number), f.call('chroot', f.path('/closed')), f.call('chroot', f.path('/'))], ['EACCES', 'EACCES', 'EPERM'])
    f.become(0)
    t.same(f.left(), { walks: 0, open: 1, pipes: 0 }, 'the one that was given to fchdir')
  })

  t.test(`${e.kind}: opening: by what is to be done, what it is first; a file that is made is its maker's`, async t => {
    const f = new Users(e)
    f.give('/shown', 0o644, 0, 0)
    f.give('/wide', 0o666, 0, 0)
    f.folder('/open', 0o777, 0, 0)
    f.become(ANN, TEAM)
    t.same([f.open('/shown', WRONLY), f.open('/shown', RDWR), f.open('/shown', TRUNC), f.open('/shown', WRONLY | CREAT)], Array(4).fill('EACCES'))
    t.same([f.open('/open', WRONLY), f.open('/shown', WRONLY | DIRECTORY), f.open('/new', WRONLY | CREAT)], ['EISDIR', 'ENOTDIR', 'EACCES'])
    t.equal(f.file('/shown'), 'text', 'it was not cut')
    t.type(f.open('/shown', PATH | WRONLY), 'number')
    t.equal(f.open('/wide', NOATIME), 'EPERM')
    const wide = f.open('/wide', RDWR) as number
    t.same([f.call('fcntl', wide, 4, NOATIME), f.call('fcntl', wide, 4, 0)], ['EPERM', 0])
    t.type(f.open('/open/new', RDWR | CREAT, 0), 'number', 'open to its maker, whatever its mode')
    t.same([f.owner('/open/new'), f.open('/open/new')], [[ANN, TEAM], 'EACCES'])
    t.same([f.truncate('/shown', 0), f.truncate('/open', 0), f.truncate('/wide', 2)], ['EACCES', 'EISDIR', 0])
    t.equal(f.call('pipe', 0, f.put(new Uint8Array(8))), 0)
    t.match(f.fstat(f.m.read32(f.put(new Uint8Array(0)))), { mode: FIFO | 0o600, uid: ANN, gid: TEAM }, 'so is a pipe')
  })

  t.test(`${e.kind}: names: writing to the folder, stickiness, what is there first`, async t => {
    const f = new Users(e)
    f.give('/shown', 0o644, 0, 0)
    f.folder('/open', 0o777, 0, 0)
    f.give('/open/theirs', 0o600, BEN, BEN)
    f.folder('/open/tree', 0o755, BEN, BEN)
    f.folder('/open/mine', 0o755, ANN, ANN)
    f.folder('/tmp', 0o1777, 0, 0)
    f.give('/tmp/theirs', 0o666, BEN, BEN)
    f.give('/tmp/mine', 0o666, ANN, ANN)
    f.become(ANN)
    t.same([f.mkdir('/d'), f.mkdir('/shown'), f.symlink('x', '/l'), f.mknod('/n', FIFO), f.link('/shown', '/l')], ['EACCES', 'EEXIST', 'EACCES', 'EACCES', 'EACCES'])
    t.same([f.unlink('/shown'), f.unlink('/open'), f.unlink('/none'), f.rmdir('/open'), f.rmdir('/shown')], ['EACCES', 'EACCES', 'ENOENT', 'EACCES', 'EACCES'])
    t.same([f.rename('/shown', '/open/x'), f.rename('/open/theirs', '/x'), f.rename('/open/theirs', '/shown')], ['EACCES', 'EACCES', 'EACCES'])
    t.same([f.rename('/open/tree', '/open/mine/tree'), f.rename('/open/tree', '/open/bush'), f.unlink('/open/theirs')], ['EACCES', 0, 0])
    t.same([f.mknod('/open/n', CHARACTER | 0o666, 0x103), f.mknod('/open/n', FIFO | 0o666)], ['EPERM', 0])
    t.same([f.unlink('/tmp/theirs'), f.rename('/tmp/theirs', '/open/x'), f.rename('/tmp/mine', '/tmp/theirs')], ['EPERM', 'EPERM', 'EPERM'])
    t.same([f.rename('/tmp/mine', '/tmp/own'), f.unlink('/tmp/own')], [0, 0])
    const open = f.open('/open/mine') as number
    t.equal(f.call('linkat', open, f.path('/open/linked')), 'ENOENT', 'AT_EMPTY_PATH is the superuser\'s')
    f.become(0)
    t.equal(f.call('linkat', open, f.path('/open/linked')), 'EPERM', 'who has no links of directories, either')
    f.chown('/tmp', ANN, ANN)
    f.become(ANN)
    t.equal(f.unlink('/tmp/theirs'), 0, 'the owner of a sticky folder may')
  })

  t.test(`${e.kind}: owners: chmod, chown, the bits that lend them, folders with set-group`, async t => {
    const f = new Users(e)
    f.give('/own', 0o600, ANN, ANN)
    f.give('/theirs', 0o666, BEN, BEN)
    f.give('/lent', 0o4777, BEN, BEN)
    f.folder('/grouped', 0o2777, 0, CREW)
    f.become(ANN, ANN, [TEAM])
    t.same([f.chmod('/theirs', 0), f.chown('/theirs', ANN, KEEP), f.chown('/own', BEN, KEEP), f.chown('/own', KEEP, CREW)], Array(4).fill('EPERM'))
    t.same([f.chown('/theirs', KEEP, KEEP), f.chown('/lent', KEEP, KEEP)], [0, 'EPERM'], 'no owner, but a bit that would go')
    t.same([f.chown('/own', ANN, TEAM), f.owner('/own'), f.chmod('/own', 0o6770), f.mode('/own')], [0, [ANN, TEAM], 0, 0o6770])
    t.same([f.chown('/own', KEEP, ANN), f.mode('/own')], [0, 0o770])
    for (const [mode, change] of [[0o6770, 'write'], [0o6770, 'ftruncate'], [0o6770, 'truncate']] as const) {
      f.chmod('/own', mode)
      const own = f.open('/own', RDWR) as number
      if (change === 'write') f.write(own, 'x')
      else if (change === 'ftruncate') f.call('ftruncate', own, 1)
      else f.open('/own', TRUNC | WRONLY)
      t.equal(f.mode('/own'), 0o770, change)
      f.write(own, 'x')
    }
    f.become(0)
    f.chmod('/own', 0o6770)
    f.write(f.open('/own', RDWR) as number, 'x')
    t.equal(f.mode('/own'), 0o6770, 'not for the superuser')
    f.become(ANN)
    f.mkdir('/grouped/d')
    f.call('umask', 0)
    f.open('/grouped/f', CREAT, 0o2775)
    t.same([f.owner('/grouped/d'), f.mode('/grouped/d'), f.owner('/grouped/f'), f.mode('/grouped/f')], [[ANN, CREW], 0o2755, [ANN, CREW], 0o775])
    t.same([f.chmod('/grouped/f', 0o2664), f.mode('/grouped/f')], [0, 0o664])
    f.become(ANN, CREW)
    f.open('/grouped/g', CREAT, 0o2775)
    t.equal(f.mode('/grouped/g'), 0o2775, 'a member may')
  })

  t.test(`${e.kind}: times: the owner's, but for the present`, async t => {
    const f = new Users(e)
    f.give('/own', 0, ANN, ANN)
    f.give('/wide', 0o666, 0, 0)
    f.give('/shown', 0o644, 0, 0)
    f.become(ANN)
    t.same([f.utimens('/own', 1, 2), f.utimens('/own'), f.utimens('/own', NOW, OMIT)], [0, 0, 0])
    t.same([f.utimens('/wide', 1, 2), f.utimens('/wide', NOW, OMIT), f.utimens('/wide', NOW, NOW), f.utimens('/wide')], ['EPERM', 'EPERM', 0, 0])
    t.same([f.utimens('/shown', 1, 2), f.utimens('/shown', NOW, NOW), f.utimens('/shown')], ['EPERM', 'EACCES', 'EACCES'])
    t.same([f.utimens('/shown', OMIT, OMIT), f.utimens('/none', OMIT, OMIT), f.utimens('/none')], [0, 0, 'ENOENT'])
  })

  t.test(`${e.kind}: access by the real ids; programs; what only the superuser does; ids out of an archive`, async t => {
    const f = new Users(e)
    f.give('/secret', 0o600, 0, 0)
    f.give('/runs', 0o711, 0, 0)
    f.give('/own', 0o600, ANN, ANN)
    f.m.call('become', ANN, ANN, 0, 0)
    t.same([f.access('/secret', READ), f.call('access', CWD, f.path('/secret'), READ, 0x200), f.access('/own', READ)], ['EACCES', 0, 0])
    t.type(f.open('/secret'), 'number', 'and the others are as they were')
    f.m.call('become', 0, 0, ANN, ANN)
    t.same([f.access('/secret', READ), f.open('/secret')], [0, 'EACCES'])
    f.become(ANN)
    t.same([f.program('/runs'), f.program('/own'), f.program('/'), f.program('/none')], [0, 'EACCES', 'EACCES', 'ENOENT'])
    t.equal(f.mount('tmpfs', '/'), 'EPERM')
    t.equal(f.umount('/'), 'EPERM')
    f.become(0)
    f.mkdir('/m')
    t.same([f.mount('tmpfs', '/m'), f.mode('/m')], [0, 0o1777], 'a tmpfs is for all')
    f.save('/m/f', '')
    f.chmod('/m/f', 0o755)
    t.same([f.program('/m/f'), f.mount('tmpfs', '/m', 0x20 | 8), f.program('/m/f'), f.access('/m/f', RUN)], [0, 0, 'EACCES', 'EACCES'], 'noexec')
    f.mount('tmpfs', '/m', 0x20 | 1)
    f.become(ANN)
    t.same([f.access('/m/f', WRITE), f.save('/m/f', 'x'), f.unlink('/m/f'), f.truncate('/m/f', 0)], Array(4).fill('EROFS'), 'that nothing may be changed comes first')
    f.become(0)
    const archive = cpio({ name: 'a', mode: 0o100640, uid: ANN, gid: TEAM, data: 'x' }, { name: 'd', mode: 0o41770, uid: BEN, gid: CREW })
    t.equal(f.call('unpack', f.put(archive), archive.length), 0)
    t.same([f.owner('/a'), f.mode('/a'), f.owner('/d'), f.mode('/d')], [[ANN, TEAM], 0o640, [BEN, CREW], 0o1770])
    f.become(ANN)
    t.same([f.file('/a'), f.open('/d/x', CREAT)], ['x', 'EACCES'])
  })

  t.test(`${e.kind}: what there is of a process in /proc is its user's, and what is in it only for who may look`, async t => {
    const f = new Users(e)
    f.m.call('fsMountSystem')
    f.m.call('selfIsThere')
    f.become(ANN, TEAM, [CREW, BEN])
    t.same([f.owner('/proc/7'), f.owner('/proc/7/fd'), f.owner('/proc/uptime')], [[ANN, TEAM], [ANN, TEAM], [0, 0]])
    t.match(f.file('/proc/7/status'), /\nUid:\t1000\t1000\t1000\t1000\nGid:\t50\t50\t50\t50\nFDSize:\t1024\nGroups:\t60 1001 \n/)
    t.same([f.readlink('/proc/7/cwd'), f.file('/proc/7/maps')], ['/', ''])
    f.m.call('closeProcesses', 1)
    t.same([f.readlink('/proc/7/cwd'), f.stat('/proc/7/cwd'), f.file('/proc/7/maps'), f.stat('/proc/7/root/dev')], Array(4).fill('EACCES'))
    t.match(f.stat('/proc/7/cwd', false), { mode: 0o120777 })
    t.match(f.file('/proc/7/stat'), /^7 /)
    t.equal(f.readlink('/proc/self'), '7')
    t.same(['null', 'zero', 'full', 'random', 'tty', 'console'].map(name => f.mode(`/dev/${name}`)), [0o666, 0o666, 0o666, 0o666, 0o666, 0o600])
  })
}
