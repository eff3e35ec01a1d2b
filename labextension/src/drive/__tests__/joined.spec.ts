import { joinLines } from '../joined';

describe('joinLines', () => {
  it('joins sources, streams and texts of all types but JSON', () => {
    const table = [{ a: 1 }, { a: 2 }];
    const notebook = joinLines({
      nbformat: 4,
      cells: [
        {
          cell_type: 'code',
          source: ['a = 1\n', 'a'],
          outputs: [
            { output_type: 'stream', text: ['one\n', 'two\n'] },
            {
              output_type: 'display_data',
              data: {
                'text/markdown': ['## Title\n', '\n', '**bold**'],
                'text/plain': 'whole',
                'application/vnd.dataresource+json': table
              }
            },
            { output_type: 'error', traceback: ['line 1', 'line 2'] }
          ]
        },
        {
          cell_type: 'markdown',
          source: 'whole',
          attachments: { 'a.svg': { 'image/svg+xml': ['<svg>', '</svg>'] } }
        }
      ]
    });
    expect(notebook).toEqual({
      nbformat: 4,
      cells: [
        {
          cell_type: 'code',
          source: 'a = 1\na',
          outputs: [
            { output_type: 'stream', text: 'one\ntwo\n' },
            {
              output_type: 'display_data',
              data: {
                'text/markdown': '## Title\n\n**bold**',
                'text/plain': 'whole',
                'application/vnd.dataresource+json': table
              }
            },
            { output_type: 'error', traceback: ['line 1', 'line 2'] }
          ]
        },
        {
          cell_type: 'markdown',
          source: 'whole',
          attachments: { 'a.svg': { 'image/svg+xml': '<svg></svg>' } }
        }
      ]
    });
  });

  it('drops marks of trust', () => {
    const metadata = { trusted: true, kept: 1 };
    expect(
      joinLines({
        metadata: { ...metadata, signature: 'sha256:00' },
        cells: [{ cell_type: 'code', metadata, source: '', outputs: [] }]
      })
    ).toEqual({
      metadata: { kept: 1 },
      cells: [
        { cell_type: 'code', metadata: { kept: 1 }, source: '', outputs: [] }
      ]
    });
  });

  it('leaves what is no notebook alone', () => {
    expect(joinLines(null)).toBeNull();
    expect(joinLines({ cells: 'none' })).toEqual({ cells: 'none' });
    expect(joinLines({ cells: [7] })).toEqual({ cells: [7] });
  });
});
