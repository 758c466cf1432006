/** What `object` itself has under a name that others chose, not what all objects have, such as `constructor`. */
export function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** An object to be filled under names that others chose: nothing is inherited, and `__proto__` is a name like any other. */
export function bare<T>(): Record<string, T> {
  return Object.create(null)
}

/** Sets what is to be under a name that others chose. */
export function put<T>(object: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  else object[name] = value
}
