// Every limit and every choice of the kernel, each with its reason. A table that is full is an error somebody
// sees; the number is here. Imports nothing: every folder may import it.

import type { cstring, u32 } from './lib/layout.ts'

/** The version of package.json; test/unit/kernel/config.ts holds the two together. */
export const VERSION: cstring = '0.1.0'

// --- Memory of processes. -----------------------------------------------------------------------------------
/** Pages in the regions of one address space: all there are below 2 GiB. */
export const SPACE_PAGE_LIMIT: u32 = 0x80000
/** Regions of one address space: Linux's max_map_count is 65,530; here they are a list that is walked. */
export const SPACE_REGION_LIMIT: u32 = 4096
/** Frames that are kept free for those who can not wait: one in so many, but no fewer and no more than these. */
export const WATERMARK_SHARE: u32 = 128
export const WATERMARK_LEAST: u32 = 8
export const WATERMARK_MOST: u32 = 512

// --- Packets. ---------------------------------------------------------------------------------------------
/** Bytes of one packet buffer: a 1514-byte frame, a VLAN tag, the device's header and head room fit in one. */
export const PACKET_BUFFER_SIZE: u32 = 2048
/** Packet buffers in a machine of 48 MiB and more: two full rings of 256, as many again in the stack. */
export const PACKET_COUNT: u32 = 1024
/** Packet buffers in a smaller machine: 512 KiB of 16 MiB. */
export const PACKET_COUNT_SMALL: u32 = 256
/**
 * Packet buffers in a machine of 128 MiB: 8 MiB. TCP comes in packets of up to 64 KiB, 33 buffers each: the half that
 * sockets may hold is 62 of them, 4 MB, as much as one connection may have under way (SOCKET_BUFFER_LIMIT).
 */
export const PACKET_COUNT_LARGE: u32 = 4096
/** RAM from which PACKET_COUNT, and PACKET_COUNT_LARGE, is used; the firmware and the kernel itself have some of 128 MiB. */
export const PACKET_COUNT_MEMORY: u32 = 48 << 20
export const PACKET_COUNT_LARGE_MEMORY: u32 = 120 << 20
/** Packet buffers from which on TCP is received uncut: a ring's worth of it, seven packets, is a quarter of them. */
export const SEGMENT_POOL_LEAST: u32 = 1024
/** Buffers of one TCP packet that a card cuts: 65,535 bytes are 45 buffers of 1460, and the headers' own. */
export const SEGMENT_BUFFER_LIMIT: u32 = 64
/** Frames taken from one card before the others, the timers and the disks get their turn (Linux's NAPI weight). */
export const POLL_BUDGET: u32 = 64

// --- Rings. -----------------------------------------------------------------------------------------------
/** Largest virtqueue used: QEMU's default for virtio-net is 256, for virtio-blk 256 since 5.0. */
export const VIRTQUEUE_SIZE_LIMIT: u32 = 256

// --- Tables of the network. -------------------------------------------------------------------------------
/** Network cards: eth0 to eth7, more than QEMU's pc has comfortable slots for. */
export const CARD_LIMIT: u32 = 8
/** Interfaces: the cards, loopback, 16 VLANs of the command line, and a few pairs of virtual cards. */
export const INTERFACE_LIMIT: u32 = 32
/** Pairs of virtual Ethernet cards. */
export const VETH_PAIR_LIMIT: u32 = 4
/** Buffers that wait in a loopback device or one end of a virtual pair, if that is no more than a quarter of all. */
export const LINK_QUEUE_LIMIT: u32 = 1024
/** Lists that VLANs are found by, a power of two; at INTERFACE_LIMIT one in every second. */
export const VLAN_BUCKETS: u32 = 64
/** ARP entries over all interfaces: RustOS's default, and four /24 full; Linux starts to collect at 512. 88 KiB. */
export const ARP_ENTRY_LIMIT: u32 = 1024
/** Packets held per address while it is being resolved: the fragments of the longest datagram. */
export const ARP_QUEUE_LIMIT: u32 = 48
/** Packet buffers held for all addresses that are being resolved: one in so many of the pool. */
export const ARP_QUEUE_SHARE: u32 = 4
/** Addresses that are claimed from the link and watched for conflicts: two of each of INTERFACE_LIMIT interfaces. */
export const ADDRESS_CLAIM_LIMIT: u32 = 64
/** Multicast groups interfaces are members of, all interfaces together, and sources named in memberships. */
export const MULTICAST_GROUP_LIMIT: u32 = 256
export const MULTICAST_SOURCE_LIMIT: u32 = 512
/** Routes: connected and default ones of every interface, and room for as many static ones. */
export const ROUTE_LIMIT: u32 = 64
/** UDP ports with a listener: services and clients of the kernel. */
export const UDP_PORT_LIMIT: u32 = 64
/** IPv4 addresses of one interface: its own, and a few for services that move. */
export const INTERFACE_ADDRESS_LIMIT: u32 = 4
/** Ethernet groups one interface listens to: as many as QEMU's card filters exactly. */
export const LINK_GROUP_LIMIT: u32 = 64
/** Destinations whose route is remembered; a power of two, 6 KiB. */
export const PATH_CACHE_SIZE: u32 = 256
/** Classless routes kept of one DHCP lease: the servers that send them send two or three. */
export const DHCP_ROUTE_LIMIT: u32 = 16
/** DNS servers of one interface: as many as a resolver library keeps (MAXNS of resolv.h). */
export const NAME_SERVER_LIMIT: u32 = 3
/** DNS servers that are set by hand, asked before those of the interfaces. */
export const DNS_SERVER_LIMIT: u32 = 4
/** Names being asked for at once: each takes a UDP port, so a part of UDP_PORT_LIMIT. */
export const DNS_QUERY_LIMIT: u32 = 16
/** Answers of DNS remembered; the least recently used goes first. 90 KiB. */
export const DNS_CACHE_LIMIT: u32 = 128
/** CNAMEs from one name to another that are followed, in all messages together: what BIND follows is 16, who means well uses 3. */
export const DNS_CHAIN_LIMIT: u32 = 8
/** Lines of each kind that `netstat` prints: a busy server's thousands would keep it from its work. */
export const NETSTAT_LINES: u32 = 100
/** Bytes of the longest answer taken over TCP: a thousand addresses, and it is walked in one go; there may be 65,535. */
export const DNS_STREAM_LONGEST: u32 = 16_384
/** Addresses kept of one name: 8 of 16 bytes. */
export const DNS_ADDRESS_LIMIT: u32 = 8
/** Echo clients at work at once: the self-test, and programs. */
export const ECHO_SESSION_LIMIT: u32 = 16

// --- Sockets. ---------------------------------------------------------------------------------------------
/** Sockets open at once: 14 bits of a handle, less 0, which is none. The table takes 192 KiB, each open socket 256 bytes. */
export const SOCKET_LIMIT: u32 = 16_383
/** Lists that UDP sockets are found by, a power of two; at SOCKET_LIMIT eight in each. 24 KiB for the three tables. */
export const SOCKET_BUCKETS: u32 = 2048
/** Bytes a datagram or raw socket queues unless told otherwise, and the longest message it sends. rustos.md §1.4: 65536. */
export const SOCKET_BUFFER: u32 = 65536
/** The most a socket may ask for: Linux lets root have more, but the packet pool is the bound long before. */
export const SOCKET_BUFFER_LIMIT: u32 = 4 << 20
/** Packets that wait in sockets are at most one in this many of the pool: the rest is for the cards. */
export const SOCKET_PACKET_SHARE: u32 = 2
/** Senders leave one in this many of the pool free, so that cards can always replace what they receive into. */
export const SOCKET_SEND_RESERVE: u32 = 8
/** Likewise what waits in sockets leaves one in this many free: what senders hold goes back when acknowledgments come in. */
export const SOCKET_RECEIVE_RESERVE: u32 = 16
/** Groups one socket is a member of: Linux's igmp_max_memberships. */
export const SOCKET_GROUP_LIMIT: u32 = 20
/** Memberships of all sockets. */
export const SOCKET_GROUPS: u32 = 1024
/** Sets of sockets that are polled together, and sockets in all of them. */
export const POLL_SET_LIMIT: u32 = 64
export const POLL_WATCH_LIMIT: u32 = 16384
/** Ephemeral ports, RFC 6056 §3.2 asks for as many as can be: the upper half, as RustOS has it. */
export const EPHEMERAL_FIRST: u32 = 32768
export const EPHEMERAL_LAST: u32 = 65535

// --- TCP. -------------------------------------------------------------------------------------------------
/** Connections at once, those that no socket has any more included; 600 bytes each while they exist. */
export const TCP_CONNECTION_LIMIT: u32 = 16_384
/** Islands of octets that came before their turn (net/tcp/early.ts): of all connections, and of one; 32 bytes each while they exist. */
export const TCP_ISLAND_LIMIT: u32 = 8192
export const TCP_ISLANDS_EACH: u32 = 256
/** Lists that connections are found by, a power of two; at TCP_CONNECTION_LIMIT four in each. 16 KiB. */
export const TCP_BUCKETS: u32 = 4096
/** Listeners: as many as anybody has services. */
export const TCP_LISTENER_LIMIT: u32 = 256
/** Connections of one listener that are being made: beyond that, cookies (RFC 4987 §3.6). */
export const TCP_SYN_LIMIT: u32 = 256
/** The most connections that may wait to be accepted, whatever `listen` asks: Linux's somaxconn. */
export const TCP_BACKLOG_LIMIT: u32 = 4096
/** Entries of TIME-WAIT, 64 bytes each; the oldest goes first. */
export const TCP_TIME_WAIT_LIMIT: u32 = 8192
/** How long TIME-WAIT lasts: twice an MSL of 30 seconds, Linux's. RFC 9293 §3.4.2 has an MSL of two minutes, by choice. */
export const TCP_TIME_WAIT: u32 = 60_000
/** How long a connection nobody has any more waits for its peer's FIN: Linux's tcp_fin_timeout. */
export const TCP_FIN_WAIT: u32 = 60_000
/** Bytes a connection holds that were received and not read, and that were sent and not acknowledged, to begin with. */
export const TCP_RECEIVE_BUFFER: u32 = 131_072
export const TCP_SEND_BUFFER: u32 = 131_072
/** How far they grow by themselves: 1 MiB is 8 Gbit/s at a millisecond. */
export const TCP_BUFFER_GROWN: u32 = 1 << 20
/** RTO before anything was measured, its least and its most: RFC 6298 §2.1; the least is Linux's, (2.4) has a second. */
export const TCP_RTO_FIRST: u32 = 1000
export const TCP_RTO_LEAST: u32 = 200
export const TCP_RTO_MOST: u32 = 60_000
/** Full segments one connection sends in a millisecond on a path longer than that, unless it needs more to fill it: what a quarter of a
 *  card's ring of 256 holds where nothing is cut. */
export const TCP_BURST: u32 = 64
/** How long an acknowledgment waits for company: RFC 9293 §3.8.6.3 has half a second at most, Linux 40 ms. */
export const TCP_DELAYED_ACK: u32 = 40
/** The least time to a loss probe, RFC 8985 §7.2: more than a host is held up by other work, or the probe is not for a loss. */
export const TCP_PROBE_LEAST: u32 = 10
/** How long a connection that is being opened here is tried, RFC 1122 §4.2.3.5: three minutes at least. */
export const TCP_CONNECT_TIMEOUT: u32 = 180_000
/** SYN+ACKs to a peer that does not answer, after the first: Linux's tcp_synack_retries. */
export const TCP_SYNACK_RETRIES: u32 = 5
/** How long what was sent may go unacknowledged: the default USER TIMEOUT of RFC 9293 §3.9.1, five minutes. */
export const TCP_USER_TIMEOUT: u32 = 300_000
/** Keep-alive: idle time, time between probes, and how many go unanswered. RFC 9293 §3.8.4: two hours at least. */
export const TCP_KEEP_IDLE: u32 = 7_200_000
export const TCP_KEEP_INTERVAL: u32 = 75_000
export const TCP_KEEP_PROBES: u32 = 9
/** Challenge acknowledgments a second over all connections: RFC 5961 §7; half of it more at random, RFC 5961 §10. */
export const TCP_CHALLENGES: u32 = 1000

/** Datagrams being put together at once, and buffers one of them may hold: 65,535 bytes came in 45 fragments of 1500. */
export const REASSEMBLY_LIMIT: u32 = 64
export const REASSEMBLY_BUFFERS: u32 = 128
/** The part of the free packet buffers that all of them may hold: one in so many. */
export const REASSEMBLY_SHARE: u32 = 2
/** Destinations with a path MTU of their own. An attacker who makes us learn more only makes us forget the oldest. */
export const PATH_MTU_LIMIT: u32 = 128
/** Least path MTU believed: 512 bytes of data and the headers of TCP and IPv4, as Linux (RFC 1191 §3 has 68). */
export const PATH_MTU_LEAST: u32 = 552
/** Pings at work at once, replies and requests each remembers, and bytes kept of a reply's data. */
export const PING_LIMIT: u32 = 8
export const PING_REPLIES: u32 = 32
export const PING_DATA: u32 = 64

// --- Services over TCP. -----------------------------------------------------------------------------------
/** Connections that wait to be accepted at one listener. */
export const SERVICE_BACKLOG: u32 = 128
/** Connections accepted at one listener, and services called, until the cards get their turn again. */
export const SERVICE_ACCEPTS: u32 = 16
export const SERVICE_CALLS: u32 = 64
/** Milliseconds nobody is accepted after memory was short. */
export const SERVICE_PAUSE: u32 = 100
/** Milliseconds a peer has to end its direction after our last word. */
export const SERVICE_LINGER: u32 = 5000
/** Streams of an iperf3 test in both directions together: the client's own limit for one. */
export const IPERF3_STREAM_LIMIT: u32 = 128
/** Connections of the iperf3 server: a test, and some that are told to come again. */
export const IPERF3_CONNECTIONS: u32 = 144
/** Bytes of JSON taken from an iperf3 client: 128 streams are 25,000. */
export const IPERF3_MESSAGE_LIMIT: u32 = 65_536
/** Bytes queued for an iperf3 client: the results of 128 streams, 210 each at most. */
export const IPERF3_ANSWER_LIMIT: u32 = 32_768
/** The longest block an iperf3 client may ask for, its own limit; and how much of one is written at once. */
export const IPERF3_BLOCK_LIMIT: u32 = 1 << 20
export const IPERF3_SEND_BLOCK: u32 = 131_072
/** Bytes, and datagrams, an iperf3 stream sends until the others get their turn. */
export const IPERF3_BURST: u32 = 262_144
export const IPERF3_DATAGRAM_BURST: u32 = 256
/** Milliseconds an iperf3 client has for each step, may be silent in a test, and may be late with the end of one. */
export const IPERF3_HANDSHAKE: u32 = 10_000
export const IPERF3_STALL: u32 = 30_000
export const IPERF3_GRACE: u32 = 30_000
/** Connections of echo, discard and chargen, each: ten thousand, and some that come and go meanwhile. */
export const SERVICE_CONNECTIONS: u32 = 10_240
/**
 * Connections of all services at once: one for so many frames of RAM. Without its data one takes 926 bytes, of HTTP half a
 * KiB more: two fifths of the memory at most.
 */
export const SERVICE_FRAMES: u32 = 1
/** Of these one service has no more than so many hundredths: who fills one does not shut out the others. */
export const SERVICE_PART: u32 = 66
/** Milliseconds after which a connection of echo, discard or chargen is closed that neither sends nor takes a byte. */
export const SERVICE_IDLE: u32 = 120_000
/** Connections of HTTP, and milliseconds for a whole head, for the next piece of a body, for the next request. */
export const HTTP_CONNECTIONS: u32 = 256
export const HTTP_IDLE: u32 = 15_000
/** Bytes of a request's target and of its fields; RFC 9112 §3 asks for 8,000 of the first at least. */
export const HTTP_TARGET_LIMIT: u32 = 8000
export const HTTP_FIELDS_LIMIT: u32 = 16_384
/** Bytes of a body that count as movement: who sends less in HTTP_IDLE is gone. */
export const HTTP_BODY_STEP: u32 = 512
/** Bytes of the log's last lines that the status shows. */
export const HTTP_LOG: u32 = 3072

// --- Times of the network, milliseconds. ------------------------------------------------------------------
/** How long an answer to an ARP question is trusted without a thought: REACHABLE_TIME of RFC 4861 §10. */
export const ARP_REACHABLE: u32 = 30_000
/** From the use of a stale entry to a probe: DELAY_FIRST_PROBE_TIME of RFC 4861 §10. */
export const ARP_DELAY: u32 = 5000
/** Between two questions for one address: RFC 1122 §2.3.2.1 allows one a second. */
export const ARP_INTERVAL: u32 = 1000
/** Questions without answer until an address has failed: MAX_MULTICAST_SOLICIT of RFC 4861 §10. */
export const ARP_REQUESTS: u32 = 3
/** How long an answer is trusted at most, and half the time a stale entry is kept: RustOS's max_age_ms. */
export const ARP_MAX_AGE: u32 = 300_000
/** How long a failed entry that nobody uses is kept. */
export const ARP_FAILED: u32 = 60_000
/** ICMP errors that may leave at once, and one more each interval (Linux: 50, and 1000 a second). RFC 1812 §4.3.2.8. */
export const ICMP_ERROR_BURST: u32 = 50
export const ICMP_ERROR_INTERVAL: u32 = 1
/** How long a datagram waits for the rest of its fragments. RFC 1122 §3.3.2 says 60 to 120 s; at today's rates an
 *  identification comes round again much sooner (RFC 4963 §2), so this is Linux's. */
export const REASSEMBLY_TIMEOUT: u32 = 30_000
/** When a path MTU is forgotten, and a larger one tried: RFC 1191 §6.3 says 10 minutes. */
export const PATH_MTU_AGE: u32 = 600_000
/** How long a ping waits for its reply: RustOS's. */
export const PING_TIMEOUT: u32 = 5000
/** How long a DNS server has to answer, doubled each time all of them have been asked (RFC 1035 §4.2.1: 2 to 5 s). */
export const DNS_FIRST_WAIT: u32 = 2000
/** How long it has over TCP, from the connection to the end of its answer. */
export const DNS_STREAM_WAIT: u32 = 5000
/** How often all servers are asked. */
export const DNS_ROUNDS: u32 = 3
/** Longest time, in seconds, that an answer is kept, and one that there is none: RFC 2308 §5 finds one to three hours good. */
export const DNS_LONGEST_KEPT: u32 = 86_400
export const DNS_LONGEST_NEGATIVE: u32 = 10_800
/** How long to wait after a DHCP address that was somebody else's: RFC 2131 §3.1 (5), ten seconds at least. */
export const DHCP_DECLINE_WAIT: u32 = 10_000
/** How long DHCP has to fail until the interface takes a link-local address meanwhile: four DISCOVERs unanswered. */
export const LINK_LOCAL_AFTER: u32 = 30_000
/** A DHCP client's first and longest wait for an answer: RFC 2131 §4.1. */
export const DHCP_FIRST_WAIT: u32 = 4000
export const DHCP_LONGEST_WAIT: u32 = 64_000

// --- Processes. -------------------------------------------------------------------------------------------
/** Processes and threads at once: RustOS's. Each has 20 KiB of kernel memory at least, and its page tables. */
export const PROCESS_LIMIT: u32 = 1024
/** The largest process id; the next one is looked for from 2 again. Linux's default, which scripts count on to be short. */
export const PID_LIMIT: u32 = 32_767
/** Lists that processes are found by, a power of two. */
export const PROCESS_BUCKETS: u32 = 256
/** Milliseconds a process runs before others of its priority: RustOS's. */
export const TIME_SLICE: u32 = 10
/** RustOS's priorities: RealTime, High, Normal, Low, Idle. */
export const PRIORITIES: u32 = 5
/**
 * Milliseconds after which a priority whose processes wait for higher ones gets a slice: a twentieth of the processor, as much as Linux
 * keeps from real-time tasks.
 */
export const STARVATION: u32 = 200
/** Kernel stacks kept for the next process: a shell's pipeline. */
export const KERNEL_STACKS_KEPT: u32 = 16
/** Bytes of a program's arguments and environment: Linux's ARG_MAX. */
export const ARGUMENT_LIMIT: u32 = 131_072
/** Bytes first set aside for them; doubled as they turn out to need more. */
export const ARGUMENT_ROOM: u32 = 4096
/** Bytes of address space for a program's stack: Linux's default for RLIMIT_STACK; memory comes as it is touched. */
export const STACK_LIMIT: u32 = 8 << 20
/** The least that is mapped for it: ARGUMENT_LIMIT bytes of empty strings with a pointer to each; and the most, whatever the limit. */
export const STACK_SMALLEST: u32 = 2 << 20
export const STACK_LARGEST: u32 = 64 << 20
/** Scripts whose interpreter is a script, and so on. */
export const INTERPRETER_LIMIT: u32 = 4
/** Event counters (eventfd) open at once: a few of each program. */
export const EVENT_LIMIT: u32 = 1024
/** Timers behind descriptors (timerfd), files that signals are read from, and timers by timer_create: a few of each program. */
export const TIMER_FILE_LIMIT: u32 = 1024
export const SIGNAL_FILE_LIMIT: u32 = 1024
export const POSIX_TIMER_LIMIT: u32 = 1024
/** Lists that sleepers on futexes are found by, a power of two. */
export const FUTEX_BUCKETS: u32 = 64
/** Locks on files, and those who wait for one, each: a few of every process. */
export const FILE_LOCK_LIMIT: u32 = 4096
/** Supplementary groups of a process: NGROUPS_MAX of musl, by which static programs go. */
export const GROUP_LIMIT: u32 = 32
/** Pieces of one readv or writev: Linux's UIO_MAXIOV. */
export const VECTOR_LIMIT: u32 = 1024
// --- Files. -----------------------------------------------------------------------------------------------
/** Bytes of a name and of a path with its zero: Linux's NAME_MAX and PATH_MAX. */
export const NAME_LIMIT: u32 = 255
export const PATH_LIMIT: u32 = 4096
/** Symbolic links that are followed in one path: Linux's MAXSYMLINKS. */
export const SYMLINK_LIMIT: u32 = 40
/** Most a file has, and its largest position: an offset is an i32. */
export const FILE_SIZE_LIMIT: u32 = 0x7fffffff
/** Files of all file systems in memory together: 176 bytes each, RustOS has 4096. */
export const INODE_LIMIT: u32 = 65_536
/** Lists that names are found by, a power of two; at INODE_LIMIT sixteen in each. 16 KiB. */
export const RAMFS_BUCKETS: u32 = 4096
/** File systems in RAM have together one in this many of the frames: Linux's tmpfs, each. */
export const RAMFS_SHARE: u32 = 2
/** Links to one file: as ext4. */
export const LINK_LIMIT: u32 = 65_000
/** Open files at once, of all processes together: 64 processes with as many as a shell script's pipe-line has, and more. */
export const OPEN_FILE_LIMIT: u32 = 8192
/** Descriptors of one process: Linux's RLIMIT_NOFILE as it comes. */
export const DESCRIPTOR_LIMIT: u32 = 1024
/** Open files whose input is told by signals. */
export const ASYNC_LIMIT: u32 = 1024
/** Pages of a pipe, a power of two: 64 KiB, as on Linux, taken only while there is something in them. */
export const PIPE_PAGES: u32 = 16
/** The most that one may be made to have (F_SETPIPE_SZ): 1 MiB, as on Linux. */
export const PIPE_PAGES_LIMIT: u32 = 256
/** File systems mounted at once: 8 bits of a device number would be 255. */
export const MOUNT_LIMIT: u32 = 64
/** Files with several names that an archive may have open at once: each is a step for every other, and costs 32 bytes. */
export const CPIO_LINK_LIMIT: u32 = 1024
/** Bytes typed and not read, and of the longest line: Linux's N_TTY_BUF_SIZE. */
export const TTY_BUFFER: u32 = 4096

// --- Boot. ------------------------------------------------------------------------------------------------
/** Bytes of kernel command line that are read; what is longer is cut, and the log says so. */
export const COMMAND_LINE_LIMIT: u32 = 2048
/** RAM the direct map reaches: design of the 32-bit address, docs/architecture.md. */
export const DIRECT_MAP_LIMIT: u32 = 0x60000000

// --- Time. ------------------------------------------------------------------------------------------------
/** Microseconds the main loop polls before it halts: below this a halt and its wake-up cost more than they save. */
export const IDLE_POLL_MICROSECONDS: u32 = 50

// --- Programs. --------------------------------------------------------------------------------------------
/** Bytes of an executable that is loaded: half of what a process can address. */
export const ELF_FILE_LIMIT: u32 = 1 << 30
/** Program headers of one: a page of memory holds them and the file's header; linkers write about ten. */
export const ELF_HEADER_LIMIT: u32 = 64
/** Reactions to signals, one for each process: as many as processes and threads at once (RustOS's MAX_PROCESSES). 1.3 KiB each. */
export const SIGNAL_GROUP_LIMIT: u32 = 1024
/** Epolls at once: one for each process and thread that waits for much. */
export const EPOLL_LIMIT: u32 = 1024
/** How many epolls lie in one another at most: Linux's EP_MAX_NESTS, and the one without. */
export const EPOLL_NESTING: u32 = 5
/** Lists that files in epolls are found by, a power of two: some sixteen in each when there are as many as can be. */
export const EPOLL_BUCKETS: u32 = 1024
/** Local sockets at once: as many as files, and among them some that wait to be accepted, or are closed and not all read. */
export const LOCAL_SOCKET_LIMIT: u32 = 8192
/** Bytes of memory that what a local socket has sent may take until it is read, its least and its most: Linux's wmem_default, … */
export const LOCAL_BUFFER: u32 = 212_992
export const LOCAL_BUFFER_LEAST: u32 = 4608
export const LOCAL_BUFFER_LIMIT: u32 = 425_984
/** What is unread in all of them has at most one in this many of the frames. */
export const LOCAL_MEMORY_SHARE: u32 = 8
/** Datagrams that wait at one socket, less one: Linux's max_dgram_qlen. */
export const LOCAL_DATAGRAMS: u32 = 10
/** Lists that abstract names are found by, a power of two. */
export const LOCAL_NAME_BUCKETS: u32 = 256
/** Descriptors in one message, Linux's SCM_MAX_FD; and on their way in all messages together. */
export const LOCAL_RIGHTS_LIMIT: u32 = 253
export const LOCAL_FLIGHT_LIMIT: u32 = 16_384
/** Bytes of ancillary data of one message that are looked at: Linux's optmem_max. */
export const LOCAL_CONTROL_LIMIT: u32 = 20_480
/** Signals that wait with what is known of them, all processes together: a few for each, and real-time signals in a queue. */
export const SIGNAL_QUEUE_LIMIT: u32 = 4096
