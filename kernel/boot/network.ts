// The network: an interface for every card that was found, the services, then the addresses.

import { echoServiceStart } from '../services/echo.ts'
import type { u32 } from '../lib/layout.ts'
import { Level, logEnd, logLine, logStart, logText } from '../lib/log.ts'
import { Service, type Options } from '../lib/options.ts'
import { ipv4ForwardSet } from '../net/ipv4/forward.ts'
import { netInit, netStart } from '../net/start.ts'

/** Bring up the network as `options` ask. Addresses by DHCP come later; `boot: ready` does not wait for them. */
export function networkInit(options: Options): void {
  netInit()
  ipv4ForwardSet(options.forward)
  if (options.forward) logLine(Level.Info, 'net', 'forwarding')
  servicesStart(options.services)
  netStart(options)
}

function servicesStart(services: u32): void {
  if ((services & Service.Echo) == 0) return
  const result = echoServiceStart()
  if (!logStart(result == 0 ? Level.Info : Level.Error, 'services', result == 0 ? 'started' : 'failed')) return
  logText('name', 'echo')
  logText('transport', 'udp')
  logEnd()
}
