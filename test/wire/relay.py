# Between a tap of this namespace and the test: frames from standard input go to the tap, frames from the tap to standard output,
# each behind its length in four bytes, most significant first. It ends when its input does.
#
#   relay.py DEVICE

import fcntl, os, selectors, struct, sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 0x0002, 0x1000
LONGEST = 65_536

tap = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack('16sH22x', sys.argv[1].encode(), IFF_TAP | IFF_NO_PI))
come, go = sys.stdin.fileno(), sys.stdout.fileno()

def write_all(data):
    while data: data = data[os.write(go, data):]

unread = b''
either = selectors.DefaultSelector()
either.register(tap, selectors.EVENT_READ)
either.register(come, selectors.EVENT_READ)
while True:
    for key, _ in either.select():
        if key.fd == tap:
            frame = os.read(tap, LONGEST)
            write_all(struct.pack('>I', len(frame)) + frame)
            continue
        more = os.read(come, LONGEST)
        if not more: sys.exit(0)
        unread += more
        while len(unread) >= 4 and len(unread) >= 4 + (length := struct.unpack_from('>I', unread)[0]):
            try: os.write(tap, unread[4:4 + length])
            except OSError: pass # shorter than an Ethernet header
            unread = unread[4 + length:]
