/** The usual schedules, to and from the words the server understands. */

export const PRESETS = [
  'every15',
  'hourly',
  'daily',
  'weekdays',
  'weekly',
  'monthly',
  'custom'
] as const;

export type Preset = (typeof PRESETS)[number];

export const WEEKDAYS = [
  'mon',
  'tue',
  'wed',
  'thu',
  'fri',
  'sat',
  'sun'
] as const;

export type Weekday = (typeof WEEKDAYS)[number];

/** A preset and what it needs to know. */
export interface IPresetChoice {
  preset: Preset;
  /** "HH:MM". */
  time: string;
  weekday: Weekday;
  /** Day of the month. */
  day: number;
}

export const DEFAULT_CHOICE: IPresetChoice = {
  preset: 'weekdays',
  time: '06:00',
  weekday: 'mon',
  day: 1
};

/** The words of a choice; "" for custom. */
export function wordsOf(choice: IPresetChoice): string {
  switch (choice.preset) {
    case 'every15':
      return 'every 15m';
    case 'hourly':
      return '@hourly';
    case 'daily':
      return `daily at ${choice.time}`;
    case 'weekdays':
      return `weekdays at ${choice.time}`;
    case 'weekly':
      return `${choice.weekday} at ${choice.time}`;
    case 'monthly':
      return `monthly on ${choice.day} at ${choice.time}`;
    case 'custom':
      return '';
  }
}

/** The preset that these words are, keeping what they do not say from `before`. */
export function choiceOf(
  words: string,
  before: IPresetChoice = DEFAULT_CHOICE
): IPresetChoice {
  const text = words.trim().toLowerCase();
  if (text === 'every 15m') {
    return { ...before, preset: 'every15' };
  }
  if (text === '@hourly') {
    return { ...before, preset: 'hourly' };
  }
  const daily = /^(daily|weekdays) at (\d\d:\d\d)$/.exec(text);
  if (daily) {
    return { ...before, preset: daily[1] as Preset, time: daily[2] };
  }
  const weekly = /^(mon|tue|wed|thu|fri|sat|sun) at (\d\d:\d\d)$/.exec(text);
  if (weekly) {
    return {
      ...before,
      preset: 'weekly',
      weekday: weekly[1] as Weekday,
      time: weekly[2]
    };
  }
  const monthly = /^monthly on (\d{1,2}) at (\d\d:\d\d)$/.exec(text);
  if (monthly) {
    return {
      ...before,
      preset: 'monthly',
      day: Number(monthly[1]),
      time: monthly[2]
    };
  }
  return { ...before, preset: 'custom' };
}
