// The numbers of the options that getsockopt(2) and setsockopt(2) know, whatever a socket is.

export const enum LevelOf { Ip = 0, Socket = 1, Tcp = 6, Udp = 17 }

/** SOL_SOCKET. include/uapi/asm-generic/socket.h */
export const enum So {
  ReuseAddress = 2, Type = 3, Error = 4, DontRoute = 5, Broadcast = 6, SendBuffer = 7, ReceiveBuffer = 8, KeepAlive = 9,
  OutOfBandInline = 10, Priority = 12, Linger = 13, ReusePort = 15, PassCredentials = 16, PeerCredentials = 17, ReceiveTimeout = 20,
  SendTimeout = 21, AcceptsConnections = 30, Protocol = 38, Domain = 39,
}
