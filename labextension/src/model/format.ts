/** Numbers, sizes and times as readers expect them in their language; all pure. */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** 336776 -> "336,776". */
export function formatCount(value: number): string {
  return value.toLocaleString();
}

/** The end of a log for a narrow place: lines with the time of day, and the zone of them all. */
export function formatLogTail(text: string): { text: string; zone: string } {
  let zone = '';
  const short = text.replace(LOG_TIME, (_, time: string, of: string) => {
    zone = of;
    return `${time} `;
  });
  return { text: short, zone };
}

/** As the server writes a time before a line: 2026-01-31 06:00:03.120 CET. */
const LOG_TIME = /^\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d)\.\d+ (\S+) {2}/gm;

/** A JSON value as `-p NAME=` takes it. */
export function formatValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Bytes -> "3.2 MB". */
export function formatBytes(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const step = Math.min(
    units.length - 1,
    bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0
  );
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit: units[step],
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: step === 0 ? 0 : 1
  }).format(bytes / 1000 ** step);
}

/** Seconds -> "0.4s", "34s", "3m 12s", "1h 5m", "2d 3h": the two greatest units. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) {
    return unit(Math.round(seconds * 10) / 10, 'second');
  }
  const whole = Math.round(seconds);
  if (whole < MINUTE) {
    return unit(whole, 'second');
  }
  if (whole < HOUR) {
    return two(whole, MINUTE, 'minute', 1, 'second');
  }
  if (whole < DAY) {
    return two(whole, HOUR, 'hour', MINUTE, 'minute');
  }
  return two(whole, DAY, 'day', HOUR, 'hour');
}

/** The same with one unit, for ages: "3m", "2h", "5d". */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) {
    return unit(whole, 'second');
  }
  if (whole < HOUR) {
    return unit(Math.floor(whole / MINUTE), 'minute');
  }
  if (whole < 2 * DAY) {
    return unit(Math.floor(whole / HOUR), 'hour');
  }
  return unit(Math.floor(whole / DAY), 'day');
}

/** An instant with date, time and zone. */
export function formatInstant(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' });
}

/** An instant as short as it can be read: "9 Feb 2026, 06:00 UTC". */
export function formatMoment(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString(undefined, {
        day: 'numeric',
        month: 'short',
        year: 'numeric',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
        timeZoneName: 'short'
      });
}

/** An instant as "07:30 UTC" when it is near, else "Mon 07:30 UTC" or "24 Feb". */
export function formatClock(iso: string, now: number): string {
  const date = new Date(iso);
  const away = Math.abs(date.getTime() - now) / 1000;
  const time: Intl.DateTimeFormatOptions = {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short'
  };
  if (away < DAY && date.getDate() === new Date(now).getDate()) {
    return date.toLocaleTimeString(undefined, time);
  }
  return away < 6 * DAY
    ? date.toLocaleString(undefined, { weekday: 'short', ...time })
    : date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
}

/** The first `count` words of a long path are dropped: "…/sales/daily.ipynb". */
export function shortPath(path: string, parts = 2): string {
  const pieces = path.split('/').filter(Boolean);
  return pieces.length > parts + 1
    ? `…/${pieces.slice(-parts).join('/')}`
    : path;
}

function two(
  seconds: number,
  great: number,
  greatName: string,
  small: number,
  smallName: string
): string {
  const rest = Math.floor((seconds % great) / small);
  const first = unit(Math.floor(seconds / great), greatName);
  return rest ? `${first} ${unit(rest, smallName)}` : first;
}

function unit(value: number, name: string): string {
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit: name,
    unitDisplay: 'narrow'
  }).format(value);
}
