// Signals as programs see them: handlers, masks, stacks, restarted calls, children, faults, and frames that are tampered with.
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last, nested, depth;
static siginfo_t seen;
static volatile unsigned long handler_stack;
static sigset_t mask_inside;

static void handler(int number) { count++; last = number; }

static void info_handler(int number, siginfo_t *info, void *context) {
  (void)context;
  last = number;
  count++;
  seen = *info;
  int here;
  handler_stack = (unsigned long)&here;
  sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}

static void set(int number, void (*f)(int), int flags) {
  struct sigaction a = {.sa_handler = f, .sa_flags = flags};
  sigaction(number, &a, NULL);
}

static void set_info(int number, int flags) {
  struct sigaction a = {.sa_sigaction = info_handler, .sa_flags = SA_SIGINFO | flags};
  sigaction(number, &a, NULL);
}

static sigset_t set_of(int number) {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, number);
  return s;
}

static void basics(void) {
  set_info(SIGUSR1, 0);
  kill(getpid(), SIGUSR1);
  equal(count, 1, "a handler runs before kill returns");
  check(seen.si_code == SI_USER && seen.si_pid == getpid() && seen.si_signo == SIGUSR1, "siginfo says who sent it");
  check(sigismember(&mask_inside, SIGUSR1) == 1, "its signal is blocked meanwhile");
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  check(sigismember(&now, SIGUSR1) == 0, "and not after");
  set(SIGUSR1, handler, SA_RESETHAND | SA_NODEFER);
  raise(SIGUSR1);
  struct sigaction old;
  sigaction(SIGUSR1, NULL, &old);
  check(old.sa_handler == SIG_DFL, "SA_RESETHAND");
  fails(kill(getpid(), 65), EINVAL, "no such signal");
  fails(kill(0x3fffffff, SIGUSR1), ESRCH, "no such process");
  equal(kill(getpid(), 0), 0, "signal 0 only looks");
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  fails(sigaction(SIGKILL, &ignore, NULL), EINVAL, "KILL can not be ignored");
  fails(syscall(SYS_rt_sigaction, SIGUSR1, &ignore, NULL, 4), EINVAL, "a set of another size");
}

static void nest(int number) {
  (void)number;
  if (++depth > nested) nested = depth;
  if (nested < 3) raise(SIGUSR2);
  depth--;
}

static void masks(void) {
  set(SIGUSR2, nest, SA_NODEFER);
  raise(SIGUSR2);
  equal(nested, 3, "SA_NODEFER lets it interrupt itself");
  count = 0;
  set(SIGUSR1, handler, 0);
  sigset_t block = set_of(SIGUSR1), old, pending;
  sigprocmask(SIG_BLOCK, &block, &old);
  raise(SIGUSR1);
  raise(SIGUSR1);
  sigpending(&pending);
  check(count == 0 && sigismember(&pending, SIGUSR1) == 1, "blocked, it is pending");
  sigprocmask(SIG_SETMASK, &old, NULL);
  equal(count, 1, "and comes once when it is not any more");
  sigprocmask(SIG_BLOCK, &block, NULL);
  raise(SIGUSR1);
  fails(sigsuspend(&old), EINTR, "sigsuspend");
  equal(count, 2, "the handler has run");
  sigprocmask(SIG_BLOCK, NULL, &pending);
  check(sigismember(&pending, SIGUSR1) == 1, "and the mask is as before");
  sigprocmask(SIG_SETMASK, &old, NULL);
}

static void queued(void) {
  sigset_t block = set_of(SIGRTMIN + 1);
  sigaddset(&block, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &block, NULL);
  for (int i = 0; i < 3; i++) sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 10 + i});
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 99});
  siginfo_t info;
  struct timespec none = {0, 0}, soon = {0, 20000000};
  equal(sigtimedwait(&block, &info, &none), SIGRTMIN, "the lowest first");
  check(info.si_value.sival_int == 99 && info.si_code == SI_QUEUE, "with its value");
  for (int i = 0; i < 3; i++) {
    sigwaitinfo(&block, &info);
    equal(info.si_value.sival_int, 10 + i, "real-time signals are queued in order");
  }
  long long began = now_ms();
  fails(sigtimedwait(&block, &info, &soon), EAGAIN, "nothing more");
  check(now_ms() - began >= 20, "after the time");
  sigprocmask(SIG_UNBLOCK, &block, NULL);
}

static char alternate[16384];

static void stacks(void) {
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
  equal(sigaltstack(&stack, NULL), 0, "sigaltstack");
  set_info(SIGUSR1, SA_ONSTACK);
  raise(SIGUSR1);
  check(handler_stack - (unsigned long)alternate < sizeof alternate, "the handler is on it");
  sigaltstack(NULL, &old);
  check(old.ss_sp == alternate && old.ss_size == sizeof alternate && old.ss_flags == 0, "it can be asked for");
  stack.ss_size = 100;
  fails(sigaltstack(&stack, NULL), ENOMEM, "too small");
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, NULL);
  raise(SIGUSR1);
  check(handler_stack - (unsigned long)alternate >= sizeof alternate, "disabled, it is not used");
}

static sigjmp_buf back;
static void jump(int number, siginfo_t *info, void *context) {
  (void)context;
  seen = *info;
  siglongjmp(back, number);
}

static int fault_of(void (*what)(void)) {
  struct sigaction a = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  for (int each = 0; each < 5; each++) sigaction((int[]){SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}[each], &a, NULL);
  int number = sigsetjmp(back, 1);
  if (number == 0) what();
  return number;
}

static volatile int zero;
static void divide(void) { zero = 7 / zero; }
static void undefined(void) { __asm__ volatile("ud2"); }
static void privileged(void) { __asm__ volatile("hlt"); }
static void port(void) { __asm__ volatile("outb %%al, $0x80" : : "a"(0)); }
static void null_read(void) { *(volatile int *)16; }
static void kernel_read(void) { *(volatile int *)0xffffffff80100000; }
static void noncanonical(void) { *(volatile int *)0x1234567890abcdef; }
static void breakpoint(void) { __asm__ volatile("int3"); }
static char *readonly;
static void write_readonly(void) { *(volatile char *)readonly = 1; }
static void execute_stack(void) { char code[] = {(char)0xc3}; ((void (*)(void))code)(); }
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int recurse(int n) { volatile char big[4096]; big[0] = n; return recurse(n + 1) + big[0]; }
static void overflow(void) { recurse(0); }

static void faults(void) {
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&stack, NULL);
  readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  equal(fault_of(divide), SIGFPE, "division by zero");
  equal(seen.si_code, FPE_INTDIV, "FPE_INTDIV");
  equal(fault_of(undefined), SIGILL, "ud2");
  equal(fault_of(privileged), SIGSEGV, "hlt");
  equal(fault_of(port), SIGSEGV, "a port");
  equal(fault_of(breakpoint), SIGTRAP, "int3");
  equal(fault_of(null_read), SIGSEGV, "page 0");
  check(seen.si_addr == (void *)16 && seen.si_code == SEGV_MAPERR, "si_addr, SEGV_MAPERR");
  equal(fault_of(write_readonly), SIGSEGV, "a read-only page");
  check(seen.si_addr == readonly && seen.si_code == SEGV_ACCERR, "si_addr, SEGV_ACCERR");
  equal(fault_of(kernel_read), SIGSEGV, "the kernel's memory");
  equal(fault_of(noncanonical), SIGSEGV, "an address that is none");
  equal(fault_of(execute_stack), SIGSEGV, "code on the stack");
  equal(fault_of(overflow), SIGSEGV, "the stack's end, told on another stack");
}

static void die_of_fault(void) {
  struct sigaction a = {.sa_handler = SIG_IGN};
  sigaction(SIGSEGV, &a, NULL);
  null_read();
}
static void die_of_term(void) { raise(SIGTERM); }
static void no_stack(void) {
  set(SIGUSR1, handler, 0);
  __asm__ volatile("mov $0x10, %%rsp; mov $62, %%eax; syscall; ud2" : : "D"(getpid()), "S"(SIGUSR1) : "rax", "rcx", "r11");
}
static void garbage_return(void) { syscall(SYS_rt_sigreturn); }

static void tamper(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  ucontext_t *u = context;
  u->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x4000;
}
static void to_kernel(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (long long)0xffffffff80100000;
}
static void bad_fpu(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  void *fpu = ((ucontext_t *)context)->uc_mcontext.fpregs;
  if (fpu) memset(fpu, 0xff, 512);
}
static void wild_fpu(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  *(void **)&((ucontext_t *)context)->uc_mcontext.fpregs = (void *)0xffffffff80000000;
}
static void with_context(void (*f)(int, siginfo_t *, void *)) {
  struct sigaction a = {.sa_sigaction = f, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &a, NULL);
  raise(SIGUSR1);
}
static void go_to_kernel(void) { with_context(to_kernel); }
static void go_wild(void) { with_context(wild_fpu); }
static void go_bad_fpu(void) { with_context(bad_fpu); }

static void ends(void) {
  for (int each = 0; each < 5; each++) set((int[]){SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}[each], SIG_DFL, 0);
  int status = child_status(die_of_fault);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a fault that is ignored ends the process");
  status = child_status(die_of_term);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "the default of TERM");
  status = child_status(no_stack);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a handler without a stack");
  status = child_status(garbage_return);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "rt_sigreturn without a frame");
  status = child_status(go_to_kernel);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a frame that goes on in the kernel");
  status = child_status(go_wild);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "an FPU state in the kernel");
  child_status(go_bad_fpu);
  check(1, "an FPU state of ones ends nobody but the program");
  with_context(tamper);
  unsigned long flags;
  __asm__ volatile("pushfq; pop %0" : "=r"(flags));
  check((flags & 0x7000) == 0, "IOPL and NT do not come from a frame");
}

static void registers_handler(int number) {
  (void)number;
  __asm__ volatile("pxor %%xmm7, %%xmm7; pxor %%xmm6, %%xmm6; xor %%r12, %%r12" : : : "xmm7", "xmm6", "r12");
  count++;
}

static void registers(void) {
  set(SIGUSR1, registers_handler, 0);
  double in = 1234.5678, out;
  long general = 0x1122334455667788, kept;
  __asm__ volatile(
    "movq %2, %%xmm7\n mov %3, %%r12\n mov $39, %%eax\n syscall\n mov %%eax, %%edi\n mov $10, %%esi\n mov $62, %%eax\n syscall\n"
    "movq %%xmm7, %0\n mov %%r12, %1"
    : "=r"(out), "=r"(kept) : "r"(in), "r"(general) : "rax", "rcx", "r11", "rdi", "rsi", "r12", "xmm7", "memory");
  check(out == in, "vector registers are as they were");
  check(kept == general, "and so are general ones");
}

static void restarts(void) {
  int ends[2];
  char byte = 0;
  if (pipe(ends)) return;
  for (int restart = 0; restart < 2; restart++) {
    count = 0;
    set(SIGUSR1, handler, restart ? SA_RESTART : 0);
    fflush(stdout);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
      sleep_ms(30);
      kill(parent, SIGUSR1);
      sleep_ms(60);
      if (write(ends[1], "x", 1) != 1) _exit(1);
      _exit(0);
    }
    long got = read(ends[0], &byte, 1);
    if (restart) equal(got, 1, "SA_RESTART: the read goes on");
    else fails(got, EINTR, "without it the read is interrupted");
    equal(count, 1, "the handler has run");
    while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) continue;
    if (!restart && read(ends[0], &byte, 1) != 1) check(0, "the byte comes");
  }
  set(SIGALRM, handler, SA_RESTART);
  struct itimerval timer = {.it_value = {0, 30000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  struct timespec t = {5, 0}, left;
  fails(nanosleep(&t, &left), EINTR, "nanosleep is interrupted all the same");
  check(left.tv_sec == 4 && last == SIGALRM, "and says what is left");
  alarm(100);
  equal(alarm(0), 100, "alarm says what was left");
}

static void children(void) {
  fflush(stdout);
  set_info(SIGCHLD, 0);
  sigset_t block = set_of(SIGCHLD), old;
  sigprocmask(SIG_BLOCK, &block, &old);
  count = 0;
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  int status;
  kill(pid, SIGSTOP);
  equal(waitpid(pid, &status, WUNTRACED), pid, "a child that stopped is told");
  check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "by which signal");
  kill(pid, SIGCONT);
  equal(waitpid(pid, &status, WCONTINUED), pid, "and that it goes on");
  check(WIFCONTINUED(status), "WIFCONTINUED");
  equal(waitpid(pid, &status, WNOHANG), 0, "it runs");
  kill(pid, SIGSTOP);
  kill(pid, SIGKILL);
  equal(waitpid(pid, &status, 0), pid, "KILL reaches who is stopped");
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "WTERMSIG");
  sigprocmask(SIG_SETMASK, &old, NULL);
  check(count >= 1 && seen.si_signo == SIGCHLD && seen.si_pid == pid, "CHLD came");
  set(SIGCHLD, SIG_IGN, 0);
  pid = fork();
  if (pid == 0) _exit(3);
  fails(waitpid(pid, &status, 0), ECHILD, "who ignores CHLD has nothing to wait for");
  set(SIGCHLD, SIG_DFL, 0);
}

static void groups(void) {
  int ends[2];
  char byte;
  if (pipe(ends)) return;
  fflush(stdout);
  pid_t leader = fork();
  if (leader == 0) {
    setpgid(0, 0);
    for (int i = 0; i < 3; i++)
      if (fork() == 0) {
        for (;;) pause();
      }
    for (;;) pause();
  }
  close(ends[1]);
  setpgid(leader, leader);
  sleep_ms(50);
  equal(kill(-leader, SIGTERM), 0, "to a process group");
  int status;
  waitpid(leader, &status, 0);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "its leader is ended");
  equal(read(ends[0], &byte, 1), 0, "and so are all others: nobody has the pipe any more");
  fails(kill(-0x3fffffff, 0), ESRCH, "no such group");
}

int main(void) {
  basics();
  masks();
  queued();
  stacks();
  faults();
  ends();
  registers();
  restarts();
  children();
  groups();
  return finish();
}
