# Connections of Linux to a guest's echo service, many at once; what the guest says of its memory by HTTP meanwhile.
#
#   hold.py ADDRESS STEP…       each step prints one line of JSON
#     cycle=N   open, have an octet echoed, and close, N times, sixteen at a time
#     open=N    open N more, and have an octet echoed on each
#     ask[=N]   an octet on every connection that is open, N at a time or all at once: how many answer with it
#     close     close all; how many the guest has closed, too
#     stats     what the guest says: free memory, connections of TCP, open sockets
#     settled   the same, when the guest has no connection but that it is asked by, or after half a minute

import http.client, json, resource, socket, sys, threading, time

ADDRESS, STEPS = sys.argv[1], sys.argv[2:]
WAIT = 60
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
held = []

def connect():
    return socket.create_connection((ADDRESS, 7), WAIT)

def echoes(s, octet):
    s.sendall(octet)
    return s.recv(2) == octet

def cycle(count):
    answered = []
    def some():
        for i in range(count // 16):
            s = connect()
            answered.append(echoes(s, bytes([i & 255])))
            s.close()
    threads = [threading.Thread(target=some) for _ in range(16)]
    for each in threads: each.start()
    for each in threads: each.join()
    return {'answered': sum(answered)}

def opened(count):
    for i in range(count): held.append(connect())
    return ask(held[-count:], 500)

def ask(sockets, at_once):
    answered = 0
    for first in range(0, len(sockets), at_once):
        some = sockets[first:first + at_once]
        for i, s in enumerate(some): s.sendall(bytes([i % 251]))
        answered += sum(s.recv(2) == bytes([i % 251]) for i, s in enumerate(some))
    return {'answered': answered, 'of': len(sockets)}

def close():
    for s in held: s.shutdown(socket.SHUT_WR)
    ended = sum(s.recv(1) == b'' for s in held)
    for s in held: s.close()
    held.clear()
    return {'ended': ended}

def stats():
    c = http.client.HTTPConnection(ADDRESS, 80, WAIT)
    c.request('GET', '/api/stats')
    told = json.loads(c.getresponse().read())
    c.close()
    return {'free': told['memory']['free_bytes'], 'tcp': told['tcp']['connections'], 'sockets': told['sockets']['open']}

def settled():
    end = time.monotonic() + 30
    told = stats()
    while told['tcp'] > 1 and time.monotonic() < end:
        time.sleep(0.2)
        told = stats()
    return told

for step in STEPS:
    name, _, count = step.partition('=')
    began = time.monotonic()
    if name == 'cycle': told = cycle(int(count))
    elif name == 'open': told = opened(int(count))
    elif name == 'ask': told = ask(held, int(count or len(held)))
    elif name == 'close': told = close()
    elif name == 'stats': told = stats()
    elif name == 'settled': told = settled()
    else: raise SystemExit('no step ' + step)
    print(json.dumps({'step': step, **told, 'seconds': round(time.monotonic() - began, 2)}), flush=True)
