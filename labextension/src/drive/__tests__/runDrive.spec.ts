import { ServerConnection } from '@jupyterlab/services';

import { FakeClient } from '../../components/__tests__/fakes';
import { run } from '../../components/__tests__/values';
import { RunDrive, runOfPath, runPath } from '../runDrive';

function drive(): RunDrive {
  const client = new FakeClient();
  client.lists.runs = [run({ id: 42, finished_at: '2026-02-09T06:01:00Z' })];
  return new RunDrive({
    client: client as any,
    serverSettings: ServerConnection.makeSettings(),
    refuse: 'It is a record.'
  });
}

describe('RunDrive', () => {
  it('serves the executed notebook, read only', async () => {
    const model = await drive().get('42.ipynb');
    expect(model).toMatchObject({
      type: 'notebook',
      writable: false,
      last_modified: '2026-02-09T06:01:00Z'
    });
    expect(model.content.nbformat).toBe(4);
  });

  it('refuses every change with one sentence', async () => {
    const records = drive();
    for (const change of [
      records.save(),
      records.rename(),
      records.delete(),
      records.copy(),
      records.newUntitled()
    ]) {
      await expect(change).rejects.toThrow('It is a record.');
    }
  });

  it('reads the run from a path', () => {
    expect(runOfPath(runPath(7))).toBe(7);
    expect(runOfPath('7.ipynb')).toBe(7);
    expect(runOfPath('daily.ipynb')).toBeNull();
  });
});
