/** The usual schedules, and the words that the server reads. */

import type { IPreset } from '../api';

export const PRESETS = [
  'every15',
  'hourly',
  'daily',
  'weekdays',
  'weekly',
  'monthly',
  'custom'
] as const;

export type PresetKind = (typeof PRESETS)[number];

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

/** The preset chosen in the form, and the values of its fields. */
export interface IPresetChoice {
  kind: PresetKind;
  /** "HH:MM". */
  time: string;
  weekday: Weekday;
  /** Day of the month. */
  day: number;
}

export const DEFAULT_CHOICE: IPresetChoice = {
  kind: 'weekdays',
  time: '06:00',
  weekday: 'mon',
  day: 1
};

/** The words of a choice; "" for custom. */
export function wordsOf(choice: IPresetChoice): string {
  switch (choice.kind) {
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

/** A preset as a choice; the fields it does not have keep their values. */
export function choiceOf(
  preset: IPreset | null,
  before: IPresetChoice = DEFAULT_CHOICE
): IPresetChoice {
  return preset === null
    ? { ...before, kind: 'custom' }
    : {
        kind: preset.kind,
        time: preset.time || before.time,
        weekday: preset.weekday || before.weekday,
        day: preset.day ?? before.day
      };
}
