// Linux's sysctls of TCP that the library honours: net.ipv4.tcp_…, by the adapter's number for each (test/packetdrill/sysctls.h).

import type { u32 } from '../../kernel/lib/layout.ts'
import { EcnUse, tcpTuning } from '../../kernel/net/tcp/tuning.ts'

const enum Sysctl { Timestamps, Sack, SlowStartAfterIdle, ReceiveBuffer, ReceiveMost, SendBuffer, SendMost, NotSentLow, LeastBurst, Ecn }

/** A sysctl has this value; connections that begin from now on go by it. */
export function linuxSysctl(which: Sysctl, value: u32): void {
  switch (which) {
    case Sysctl.Timestamps: tcpTuning.timestamps = value != 0; break
    case Sysctl.Sack: tcpTuning.sack = value != 0; break
    case Sysctl.SlowStartAfterIdle: tcpTuning.restart = value != 0; break
    case Sysctl.ReceiveBuffer: tcpTuning.receiveBuffer = value; break
    case Sysctl.ReceiveMost: tcpTuning.receiveMost = value; break
    case Sysctl.SendBuffer: tcpTuning.sendBuffer = value; break
    case Sysctl.SendMost: tcpTuning.sendMost = value; break
    case Sysctl.NotSentLow: tcpTuning.notSentLow = value; break
    case Sysctl.LeastBurst: tcpTuning.leastBurst = value; break
    case Sysctl.Ecn: tcpTuning.ecn = value == 0 ? EcnUse.Never : value == 1 ? EcnUse.Ask : EcnUse.Accept; break
  }
}
