// The network: an interface for every card that was found, the services, then the addresses.

import { chargenServiceStart } from '../services/chargen.ts'
import { chargenStreamStart } from '../services/chargen-stream.ts'
import { discardServiceStart } from '../services/discard.ts'
import { discardStreamStart } from '../services/discard-stream.ts'
import { echoServiceStart } from '../services/echo.ts'
import { echoStreamStart } from '../services/echo-stream.ts'
import { httpServiceStart } from '../services/http/server.ts'
import { iperf3ServiceStart } from '../services/iperf3/server.ts'
import { servicesInit } from '../services/stream-service.ts'
import type { cstring, i32, u32 } from '../lib/layout.ts'
import { Level, logEnd, logLine, logStart, logText } from '../lib/log.ts'
import { Service, type Options } from '../lib/options.ts'
import { ipv4ForwardSet } from '../net/ipv4/forward.ts'
import { streamProtocol } from '../net/socket/stream.ts'
import { netInit, netStart } from '../net/start.ts'

/** Bring up the network as `options` ask. Addresses by DHCP come later; `boot: ready` does not wait for them. */
export function networkInit(options: Options): void {
  netInit()
  ipv4ForwardSet(options.forward)
  if (options.forward) logLine(Level.Info, 'net', 'forwarding')
  servicesInit()
  servicesStart(options.services)
  netStart(options)
}

function servicesStart(services: u32): void {
  if ((services & Service.Echo) != 0) started('echo', 'udp', echoServiceStart())
  if ((services & Service.Discard) != 0) started('discard', 'udp', discardServiceStart())
  if ((services & Service.Chargen) != 0) started('chargen', 'udp', chargenServiceStart())
  if (streamProtocol() != null) streamServicesStart(services)
}

function streamServicesStart(services: u32): void {
  if ((services & Service.Echo) != 0) started('echo', 'tcp', echoStreamStart())
  if ((services & Service.Discard) != 0) started('discard', 'tcp', discardStreamStart())
  if ((services & Service.Chargen) != 0) started('chargen', 'tcp', chargenStreamStart())
  if ((services & Service.Http) != 0) started('http', 'tcp', httpServiceStart())
  if ((services & Service.Iperf3) != 0) started('iperf3', 'tcp', iperf3ServiceStart())
}

function started(name: cstring, transport: cstring, result: i32): void {
  if (!logStart(result == 0 ? Level.Info : Level.Error, 'services', result == 0 ? 'started' : 'failed')) return
  logText('name', name)
  logText('transport', transport)
  logEnd()
}
