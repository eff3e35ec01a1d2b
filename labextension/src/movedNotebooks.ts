import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { Contents } from '@jupyterlab/services';

import type { IPipelineView } from './api';
import type { IEtlContext } from './components';
import { CommandIDs } from './ids';
import { pathAfter } from './model';

/** Offer to relink the pipelines whose notebooks are renamed or moved here; show what is deleted. */
export function watchNotebooks(options: {
  app: Pick<JupyterFrontEnd, 'commands' | 'serviceManager'>;
  context: IEtlContext;
}): void {
  const { app, context } = options;
  const { model, trans } = context;
  const { contents } = app.serviceManager;
  contents.fileChanged.connect((_, change: Contents.IChangedArgs) => {
    const from = change.oldValue?.path;
    if (!from || (change.type !== 'rename' && change.type !== 'delete')) {
      return;
    }
    if (change.type === 'delete') {
      void model.refresh();
      return;
    }
    const to = change.newValue?.path;
    if (to) {
      void offer(contents.localPath(from), contents.localPath(to));
    }
  });

  async function offer(from: string, to: string): Promise<void> {
    let items: IPipelineView[];
    try {
      const query = { filter: 'all', search: from, limit: 100, offset: 0 };
      items = (await model.client.pipelines(query)).items;
    } catch {
      // The panel shows what is wrong with the server.
      return;
    }
    for (const { name, notebook_path: old, version } of items) {
      const path = old === null ? null : pathAfter(old, from, to);
      if (path !== null) {
        ask(name, path, version);
      }
    }
    void model.refresh();
  }

  function ask(pipeline: string, path: string, version: number): void {
    Notification.warning(
      trans.__(
        'The notebook of %1 is at %2 now. Runs go on with version %3, as it was deployed.',
        pipeline,
        path,
        version
      ),
      {
        autoClose: false,
        actions: [
          {
            label: trans.__('Relink'),
            caption: trans.__('Make it the notebook of %1', pipeline),
            callback: () => {
              void app.commands.execute(CommandIDs.relink, { pipeline, path });
            }
          }
        ]
      }
    );
  }
}
