// The command line's way through GRUB's parser.

import fs from 'node:fs'
import t from 'tap'
import { grubScript, quoteForGrub } from '../../../iso/build.ts'

t.test('each word has quotes of its own', t => {
  t.equal(quoteForGrub(''), '')
  t.equal(quoteForGrub('eth0=10.0.0.2/24,gw=10.0.0.1  log=debug'), "'eth0=10.0.0.2/24,gw=10.0.0.1' 'log=debug'")
  t.equal(quoteForGrub('init=/bin/sh -c $HOME;"x"\\'), "'init=/bin/sh' '-c' '$HOME;\"x\"\\'")
  t.end()
})

t.test('what quotes can not hold is refused', t => {
  for (const wrong of ["a'b", 'a\nb', 'a\tb', 'a\0', 'ä', 'a\x7f']) t.throws(() => quoteForGrub(wrong), { message: /can not hold a single quote or an unprintable/ })
  t.end()
})

t.test('the script has no comments, and the line in place', t => {
  t.equal(grubScript("# GRUB's\n\nmultiboot2 /k @COMMAND_LINE@\nboot\n", 'a=$& b'), "multiboot2 /k 'a=$&' 'b'\nboot\n")
  t.equal(grubScript(fs.readFileSync('iso/grub.cfg', 'utf8'), ''), 'multiboot2 /boot/porphyry.elf\nboot\n')
  t.end()
})
