/** Words as the command line, `%etl` and Python read them back. */

const PLAIN = /^[\p{L}\p{N}_.][\p{L}\p{N}_@%+=:,./-]*$/u;

/** A word of an `%etl` line. */
export function quote(text: string): string {
  return PLAIN.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** A word of a command in a terminal; double quotes, where they are enough, work in all of them. */
export function quoteShell(text: string): string {
  if (PLAIN.test(text)) {
    return text;
  }
  return /[\\"$`!]/.test(text)
    ? `'${text.replace(/'/g, `'"'"'`)}'`
    : `"${text}"`;
}

/** An option of a command in a terminal with its value, which may look like an option itself. */
export function shellOption(flag: string, value: string): string {
  return `${flag}${value.startsWith('-') ? '=' : ' '}${quoteShell(value)}`;
}
