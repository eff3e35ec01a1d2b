/** Contents paths. */

/** Where a notebook is after a rename of it, or of a folder above it; null if it stays. */
export function pathAfter(
  path: string,
  from: string,
  to: string
): string | null {
  if (path === from) {
    return to;
  }
  return path.startsWith(`${from}/`) ? to + path.slice(from.length) : null;
}
