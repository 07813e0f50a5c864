# Where the processor arrives on an exception or interrupt: 256 stubs of 16 bytes, and the one way in and out.
# Intel SDM vol. 3 §6.14. The stack from here on is the TrapFrame of trap-frame.ts.

.section .text.trap, "ax"
.globl trap_stubs, trap_common, trap_return
.balign 16
trap_stubs:
  .set vector, 0
  .rept 256
  .balign 16
  .if !((vector == 8) | ((vector >= 10) & (vector <= 14)) | (vector == 17) | (vector == 21) | (vector == 29) | (vector == 30))
  push $0                           # the processor pushes no error code here, SDM vol. 3 table 6-1
  .endif
  push $vector
  jmp trap_common
  .set vector, vector + 1
  .endr

trap_common:
  .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
  push %\register
  .endr
  cld
  mov %rsp, %rdi                    # trapDispatch(frame, tag); 22 words were pushed on an aligned stack
  xor %ebp, %ebp                    # a backtrace goes on from the frame, not from here
  call f_trapDispatch
trap_return:                        # RSP is a TrapFrame's address
  .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
  pop %\register
  .endr
  add $16, %rsp
  iretq
