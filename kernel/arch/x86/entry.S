# Entry: from the boot loader's 32-bit protected mode to kernelMain in the top 2 GiB. The same ELF is entered
# by QEMU's -kernel (PVH: Xen's public/arch-x86/hvm/start_info.h) and by GRUB (Multiboot2 specification §3.3).
# Both hand over with paging off, flat segments, interrupts off, and EBX = physical address of their information.
# Everything that can be TypeScript is; the tables here are only good enough to reach paging.ts.

.set KERNEL_BASE, 0xffffffff80000000
.set PVH_MAGIC, 0x336ec578          # what hvm_start_info begins with; the protocol leaves EAX undefined
.set MULTIBOOT2, 0xe85250d6
.set STACK_SIZE, 65536              # main stack
.set IST_SIZE, 16384                # each of the stacks of #DF, NMI and #MC

.section .boot.header, "a"
.balign 8
header:                             # Multiboot2 §3.1.1: magic, architecture i386, length, checksum
  .long MULTIBOOT2, 0, header_end - header, -(MULTIBOOT2 + header_end - header)
  .long 0, 8                        # §3.1.3: the end tag
header_end:

.section .note.pvh, "a", @note
.balign 4
  .long 4, 4, 18                    # XEN_ELFNOTE_PHYS32_ENTRY
  .asciz "Xen"
  .long pvh_start

# Boot tables, Intel SDM vol. 3 §4.5: the first GiB, at 0 and at KERNEL_BASE, through one directory.
.section .boot.data, "a"
.balign 4096
boot_pml4:
  .quad boot_pdpt + 3
  .fill 510, 8, 0
  .quad boot_pdpt + 3
boot_pdpt:
  .quad boot_directory + 3
  .fill 509, 8, 0
  .quad boot_directory + 3, 0
boot_directory:
  .set page, 0x83                   # present, writable, 2 MiB
  .rept 512
  .quad page
  .set page, page + 0x200000
  .endr
boot_gdt:                           # the selectors are those of gdt.ts: code 8, data 16
  .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
boot_gdtr:
  .word 23
  .long boot_gdt
no_long_mode:
  .asciz "panic: why=\"the processor has no 64-bit mode\"\n"

.section .boot.text, "ax"
.code32
.globl pvh_start, multiboot_start
pvh_start:
  mov $PVH_MAGIC, %eax
multiboot_start:
  cli
  cld
  mov %eax, %ebp                    # which protocol
  mov %ebx, %edi                    # its information
  mov $0x80000000, %eax
  cpuid
  cmp $0x80000001, %eax
  jb 3f
  mov $0x80000001, %eax
  cpuid
  bt $29, %edx                      # LM: the processor has long mode
  jnc 3f
  mov $boot_pml4, %eax
  mov %eax, %cr3
  mov %cr4, %eax
  or $0x20, %eax                    # PAE
  mov %eax, %cr4
  mov $0xc0000080, %ecx             # EFER.LME
  rdmsr
  or $0x100, %eax
  wrmsr
  mov %cr0, %eax
  or $0x80000001, %eax              # PG, PE
  mov %eax, %cr0
  lgdt boot_gdtr
  ljmp $8, $1f
3:mov $no_long_mode, %esi           # nothing else can run here: the line goes out byte by byte, unpaced
  mov $0x3f8, %dx
4:lodsb
  out %al, (%dx)
  test %al, %al
  jnz 4b
5:hlt
  jmp 5b
.code64
1:mov $16, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $stack_top, %rsp
  mov $kernel_start, %rax
  jmp *%rax

# Every parameter of a compiled function is followed by its type tag, whose value is never looked at.
.section .text.start, "ax"
.globl kernel_start
kernel_start:
  mov %edi, %edx                    # kernelMain(magic, tag, info, tag)
  mov %ebp, %edi
  xor %ebp, %ebp                    # the end of every backtrace
  call f_kernelMain
2:cli
  hlt
  jmp 2b

# Kernel stacks, each above a page that paging.ts leaves unmapped: an overflow faults.
.section .bss.stacks, "aw", @nobits
.balign 4096
.macro kernel_stack name, size
.globl \name\()_guard, \name\()_top
\name\()_guard:
  .skip 4096 + \size
\name\()_top:
.endm
kernel_stack stack, STACK_SIZE
kernel_stack double_fault_stack, IST_SIZE
kernel_stack nmi_stack, IST_SIZE
kernel_stack machine_check_stack, IST_SIZE
