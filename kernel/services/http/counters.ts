// What the HTTP server counts, and its listener, for those who show it and those who change it.

import { staticStruct, struct, type u32 } from '../../lib/layout.ts'
import { ServiceListener } from '../stream-service.ts'

@struct
export class HttpCounters {
  answers: u32 // modulo 2^32
}

export const httpCounters = staticStruct<HttpCounters>()
export const httpListener = staticStruct<ServiceListener>()
