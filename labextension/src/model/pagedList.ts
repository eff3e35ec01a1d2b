import { ApiError, toApiError, type IPage, type ISlice } from '../api';
import type { IPagedList } from '../tokens';

/** Rows of one page. */
export const PAGE = 50;

/** A list that is fetched a page at a time and keeps the objects that did not change. */
export class PagedList<T> implements IPagedList<T> {
  /**
   * @param options.fetch - Fetches a slice.
   * @param options.key - Identifies an item.
   * @param options.changed - Called after each change.
   */
  constructor(options: {
    fetch: (slice: ISlice) => Promise<IPage<T>>;
    key: (item: T) => string | number;
    changed: () => void;
  }) {
    this._fetch = options.fetch;
    this._key = options.key;
    this._changed = options.changed;
  }

  get items(): readonly T[] {
    return this._items;
  }

  get total(): number | null {
    return this._total;
  }

  get loading(): boolean {
    return this._pending > 0;
  }

  get error(): ApiError | null {
    return this._error;
  }

  refresh(): Promise<void> {
    return this._load({ offset: 0, limit: Math.max(PAGE, this._items.length) });
  }

  more(): Promise<void> {
    return this._load({ offset: this._items.length, limit: PAGE });
  }

  /** Remove all items, before a request with another filter. */
  clear(): void {
    this._generation += 1;
    this._items = [];
    this._total = null;
    this._error = null;
    this._changed();
  }

  /** Change the item with this key without a request. */
  patch(key: string | number, change: (item: T) => T): void {
    const index = this._items.findIndex(item => this._key(item) === key);
    if (index >= 0) {
      const items = [...this._items];
      items[index] = change(items[index]);
      this._items = items;
      this._changed();
    }
  }

  private async _load(slice: ISlice): Promise<void> {
    const generation = ++this._generation;
    this._pending += 1;
    if (this._total === null) {
      this._changed();
    }
    try {
      const page = await this._fetch(slice);
      // A late response must not replace a newer one.
      if (generation === this._generation) {
        this._items = this._merge(slice.offset, page.items);
        this._total = page.total;
        this._error = null;
      }
    } catch (reason) {
      if (generation === this._generation) {
        this._error = toApiError(reason);
      }
    } finally {
      this._pending -= 1;
      this._changed();
    }
  }

  private _merge(offset: number, fresh: T[]): T[] {
    const before = new Map(this._items.map(item => [this._key(item), item]));
    const seen = new Set<string | number>();
    const merged: T[] = [];
    for (const item of [...this._items.slice(0, offset), ...fresh]) {
      const key = this._key(item);
      // Rows may move to the next page while the first is on the screen.
      if (!seen.has(key)) {
        seen.add(key);
        merged.push(keep(before.get(key), item));
      }
    }
    return merged;
  }

  private _fetch: (slice: ISlice) => Promise<IPage<T>>;
  private _key: (item: T) => string | number;
  private _changed: () => void;
  private _items: T[] = [];
  private _total: number | null = null;
  private _error: ApiError | null = null;
  private _generation = 0;
  private _pending = 0;
}

/** The old object where the new one is equal, so that its row is not rendered again. */
function keep<T>(before: T | undefined, after: T): T {
  return before !== undefined &&
    JSON.stringify(before) === JSON.stringify(after)
    ? before
    : after;
}
