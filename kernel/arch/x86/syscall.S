# Where a system call arrives, and where a process first runs. Intel SDM vol. 2 SYSCALL, SYSRET; vol. 3 §5.8.8.
#
# SYSCALL leaves RIP in RCX and RFLAGS in R11, and the stack alone; interrupts are off (SFMASK). What is made of it is a
# TrapFrame like an exception's, with vector 256, so that everything else need not know how the process came in.

.section .text.trap, "ax"
.globl syscall_entry, process_entry
.set SYSCALL, 256                   # trap-frame.ts
.set USER_DATA, 0x1b                # gdt.ts, privilege 3
.set USER_CODE, 0x23

syscall_entry:
  mov %rsp, user_stack(%rip)
  mov syscall_stack(%rip), %rsp
  push $USER_DATA
  push user_stack(%rip)
  push %r11
  push $USER_CODE
  push %rcx
  push $0
  push $SYSCALL
  .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
  push %\register
  .endr
  cld
  mov %rsp, %rdi                    # syscallDispatch(frame, tag)
  xor %ebp, %ebp
  call f_syscallDispatch
  cmpl $SYSCALL, 15*8(%rsp)         # anything else by now: registers that SYSRET does not restore, or a RIP it must not
  jne trap_return
  .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
  pop %\register
  .endr
  mov 16(%rsp), %rcx
  mov 32(%rsp), %r11
  mov 40(%rsp), %rsp
  sysretq

# A process that has not run yet: RSP is the address of its TrapFrame.
process_entry:
  mov %rsp, %rdi                    # processBegin(frame, tag)
  xor %ebp, %ebp
  call f_processBegin
  jmp trap_return

.section .bss
.balign 8
.globl syscall_stack
syscall_stack: .skip 8              # top of the running process's kernel stack: the same as RSP0 of the TSS
user_stack: .skip 8
