// execve(2): strings in, another program. Names and errors are Linux's.

import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { ARGUMENT_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { plus, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { Arguments, argumentsAddUser } from '../loader/arguments.ts'
import { execute, executionBegin, executionEnd } from '../process/exec.ts'
import { Process } from '../process/process.ts'
import { userLoad32, userLoaded } from '../vm/user-copy.ts'

/** execve(2). Errors: BadAddress, ArgumentsTooLong, and `execute`'s. May sleep. */
export function sysExecve(self: Process, path: ptr, argv: ptr, envp: ptr, frame: TrapFrame): i32 {
  const execution = executionBegin()
  if (execution == null) return Errno.OutOfMemory
  const to = execution.arguments
  let error: i32 = stringsIn(to, argv)
  to.argumentCount = stringsTaken
  if (error == Errno.None) error = stringsIn(to, envp)
  to.environmentCount = stringsTaken
  to.path = to.used
  if (error == Errno.None) error = argumentsAddUser(to, path)
  if (error == Errno.None) error = execute(self, execution, frame)
  executionEnd(execution)
  return error
}

/** Bytes of a pointer in user memory. */
const POINTER: u32 = 8

let stringsTaken: u32 = 0

/** The strings of a vector that ends in a null pointer; `stringsTaken` says how many. A null vector is empty, as on Linux. */
function stringsIn(to: Arguments, vector: ptr): i32 {
  let count: u32 = 0
  while (vector != 0) {
    const place = plus(vector, count * POINTER)
    if (userLoad32(plus(place, 4)) != Errno.None || userLoaded() != 0) return Errno.BadAddress
    if (userLoad32(place) != Errno.None) return Errno.BadAddress
    const text = userLoaded() as ptr
    if (text == 0) break
    const added = argumentsAddUser(to, text)
    if (added != Errno.None) return added
    count += 1
    if (count > ARGUMENT_LIMIT) return Errno.ArgumentsTooLong
  }
  stringsTaken = count
  return Errno.None
}
