// Sockets for programs, as the C library has them: thin, blocking, numbers and byte arrays. The text in Porffor.c`…` goes into the C
// that Porffor writes. What is computed there as a number is a double, hence `* 1`; an array is a reference into its heap, MEM.

declare const Porffor: { c(text: TemplateStringsArray): void }

/** A socket that listens on a TCP port of every address; -1 if it can not. */
export function listenOn(listenPort: number): number {
  let listenResult = 0
  const listenAt = listenPort * 1
  Porffor.c`
struct sockaddr_in listenAddress = { 0 }; int listenYes = 1; int listenSocket = socket(AF_INET, SOCK_STREAM, 0);
listenAddress.sin_family = AF_INET; listenAddress.sin_port = htons((unsigned short)listenAt);
setsockopt(listenSocket, SOL_SOCKET, SO_REUSEADDR, &listenYes, sizeof listenYes);
if (bind(listenSocket, (struct sockaddr *)&listenAddress, sizeof listenAddress) != 0 || listen(listenSocket, 128) != 0) listenSocket = -1;
listenResult = listenSocket;
`
  return listenResult
}

/** The next connection; waits. */
export function acceptOn(acceptSocket: number): number {
  let acceptResult = 0
  const acceptAt = acceptSocket * 1
  Porffor.c`
acceptResult = accept((int)acceptAt, 0, 0);
`
  return acceptResult
}

/** Bytes that have come, `readRoom` at most, into the array; 0 at the end, -1 for an error. Waits. */
export function readFrom(readSocket: number, readBytes: Uint8Array, readRoom: number): number {
  let readResult = 0
  const readAt = readSocket * 1
  const readMost = readRoom * 1
  Porffor.c`
u32 *readHead = (u32 *)(MEM + (u32)readBytes.val);
readResult = read((int)readAt, MEM + readHead[1] + 4 + readHead[2], (size_t)readMost);
`
  return readResult
}

/** Send that many bytes of the array, from a place in it; how many went, or -1. Waits. */
export function writeTo(writeSocket: number, writeBytes: Uint8Array, writeFirst: number, writeLength: number): number {
  let writeResult = 0
  const writeAt = writeSocket * 1
  const writeOffset = writeFirst * 1
  const writeMost = writeLength * 1
  Porffor.c`
u32 *writeHead = (u32 *)(MEM + (u32)writeBytes.val);
writeResult = send((int)writeAt, MEM + writeHead[1] + 4 + writeHead[2] + (u32)writeOffset, (size_t)writeMost, MSG_NOSIGNAL);
`
  return writeResult
}

/** Close a socket. */
export function closeSocket(closedSocket: number): void {
  const closeAt = closedSocket * 1
  Porffor.c`
close((int)closeAt);
`
}
