import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { Contents } from '@jupyterlab/services';

import type { IPipelineView } from './api';
import type { IEtlContext } from './components';
import { CommandIDs } from './ids';
import { pathAfter } from './model';

/** Offer to relink pipelines whose notebooks are renamed or moved; refresh when one is deleted. */
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
      // The panel shows the error of the server.
      return;
    }
    for (const { name, notebook_path: old, version } of items) {
      const path = old === null ? null : pathAfter(old, from, to);
      if (path !== null) {
        notify(name, path, version);
      }
    }
    void model.refresh();
  }

  function notify(pipeline: string, path: string, version: number): void {
    Notification.warning(
      trans.__(
        'The notebook of %1 is now at %2. Runs still use version %3, as deployed.',
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
