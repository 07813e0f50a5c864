// Every rule of the dialect that can be broken, by number: what is said and what to write instead.
// docs/dialect.md explains each; test/fixtures/refuse holds, for each, a program that earns it.

/** What a rule says when it is broken. `{0}`, `{1}` are filled in by whoever reports it. */
export interface Rule { readonly message: string; readonly suggestion: string }

/** PY10xx syntax, PY11xx values and signs, PY12xx structs, PY13xx functions, PY14xx modules and globals. */
export const RULES = {
  PY1001: {
    message: 'object literals do not exist: there is no collector to own them',
    suggestion: 'declare a @struct class and take memory with staticStruct or a pool',
  },
  PY1002: {
    message: 'array literals do not exist',
    suggestion: 'use staticRow<T>(n) with nth, or staticMemory(bytes) with load and store',
  },
  PY1003: {
    message: 'a function expression is a closure',
    suggestion: 'write a top-level function and name it; pass what it needs as a parameter or in a struct',
  },
  PY1004: {
    message: "function '{0}' is declared inside a function",
    suggestion: 'move it to the top level and pass it what it needs',
  },
  PY1005: {
    message: 'template strings do not exist',
    suggestion: 'log with logStart … logEnd, or store the bytes one after another',
  },
  PY1006: {
    message: 'there are no exceptions',
    suggestion: 'return an Errno, or panic for a broken invariant',
  },
  PY1007: {
    message: "'new' allocates, and nothing here does",
    suggestion: 'take memory from a pool and view it with at<T>(p)',
  },
  PY1008: {
    message: 'destructuring does not exist',
    suggestion: 'read the fields one by one',
  },
  PY1009: {
    message: 'spread does not exist',
    suggestion: 'pass the arguments one by one',
  },
  PY1010: {
    message: "'?.' does not exist",
    suggestion: 'compare with null first: if (p != null) …',
  },
  PY1011: {
    message: "'{0}' does not exist",
    suggestion: 'write p != null ? p : other',
  },
  PY1012: {
    message: 'bigint does not exist',
    suggestion: 'keep 64-bit values in memory, in two halves, and use add64, compare64, …',
  },
  PY1013: {
    message: "'{0}' is not an integer",
    suggestion: 'scale to an integer unit: there is no floating point',
  },
  PY1014: {
    message: "'**' does not exist",
    suggestion: 'multiply, or shift 1 to the left',
  },
  PY1015: {
    message: "'{0}' asks at run time what only types know",
    suggestion: 'store a kind in a field, and compare that',
  },
  PY1016: {
    message: "'{0}' needs a scheduler under the language",
    suggestion: 'register a function reference to be called when it is done',
  },
  PY1017: {
    message: 'generators do not exist',
    suggestion: 'keep the position in a struct and write a function that advances it',
  },
  PY1018: {
    message: 'regular expressions do not exist',
    suggestion: 'compare the bytes',
  },
  PY1019: {
    message: "'any' switches the types off",
    suggestion: 'name the type; convert with as',
  },
  PY1020: {
    message: "parameter '{0}' is optional, has a default or takes the rest",
    suggestion: 'pass every argument',
  },
  PY1021: {
    message: "'{0}' needs iterators",
    suggestion: 'count: for (let i: u32 = 0; i < n; i++)',
  },
  PY1022: {
    message: "'[…]' does not exist",
    suggestion: 'use nth(row, i), or load8(p, i)',
  },
  PY1023: {
    message: "'var' has no block",
    suggestion: 'use let or const',
  },
  PY1024: {
    message: "the comma operator hides a statement",
    suggestion: 'write two statements',
  },
  PY1025: {
    message: "'{0}' hides a branch",
    suggestion: 'write the if',
  },
  PY1026: {
    message: "unary '+' does nothing to an integer",
    suggestion: 'leave it out',
  },
  PY1027: {
    message: "'{0}' works on strings here, and strings are addresses",
    suggestion: 'compare bytes with a function, or convert with as ptr to compare addresses',
  },
  PY1028: {
    message: 'this statement has no effect',
    suggestion: 'remove it, or use its value',
  },
  PY1029: {
    message: '{0} is not part of the dialect',
    suggestion: 'see the closed list in docs/dialect.md',
  },
  PY1030: {
    message: "'{0}' is a value of JavaScript's, not of the dialect",
    suggestion: 'use null for no address, 0 for nothing',
  },

  PY1101: {
    message: "a condition must be a boolean, and this is '{0}'",
    suggestion: 'compare it: x != 0, p != null',
  },
  PY1102: {
    message: "'{0}' needs to know whether '{1}' is signed",
    suggestion: 'spell its type, u32 or i32, where it is declared, or convert with as',
  },
  PY1103: {
    message: "'{0}' mixes a signed and an unsigned operand",
    suggestion: 'convert one of them: (x as number as i32), (x as number as u32)',
  },
  PY1104: {
    message: "'{0}' on sequence numbers: they wrap",
    suggestion: 'compare with seqLess or seqAtMost (RFC 9293 §3.4)',
  },
  PY1105: {
    message: "'{0}' does not fit 32 bits",
    suggestion: 'values go from -2147483648 to 4294967295',
  },
  PY1106: {
    message: 'division by a constant zero',
    suggestion: 'divide by something else',
  },
  PY1107: {
    message: 'this type is part of JavaScript\'s library: {0}',
    suggestion: 'use the types of kernel/lib/layout.ts',
  },
  PY1108: {
    message: "interface '{0}' has no layout",
    suggestion: 'declare a class with @struct, @wire or @mmio',
  },
  PY1109: {
    message: "'{0}' is always {1}: an unsigned number is never below 0",
    suggestion: 'compare with another number, or make it an i32',
  },
  PY1110: {
    message: '{0} does not fit the {1} bits of {2}',
    suggestion: 'store what fits, or widen the field',
  },

  PY1201: {
    message: "class '{0}' has no layout",
    suggestion: 'mark it @struct, @wire(bytes) or @mmio(bytes)',
  },
  PY1202: {
    message: "field '{0}': '{1}' has no width",
    suggestion: 'spell it u8 … i32, bool, ptr, a struct class, a function type, Be<>, Le<>, Stored<>, Embed<>, Row<> or Bytes<>',
  },
  PY1203: {
    message: "@{0}({1}), but the fields of '{2}' take {3} bytes",
    suggestion: 'count again: one of the two is not what the specification says',
  },
  PY1204: {
    message: "{0} hidden bytes of padding {1} in '{2}'",
    suggestion: 'order fields widest first, or declare the padding as reserved fields',
  },
  PY1205: {
    message: "struct '{0}' holds itself by value",
    suggestion: 'hold a pointer: the bare class type',
  },
  PY1206: {
    message: "register '{0}' at offset {1} is not aligned to its {2} bytes",
    suggestion: 'device registers are accessed whole, so they are aligned',
  },
  PY1207: {
    message: "member '{0}' of a struct class: {1}",
    suggestion: 'typed fields, methods, getters, setters, static methods and static readonly constants are what there is',
  },
  PY1208: {
    message: "struct class '{0}' {1}",
    suggestion: 'hold the other struct as a first field: Embed<T>',
  },
  PY1209: {
    message: "'{0}' is held by value: there is nothing to assign to",
    suggestion: 'copy into it: copyBytes, or field by field',
  },
  PY1210: {
    message: "'{0}' is not a field, method or getter of a struct: '{1}' has no layout",
    suggestion: 'view the memory as a struct with at<T>(p)',
  },
  PY1211: {
    message: "method '{0}' is named without being called",
    suggestion: 'write a top-level function and name that',
  },
  PY1212: {
    message: 'an assignment to a field has no value',
    suggestion: 'make it a statement of its own',
  },
  PY1213: {
    message: "'{0}' needs a struct class",
    suggestion: 'name one between < and >',
  },
  PY1214: {
    message: "offsetof needs the name of a field, in quotes, and this is {0}",
    suggestion: "offsetof<T>('field')",
  },
  PY1215: {
    message: "'{0}' is not a constant number of bytes or structs",
    suggestion: 'write a positive number, or typeof a constant',
  },
  PY1216: {
    message: "this object is computed, with effects, inside another expression",
    suggestion: 'put it in a const first',
  },

  PY1301: {
    message: "function '{0}' does not say what it returns",
    suggestion: 'write the return type: void, u32, boolean, …',
  },
  PY1302: {
    message: "'{0}' is generic: types do not exist at run time",
    suggestion: 'write it for one type, or on ptr',
  },
  PY1303: {
    message: "'{0}' has no body",
    suggestion: 'intrinsics are declared in kernel/lib/intrinsics.ts only; overloads do not exist',
  },
  PY1304: {
    message: "'{0}' has {1} parameters, and {2} is the most",
    suggestion: 'pass a struct',
  },
  PY1305: {
    message: "'{0}' is nested {1} levels deep here, and {2} is the most",
    suggestion: 'move the inner part to a function of its own',
  },
  PY1306: {
    message: "'{0}' can not be used as a value",
    suggestion: 'only top-level functions of the kernel can be referred to; wrap it in one',
  },
  PY1307: {
    message: "'this' outside of a method",
    suggestion: 'take the struct as a parameter',
  },

  PY1401: {
    message: 'nothing runs when a module is loaded',
    suggestion: 'put it into an init function, called from main.ts',
  },
  PY1402: {
    message: "global '{0}' is not initialised with a constant",
    suggestion: 'a number, null, a string, a function, static memory; or set it in an init function',
  },
  PY1403: {
    message: "'{0}' outside of the initialiser of a module's const",
    suggestion: 'const x = staticMemory(bytes) at the top level',
  },
  PY1404: {
    message: '{0} import or export',
    suggestion: "import { name } from './file.ts'",
  },
  PY1405: {
    message: "enum '{0}' would be an object",
    suggestion: 'write const enum',
  },
  PY1406: {
    message: "member '{0}' of an enum is not an integer of 32 bits",
    suggestion: 'give it a constant integer',
  },
  PY1407: {
    message: 'a case must be a constant',
    suggestion: 'compare with if',
  },
  PY1408: {
    message: "static memory needs constant, positive numbers, the alignment a power of two up to 4096",
    suggestion: 'staticMemory(4096, 4096)',
  },
  PY1409: {
    message: 'the text is not a file beside this one, or has a zero byte',
    suggestion: "staticText('page.html')",
  },
} as const satisfies Record<string, Rule>

export type RuleNumber = keyof typeof RULES
