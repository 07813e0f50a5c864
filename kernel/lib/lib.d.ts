// What TypeScript itself insists on when there is no library. Nothing of it exists at run time.
interface Array<T> { readonly length: number; readonly [index: number]: T }
interface Boolean {}
interface CallableFunction {}
interface Function {}
interface IArguments {}
interface NewableFunction {}
interface Number {}
interface Object {}
interface RegExp {}
interface String {}
interface ClassDecoratorContext<C extends abstract new (...args: any) => any = abstract new (...args: any) => any> {
  readonly kind: 'class'
  readonly name: C extends never ? never : string | undefined
}
