import type { IRouter, JupyterFrontEnd } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';

import { DRIVE } from './runDrive';

/** Before JupyterLab's own route for `/lab/tree/PATH`, which has the default rank of 100. */
const RANK = 50;

/**
 * Open the executed notebook that an address names: after a reload, or from a link.
 *
 * JupyterLab puts the path of the document in front into the address and, when the page is loaded,
 * opens a file browser of its drive. This drive has none, so that would fail with a dialog.
 */
export function addRunRoute(app: JupyterFrontEnd, router: IRouter): void {
  const command = 'jupyter-etl:route-run';
  app.commands.addCommand(command, {
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => {
      const path = PageConfig.getOption('treePath');
      if (!path.startsWith(`${DRIVE}:`)) {
        return;
      }
      PageConfig.setOption('treePath', '');
      // After the layout is restored, most often with this notebook in it.
      void app.restored.then(() =>
        app.commands.execute('docmanager:open', { path, factory: 'Notebook' })
      );
    }
  });
  router.register({ command, pattern: /\/tree\//, rank: RANK });
}
