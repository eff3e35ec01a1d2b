import type { ReadonlyJSONObject } from '@lumino/coreutils';

/** The description of a command's arguments. */
export interface IDescribed {
  args: ReadonlyJSONObject;
}

function object(
  properties: Record<string, ReadonlyJSONObject>,
  required: string[] = []
): IDescribed {
  return { args: { type: 'object', properties, required } };
}

const text = (description: string): ReadonlyJSONObject => ({
  type: 'string',
  description
});
const whole = (description: string): ReadonlyJSONObject => ({
  type: 'integer',
  description
});

/** The arguments of the commands, as JSON schema. */
export const ARGS = {
  none: object({}),
  open: object({
    tab: text('sources, pipelines, runs or published'),
    run: whole('Run whose details are expanded'),
    pipeline: text('Pipeline whose runs are shown')
  }),
  schedule: object({
    path: text('Contents path; the notebook in front if left out')
  }),
  pipeline: object({ pipeline: text('Name of the pipeline') }, ['pipeline']),
  relink: object(
    {
      pipeline: text('Name of the pipeline'),
      path: text('Contents path of its notebook; searched for if left out')
    },
    ['pipeline']
  ),
  run: object({ id: whole('Number of the run') }, ['id']),
  openRun: object(
    {
      id: whole('Number of the run'),
      atFailure: {
        type: 'boolean',
        description: 'Whether to show the cell that failed'
      },
      cell: {
        type: ['integer', 'null'],
        description: 'Index of that cell, if known'
      }
    },
    ['id']
  ),
  preview: object(
    {
      kind: text('source or publication'),
      name: text('Its name'),
      table: text('Table of a source'),
      version: {
        type: ['integer', 'null'],
        description: 'Version of a publication; the newest if left out'
      },
      draft: { type: 'boolean', description: 'Whether to show a draft' },
      held: whole('Number of a held run, whose staged rows are shown')
    },
    ['kind', 'name']
  ),
  report: object(
    {
      name: text('Name of the report'),
      version: {
        type: ['integer', 'null'],
        description: 'Its version; the newest if left out'
      },
      draft: { type: 'boolean', description: 'Whether to show a draft' }
    },
    ['name']
  ),
  publication: object({ name: text('Name of the publication') }, ['name']),
  cell: object({ source: text('Source of the cell') }, ['source'])
};
