// What the files of a process in /proc say: the formats of proc(5).

import type { cstring, i32, u32 } from '../../lib/layout.ts'
import { stringLength } from '../../lib/memory.ts'
import { writeBytes, writeChar, writeDecimal, writeSigned, writeText, writerRoom, type TextWriter } from '../../lib/print.ts'
import { PAGE_SHIFT } from '../../mm/address.ts'
import { DESCRIPTOR_LIMIT } from '../../config.ts'
import { credentialsGroup, type Credentials, type Ids } from '../credentials.ts'
import { Mode } from '../mode.ts'
import { processFacts, procHooks, type ProcessFacts } from './facts.ts'
import { Place, procNode, procNodeAdd } from './nodes.ts'

const SPACE: u32 = 0x20
const NEWLINE: u32 = 0x0a
const TAB: u32 = 0x09
const KIB_PER_PAGE_SHIFT: u32 = 2
/** Bytes of arguments that are shown: a page, as Linux once. */
const ARGUMENTS: u32 = 4096
/** Fields of stat that follow the resident size and are 0 here, but for the exit signal, SIGCHLD, the 38th of all. */
const AFTER_RESIDENT: u32 = 13
const SIGCHLD: u32 = 17
const AFTER_SIGNAL: u32 = 14

/** Once, after the fixed places. */
export function processTextsInit(): void {
  procNodeAdd(Place.Process, 'stat', Mode.Regular | 0o444, stat)
  procNodeAdd(Place.Process, 'statm', Mode.Regular | 0o444, statm)
  procNodeAdd(Place.Process, 'status', Mode.Regular | 0o444, status)
  procNodeAdd(Place.Process, 'comm', Mode.Regular | 0o444, comm)
  procNodeAdd(Place.Process, 'cmdline', Mode.Regular | 0o444, commandLine)
  procNode(procNodeAdd(Place.Process, 'maps', Mode.Regular | 0o444, maps)).inner = true
}

function field(writer: TextWriter, value: u32): void {
  writeDecimal(writer, value)
  writeChar(writer, SPACE)
}

function zeros(writer: TextWriter, fields: u32): void {
  for (let i: u32 = 0; i < fields; i++) field(writer, 0)
}

function name(writer: TextWriter, facts: ProcessFacts): void {
  writeText(writer, facts.name as cstring)
}

/** 52 fields on a line; what there is nothing of is 0. */
function stat(writer: TextWriter, pid: u32): void {
  const facts = processFacts(pid)
  if (facts == null) return
  field(writer, pid)
  writeText(writer, '(')
  name(writer, facts)
  writeText(writer, ') ')
  writeChar(writer, facts.state)
  writeChar(writer, SPACE)
  field(writer, facts.parent)
  field(writer, facts.group)
  field(writer, facts.session)
  zeros(writer, 1) // the terminal
  writeText(writer, '-1 ')
  zeros(writer, 1)
  field(writer, facts.minorFaults)
  zeros(writer, 1)
  field(writer, facts.majorFaults)
  zeros(writer, 1)
  times(writer, facts)
  memory(writer, facts)
  zeros(writer, AFTER_RESIDENT)
  field(writer, SIGCHLD)
  zeros(writer, AFTER_SIGNAL - 1)
  writeText(writer, '0\n')
}

/** utime to starttime. */
function times(writer: TextWriter, facts: ProcessFacts): void {
  field(writer, facts.userTicks)
  field(writer, facts.systemTicks)
  field(writer, facts.childUserTicks)
  field(writer, facts.childSystemTicks)
  field(writer, facts.priority)
  writeSigned(writer, facts.nice as number as i32)
  writeChar(writer, SPACE)
  field(writer, facts.threads)
  zeros(writer, 1)
  field(writer, facts.startTicks)
}

/** vsize in bytes, rss in pages. */
function memory(writer: TextWriter, facts: ProcessFacts): void {
  field(writer, facts.pages << PAGE_SHIFT)
  field(writer, facts.residentPages)
}

function statm(writer: TextWriter, pid: u32): void {
  const facts = processFacts(pid)
  if (facts == null) return
  field(writer, facts.pages)
  field(writer, facts.residentPages)
  zeros(writer, 4)
  writeText(writer, '0\n')
}

function line(writer: TextWriter, label: cstring, value: u32): void {
  writeText(writer, label)
  writeText(writer, ':\t')
  writeDecimal(writer, value)
  writeChar(writer, NEWLINE)
}

function kib(writer: TextWriter, label: cstring, pages: u32): void {
  writeText(writer, label)
  writeText(writer, ':\t')
  writeDecimal(writer, pages << KIB_PER_PAGE_SHIFT)
  writeText(writer, ' kB\n')
}

function status(writer: TextWriter, pid: u32): void {
  const facts = processFacts(pid)
  if (facts == null) return
  writeText(writer, 'Name:\t')
  name(writer, facts)
  writeText(writer, '\nState:\t')
  writeChar(writer, facts.state)
  writeText(writer, stateName(facts.state))
  line(writer, 'Tgid', pid)
  line(writer, 'Pid', pid)
  line(writer, 'PPid', facts.parent)
  ids(writer, 'Uid:', facts.credentials.user)
  ids(writer, 'Gid:', facts.credentials.group)
  line(writer, 'FDSize', DESCRIPTOR_LIMIT)
  groups(writer, facts.credentials)
  kib(writer, 'VmSize', facts.pages)
  kib(writer, 'VmRSS', facts.residentPages)
  line(writer, 'Threads', facts.threads)
}

function ids(writer: TextWriter, label: cstring, of: Ids): void {
  writeText(writer, label)
  tabbed(writer, of.real)
  tabbed(writer, of.effective)
  tabbed(writer, of.saved)
  tabbed(writer, of.file)
  writeChar(writer, NEWLINE)
}

function tabbed(writer: TextWriter, value: u32): void {
  writeChar(writer, TAB)
  writeDecimal(writer, value)
}

/** A space behind each, as Linux has it. */
function groups(writer: TextWriter, of: Credentials): void {
  writeText(writer, 'Groups:\t')
  for (let i: u32 = 0; i < of.groupCount; i++) field(writer, credentialsGroup(of, i))
  writeChar(writer, NEWLINE)
}

function stateName(state: u32): cstring {
  switch (state) {
    case 0x52: return ' (running)\n'
    case 0x53: return ' (sleeping)\n'
    case 0x44: return ' (disk sleep)\n'
    case 0x54: return ' (stopped)\n'
    case 0x5a: return ' (zombie)\n'
    default: return '\n'
  }
}

function comm(writer: TextWriter, pid: u32): void {
  const facts = processFacts(pid)
  if (facts == null) return
  writeBytes(writer, facts.name, stringLength(facts.name as cstring))
  writeChar(writer, NEWLINE)
}

function commandLine(writer: TextWriter, pid: u32): void {
  const tell = procHooks().arguments
  if (tell == null) return
  const next = writer.next
  const room = writerRoom(writer, ARGUMENTS)
  if (room == 0) return
  writer.next = next
  writerRoom(writer, tell(pid, room, ARGUMENTS))
}

function maps(writer: TextWriter, pid: u32): void {
  const tell = procHooks().maps
  if (tell != null) tell(pid, writer)
}
