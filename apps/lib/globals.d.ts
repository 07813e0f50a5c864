// What a program has besides the language: what Porffor brings.

declare const console: { log(...values: unknown[]): void }
