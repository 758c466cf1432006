const SAID: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'it is there already',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
}

/** What went wrong, for a person, where the system said it in a code; else the error's own words. */
export function systemText(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string }
  return (typeof code === 'string' ? SAID[code] : undefined) ?? message ?? String(error)
}
