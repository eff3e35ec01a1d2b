import {
  ILabShell,
  ILayoutRestorer,
  IRouter,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import {
  INotebookTracker,
  NotebookActions,
  type NotebookPanel
} from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { Token } from '@lumino/coreutils';
import { DisposableDelegate } from '@lumino/disposable';

import { EtlClient, type PipelineFilter } from './api';
import { addCommands } from './commands';
import type { IEtlContext } from './components';
import { addDocuments } from './documents';
import { addRunRoute } from './drive/route';
import { DRIVE, RunDrive, runOfPath } from './drive/runDrive';
import { CommandIDs } from './ids';
import { EtlModel } from './model';
import { watchNotebooks } from './movedNotebooks';
import { createOpener } from './opener';
import { NotebookChip } from './panels/notebookChip';
import { Sidebar, SIDEBAR_ID } from './panels/sidebar';
import { StatusItem } from './panels/statusItem';
import { IEtlModel } from './tokens';

export * from './tokens';

const DOMAIN = 'jupyterlab_etl';

/** What the plugins of the user interface share. */
const IEtlUi = new Token<IEtlContext>(
  'jupyterlab-etl:IEtlUi',
  'The model, the translations, and what the application does for the panel.'
);

const model: JupyterFrontEndPlugin<IEtlModel> = {
  id: 'jupyterlab-etl:plugin',
  description: 'Keeps the state of sources, pipelines, runs and publications.',
  autoStart: true,
  provides: IEtlModel,
  optional: [ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    settings: ISettingRegistry | null
  ): IEtlModel => {
    const etl = new EtlModel({
      client: new EtlClient(app.serviceManager.serverSettings),
      events: app.serviceManager.events
    });
    settings?.load('jupyterlab-etl:plugin').then(
      loaded => {
        const pace = () => {
          etl.intervalMs = Number(loaded.get('pollInterval').composite) * 1000;
        };
        loaded.changed.connect(pace);
        pace();
        etl.filterPipelines({
          filter: loaded.get('filter').composite as PipelineFilter
        });
      },
      reason => console.warn('jupyterlab-etl: settings not loaded', reason)
    );
    return etl;
  }
};

const ui: JupyterFrontEndPlugin<IEtlContext> = {
  id: 'jupyterlab-etl:commands',
  description: 'Adds the commands on pipelines, runs and publications.',
  autoStart: true,
  provides: IEtlUi,
  requires: [IEtlModel],
  optional: [
    ITranslator,
    INotebookTracker,
    IFileBrowserFactory,
    ICommandPalette,
    ILayoutRestorer,
    ILabShell
  ],
  activate: (
    app: JupyterFrontEnd,
    etl: IEtlModel,
    translator: ITranslator | null,
    notebooks: INotebookTracker | null,
    files: IFileBrowserFactory | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    labShell: ILabShell | null
  ): IEtlContext => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const opener = createOpener({
      commands: app.commands,
      client: etl.client,
      contents: app.serviceManager.contents,
      trans
    });
    const context: IEtlContext = { model: etl, opener, trans };
    addCommands({ app, context, notebooks, files, sidebar: SIDEBAR_ID });
    watchNotebooks({ app, context });
    addDocuments({ app, context, restorer, hasTabs: labShell !== null });
    for (const command of [
      CommandIDs.open,
      CommandIDs.schedule,
      CommandIDs.refresh
    ]) {
      palette?.addItem({ command, category: trans.__('ETL') });
    }
    return context;
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-etl:panel',
  description: 'Adds the sidebar.',
  autoStart: true,
  requires: [IEtlUi],
  optional: [ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    context: IEtlContext,
    restorer: ILayoutRestorer | null
  ): void => {
    const sidebar = new Sidebar(context);
    app.shell.add(sidebar, 'left', { rank: 350, type: 'ETL' });
    restorer?.add(sidebar, SIDEBAR_ID);
  }
};

const notebook: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-etl:notebook',
  description: 'Adds the schedule button to the notebook toolbar.',
  autoStart: true,
  requires: [IEtlUi],
  optional: [IToolbarWidgetRegistry],
  activate: (
    app: JupyterFrontEnd,
    context: IEtlContext,
    toolbars: IToolbarWidgetRegistry | null
  ): void => {
    NotebookActions.executed.connect((_sender, { cell }) => {
      // Matches the magic, and calls like etl.publish(...).
      if (/%etl\b|\betl\./.test(cell.model.sharedModel.getSource())) {
        context.model.noteExecuted();
      }
    });
    const chip = (widget: NotebookPanel) =>
      new NotebookChip({ context, document: widget.context });
    if (toolbars) {
      toolbars.addFactory<NotebookPanel>('Notebook', 'etl', chip);
    } else {
      app.docRegistry.addWidgetExtension('Notebook', {
        createNew: (widget: NotebookPanel) => {
          const item = chip(widget);
          widget.toolbar.insertItem(10, 'etl', item);
          return new DisposableDelegate(() => item.dispose());
        }
      });
    }
  }
};

const runs: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-etl:runs',
  description: 'Opens executed notebooks as read-only documents.',
  autoStart: true,
  requires: [IEtlModel],
  optional: [ITranslator, IRouter],
  activate: (
    app: JupyterFrontEnd,
    etl: IEtlModel,
    translator: ITranslator | null,
    router: IRouter | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    app.serviceManager.contents.addDrive(
      new RunDrive({
        client: etl.client,
        serverSettings: app.serviceManager.serverSettings,
        refuse: trans.__(
          'Executed notebooks are read only. Save a copy under another name.'
        )
      })
    );
    if (router) {
      addRunRoute(app, router);
    }
    app.docRegistry.addWidgetExtension('Notebook', {
      createNew: (
        widget: NotebookPanel,
        document: DocumentRegistry.IContext<DocumentRegistry.IModel>
      ) => {
        if (document.path.startsWith(`${DRIVE}:`)) {
          const { sessionContext } = document;
          sessionContext.kernelPreference = {
            ...sessionContext.kernelPreference,
            shouldStart: false,
            autoStartDefault: false
          };
          void nameRun(widget, etl, trans);
        }
      }
    });
  }
};

/**
 * Title the tab of an executed notebook by its pipeline and run: `daily-sales #42`.
 *
 * A document renames its file when its title changes, and resets the title when that fails. The
 * file of an executed notebook cannot be renamed, so its document is disconnected from the signal.
 */
async function nameRun(
  widget: NotebookPanel,
  etl: IEtlModel,
  trans: TranslationBundle
): Promise<void> {
  const id = runOfPath(widget.context.path);
  if (id === null) {
    return;
  }
  try {
    const { pipeline } = await etl.client.run(id);
    await widget.context.ready;
    if (!widget.isDisposed) {
      // There is no public API for this.
      widget.title.changed.disconnect(widget['_onTitleChanged'], widget);
      widget.title.label = `${pipeline} #${id}`;
      widget.title.caption = trans.__(
        'Run %1 of %2, as executed',
        id,
        pipeline
      );
    }
  } catch {
    // The document shows the error; its title stays the number of the run.
  }
}

const status: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-etl:status',
  description: 'Adds the item in the status bar.',
  autoStart: true,
  requires: [IEtlUi],
  optional: [IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    context: IEtlContext,
    bar: IStatusBar | null
  ): void => {
    if (!bar) {
      return;
    }
    const item = new StatusItem({
      context,
      onOpen: () => void app.commands.execute(CommandIDs.open)
    });
    bar.registerStatusItem('jupyterlab-etl:status', {
      item,
      align: 'left',
      rank: 60
    });
  }
};

export default [model, ui, panel, notebook, runs, status];
