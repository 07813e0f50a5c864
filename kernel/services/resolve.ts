// `resolve NAME` of the console: the IPv4 addresses of a name, or why there are none, as lines in the log. Main-loop context.

import { staticMemory, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logIpv4, logQuoted, logSigned, logStart, logText } from '../lib/log.ts'
import { DnsStatus, type DnsAnswer } from '../net/dns/cache.ts'
import { DnsRecordType } from '../net/dns/header.ts'
import { DNS_TEXT_LIMIT, dnsNameToText } from '../net/dns/name.ts'
import { dnsAnswerAddress, dnsResolve } from '../net/dns/resolver.ts'

const canonical = staticMemory(DNS_TEXT_LIMIT)

/** Ask for the addresses of a name; the answer is logged when it is there. */
export function resolveCommand(name: cstring): void {
  const result: i32 = dnsResolve(name, DnsRecordType.A, resolved, 0 as ptr)
  if (result > 0 || !logStart(Level.Warn, 'dns', 'refused')) return
  logQuoted('name', name)
  logSigned('errno', result)
  logEnd()
}

function resolved(answer: DnsAnswer, context: ptr): void {
  dnsNameToText(canonical, answer.canonical)
  if (answer.status != DnsStatus.Found) return failed(answer.status)
  for (let i: u32 = 0; i < answer.count; i++) {
    if (logStart(Level.Info, 'dns', 'answer')) {
      logQuoted('name', canonical as cstring)
      logIpv4('ip', dnsAnswerAddress(answer, i))
      logDecimal('seconds', answer.timeToLive)
      logEnd()
    }
  }
}

function failed(status: DnsStatus): void {
  if (!logStart(Level.Warn, 'dns', 'no-answer')) return
  logQuoted('name', canonical as cstring)
  logText('why', dnsStatusName(status))
  logEnd()
}

/** The name of an ending, as the log prints it. */
export function dnsStatusName(status: DnsStatus): cstring {
  switch (status) {
    case DnsStatus.Found: return 'found'
    case DnsStatus.NoName: return 'no-name'
    case DnsStatus.NoData: return 'no-data'
    case DnsStatus.NoServer: return 'no-server'
    case DnsStatus.TimedOut: return 'timed-out'
    case DnsStatus.ServerFailure: return 'server-failure'
    case DnsStatus.TruncatedNeedsTcp: return 'truncated-needs-tcp'
    default: return 'chain-too-long'
  }
}
