import { lines, readValue, scheduleLine } from '../lines';

// Jest runs in node, whose types the front end does without.
declare const __dirname: string;
declare const process: { env: Record<string, string | undefined> };
declare const require: (name: string) => any;

const fs = require('fs');

/** The lines that tests/magics/test_offered_lines.py executes; UPDATE_LINES=1 writes them anew. */
const OFFERED = `${__dirname}/lines.json`;

const TEXTS = [
  'plain',
  'two words',
  ' edges ',
  "it's",
  'say "hi"',
  `both ' and "`,
  '$HOME',
  '`id`',
  '$(id)',
  '-dash',
  '--flag',
  '--flag=x',
  'a\\b',
  'end\\',
  'bang!',
  'what?',
  '#note',
  'into <<',
  '*.csv',
  '{x}',
  'a;b & c | d > e',
  '%load',
  'a=b',
  '~',
  'Größe 日本 🚲',
  '[1, 2]'
];

const VERSION: any = { number: 1, what: { columns: [{ name: 'n' }] } };
const FILE: any = { number: 1, what: { columns: [] } };

/** Publications: what they are, and a version of each. */
const PUBLICATIONS: [string, string, any][] = [
  ['sales.daily', 'table', VERSION],
  ['größe-日本', 'table', VERSION],
  ['2026.q1', 'table', VERSION],
  ['export', 'rows', VERSION],
  ['dot', 'file', FILE],
  ['city-numbers', 'report', FILE]
];

function offered(): unknown {
  return {
    texts: TEXTS.map(text => ({
      text,
      watermark: lines.resetWatermark('daily', text, text),
      trigger: lines.trigger('daily', {
        parameters: { note: text },
        draft: true
      }),
      runs: lines.runs(text),
      preview: lines.preview('wh', text),
      load: lines.load('wh', text),
      describe: lines.describe(text),
      python: lines.python(text),
      schedule: scheduleLine({
        notebook: 'b.ipynb',
        when: text,
        timezone: text,
        name: text,
        parameters: { note: text },
        retries: null,
        timeout_s: null,
        catchup: null,
        overlap: null,
        on_lost: null,
        priority: null,
        memory_bytes: null,
        checkpoint: false,
        cold: false,
        owner: text,
        after: [],
        after_all: false,
        on_demand: false,
        reset: [],
        shared: true,
        include: [text]
      })
    })),
    publications: PUBLICATIONS.flatMap(([name, kind, version]) =>
      [true, false].map(live => {
        const shown = live ? name : `${name}-draft`;
        const which = { draft: !live };
        const rows = version.what.columns.length > 0;
        return {
          name: shown,
          kind,
          live,
          lines: [
            lines.read({
              name: shown,
              live: live ? version : null,
              draft: live ? null : version
            }),
            lines.history(shown),
            ...(rows ? [lines.python(shown, which)] : []),
            ...(rows && live
              ? [
                  lines.preview(shown),
                  lines.python(shown, { version: 1 }),
                  lines.diff(shown, 1, 2)
                ]
              : []),
            ...(live ? [lines.rollback(shown, 1)] : [])
          ]
        };
      })
    )
  };
}

describe('lines', () => {
  it('are those that the tests of the command line execute', () => {
    if (process.env.UPDATE_LINES) {
      fs.writeFileSync(OFFERED, JSON.stringify(offered(), null, 2) + '\n');
    }
    expect(offered()).toEqual(JSON.parse(fs.readFileSync(OFFERED, 'utf-8')));
  });
});

describe('readValue', () => {
  it.each([
    ['5', 'int', 5],
    ['9007199254740993', 'int', '9007199254740993'],
    ['1.5', 'int', '1.5'],
    ['1.5', 'float', 1.5],
    ['', 'int', ''],
    ['true', 'bool', true],
    ['[1, 2]', 'list', [1, 2]],
    ['yesterday', 'date', 'yesterday'],
    ['five', 'int', 'five'],
    [' kept ', 'str', ' kept ']
  ])('%p as %s', (text, kind, value) => {
    expect(readValue(text, kind as any)).toEqual(value);
  });
});
