# The Linux end of the differential tests. Two tools, one process each:
#
#   linux.py wire IFACE    frames between standard input and output and the interface: each is its length, four bytes
#                          big-endian, and its bytes, as QEMU's -netdev stream has it
#   linux.py serve IFACE   turn the interface's checksum offload off, then answer UDP port 7 as RFC 862 says

import array, fcntl, os, select, socket, struct, sys

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17


def wire(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.bind((name, 0))
    os.write(1, struct.pack('>I', 0))  # ready
    unread = b''
    while True:
        for ready in select.select([0, s], [], [])[0]:
            if ready == 0:
                data = os.read(0, 65536)
                if not data:
                    return
                unread += data
                while len(unread) >= 4 and len(unread) >= 4 + int.from_bytes(unread[:4], 'big'):
                    end = 4 + int.from_bytes(unread[:4], 'big')
                    s.send(unread[4:end])
                    unread = unread[end:]
            else:
                frame, where = s.recvfrom(65536)
                if where[2] != PACKET_OUTGOING:
                    os.write(1, struct.pack('>I', len(frame)) + frame)


def serve(name):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    off = array.array('I', [ETHTOOL_STXCSUM, 0])
    fcntl.ioctl(s, SIOCETHTOOL, struct.pack('16sP16x', name.encode(), off.buffer_info()[0]))
    s.bind(('', 7))
    os.write(1, b'ready\n')
    while True:
        data, where = s.recvfrom(65536)
        s.sendto(data, where)


{'wire': wire, 'serve': serve}[sys.argv[1]](sys.argv[2])
