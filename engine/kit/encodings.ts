/** How text files are written, by the names that a configuration takes. latin1 is what browsers read as such: windows-1252. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'gbk', 'gb18030', 'windows-1252', 'latin1'] as const
export type Encoding = (typeof ENCODINGS)[number]
