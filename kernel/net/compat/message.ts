// Where the stack writes what it knows of a datagram, for the receiving functions of this folder, one at a time.

import { staticStruct } from '../../lib/layout.ts'
import { SocketMessage } from '../socket/socket.ts'

export const message = staticStruct<SocketMessage>()
