import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { JupyterFrontEnd } from '@jupyterlab/application';

import type { IDeployment } from './api';
import { scheduleIcon, type IEtlContext } from './components';
import { DRIVE, runPath } from './drive/runDrive';
import { CommandIDs } from './ids';
import { runDialog } from './panels/runDialog';
import { ARGS } from './schemas';
import { TABS, type Tab } from './tokens';

/** What the commands need; null where an application does not have it. */
export interface ICommandOptions {
  app: JupyterFrontEnd;
  context: IEtlContext;
  notebooks: INotebookTracker | null;
  files: IFileBrowserFactory | null;
  /** Id of the sidebar's widget. */
  sidebar: string;
}

/** Add the commands on pipelines and runs, the panel, and the schedule dialog. */
export function addCommands(options: ICommandOptions): void {
  addPanelCommands(options);
  addScheduleCommands(options);
  addPipelineCommands(options);
  addRunCommands(options);
  addCellCommand(options);
}

function addPanelCommands(options: ICommandOptions): void {
  const { app, context, sidebar } = options;
  const { model, trans } = context;
  app.commands.addCommand(CommandIDs.open, {
    label: trans.__('Show ETL Panel'),
    caption: trans.__('Sources, pipelines, runs and publications'),
    describedBy: ARGS.open,
    execute: args => {
      if (TABS.includes(args.tab as Tab)) {
        model.tab = args.tab as Tab;
      }
      if (typeof args.pipeline === 'string') {
        model.filterRuns({ pipeline: args.pipeline, state: '' });
      }
      if (typeof args.run === 'number') {
        model.openRun = args.run;
      }
      app.shell.activateById(sidebar);
    }
  });
  app.commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh ETL Panel'),
    caption: trans.__('Reload everything from the server'),
    describedBy: ARGS.none,
    execute: () => model.refresh()
  });
}

function addScheduleCommands(options: ICommandOptions): void {
  const { app, context, notebooks, files } = options;
  const { trans } = context;
  app.commands.addCommand(CommandIDs.schedule, {
    label: trans.__('Schedule This Notebook…'),
    caption: trans.__('Run this notebook on a schedule (%etl schedule)'),
    icon: scheduleIcon,
    describedBy: ARGS.schedule,
    execute: async args => {
      const path =
        typeof args.path === 'string' && args.path
          ? args.path
          : currentPath(options);
      if (path === null) {
        Notification.info(
          trans.__('Open the notebook that you want to schedule first.'),
          {
            autoClose: 4000
          }
        );
        return;
      }
      await openDialog(options, path);
    }
  });
  if (files) {
    app.commands.addCommand(CommandIDs.scheduleFile, {
      label: trans.__('Schedule…'),
      caption: trans.__('Run this notebook on a schedule (%etl schedule)'),
      icon: scheduleIcon,
      describedBy: ARGS.none,
      isVisible: () => chosenNotebook(files) !== null,
      execute: async () => {
        const path = chosenNotebook(files);
        if (path !== null) {
          await openDialog(options, path);
        }
      }
    });
  }
  notebooks?.currentChanged.connect(() => {
    app.commands.notifyCommandChanged(CommandIDs.schedule);
  });
}

function addPipelineCommands({ app, context }: ICommandOptions): void {
  const { model, trans } = context;
  const { commands } = app;
  commands.addCommand(CommandIDs.trigger, {
    label: trans.__('Run Pipeline Now…'),
    caption: trans.__('Start one run of the deployed version'),
    describedBy: ARGS.pipeline,
    execute: async args => {
      const pipeline = String(args.pipeline);
      const dialog = runDialog({ context, pipeline });
      const { value: run } = await dialog.launch();
      dialog.dispose();
      if (run) {
        Notification.success(
          trans.__('Run %1 of %2 is queued.', run.id, pipeline),
          {
            autoClose: 5000,
            actions: [
              {
                label: trans.__('Show'),
                caption: trans.__('Show the run'),
                callback: () => {
                  void commands.execute(CommandIDs.open, {
                    tab: 'runs',
                    pipeline,
                    run: run.id
                  });
                }
              }
            ]
          }
        );
      }
    }
  });
  commands.addCommand(CommandIDs.pause, {
    label: trans.__('Pause Pipeline'),
    caption: trans.__('Start no runs until the pipeline is resumed'),
    describedBy: ARGS.pipeline,
    execute: args => model.pause(String(args.pipeline))
  });
  commands.addCommand(CommandIDs.resume, {
    label: trans.__('Resume Pipeline'),
    caption: trans.__('Start scheduled runs again'),
    describedBy: ARGS.pipeline,
    execute: args => model.resume(String(args.pipeline))
  });
  commands.addCommand(CommandIDs.relink, {
    label: trans.__('Relink Pipeline'),
    caption: trans.__('Set the notebook of a pipeline after a rename or move'),
    describedBy: ARGS.relink,
    execute: async args => {
      const pipeline = String(args.pipeline);
      if (typeof args.path === 'string') {
        await model.relink(pipeline, args.path);
      } else if (!(await model.relink(pipeline))) {
        // The server did not find it: ask for the path.
        const { value } = await InputDialog.getText({
          title: trans.__('Where is the notebook of %1 now?', pipeline),
          label: trans.__('Path as the file browser shows it'),
          placeholder: trans.__('folder/notebook.ipynb')
        });
        if (value?.trim()) {
          await model.relink(pipeline, value.trim());
        }
      }
    }
  });
  commands.addCommand(CommandIDs.unschedule, {
    label: trans.__('Unschedule Pipeline'),
    caption: trans.__(
      'Remove the schedule; you can undo this for a few seconds'
    ),
    describedBy: ARGS.pipeline,
    execute: args => model.unschedule(String(args.pipeline))
  });
}

function addRunCommands(options: ICommandOptions): void {
  const { app, context } = options;
  const { model, trans } = context;
  app.commands.addCommand(CommandIDs.cancelRun, {
    label: trans.__('Cancel Run'),
    caption: trans.__('Stop the run; it publishes nothing'),
    describedBy: ARGS.run,
    execute: args => model.cancel(Number(args.id))
  });
  app.commands.addCommand(CommandIDs.retryRun, {
    label: trans.__('Retry Run'),
    caption: trans.__('Run it again'),
    describedBy: ARGS.run,
    execute: args => model.retry(Number(args.id))
  });
  app.commands.addCommand(CommandIDs.openRun, {
    label: trans.__('Open Executed Notebook'),
    caption: trans.__('The notebook with the outputs of the run, read only'),
    describedBy: ARGS.openRun,
    execute: async args => {
      const panel: NotebookPanel | undefined = await app.commands.execute(
        'docmanager:open',
        { path: runPath(Number(args.id)), factory: 'Notebook' }
      );
      if (panel && args.atFailure) {
        if (panel.isDisposed) {
          // Notebook 7 has opened it in a browser tab of its own.
          return;
        }
        await panel.revealed;
        await panel.context.ready;
        await showFailure(
          panel,
          typeof args.cell === 'number' ? args.cell : null
        );
      }
    }
  });
}

function addCellCommand(options: ICommandOptions): void {
  const { app, context } = options;
  const { opener, trans } = context;
  app.commands.addCommand(CommandIDs.insertCell, {
    label: trans.__('Insert ETL Cell'),
    caption: trans.__('Insert a cell below the active cell without running it'),
    describedBy: ARGS.cell,
    execute: async args => {
      const source = String(args.source ?? '%etl');
      const panel = currentNotebook(options);
      if (!panel) {
        opener.copy(source);
        Notification.info(
          trans.__(
            'No notebook is open. The cell was copied: paste it into a notebook.'
          ),
          { autoClose: 5000 }
        );
        return;
      }
      const { NotebookActions } = await import('@jupyterlab/notebook');
      // Its cells are there once the file has been loaded.
      await panel.context.ready;
      const notebook = panel.content;
      const active = notebook.activeCell?.model;
      if (active?.type !== 'code' || active.sharedModel.getSource().trim()) {
        NotebookActions.insertBelow(notebook);
      }
      notebook.activeCell?.model.sharedModel.setSource(source);
      app.shell.activateById(panel.id);
    }
  });
}

async function openDialog(
  options: ICommandOptions,
  path: string
): Promise<void> {
  const { app, context, notebooks } = options;
  const { trans, model } = context;
  const panel = notebooks?.find(
    widget =>
      app.serviceManager.contents.localPath(widget.context.path) === path
  );
  // The file is deployed, so unsaved changes are saved first.
  if (panel?.context.model.dirty) {
    await panel.context.save();
  }
  const { scheduleDialog } = await import('./panels/scheduleDialog');
  const dialog = scheduleDialog({ context, path });
  const { value } = await dialog.launch();
  dialog.dispose();
  if (value) {
    announce(value);
    await model.refresh();
  }

  function announce(deployment: IDeployment): void {
    const { name, version } = deployment.pipeline;
    const message =
      deployment.change === 'unchanged'
        ? trans.__('%1 is unchanged.', name)
        : [
            trans.__(
              '%1 v%2 runs %3.',
              name,
              version,
              deployment.words || trans.__('on demand')
            ),
            ...deployment.changes
          ].join('\n');
    Notification.success(message, {
      autoClose: 10_000,
      actions: [
        {
          label: trans.__('Show'),
          caption: trans.__('Show the pipelines'),
          callback: () => {
            void app.commands.execute(CommandIDs.open, { tab: 'pipelines' });
          }
        }
      ]
    });
  }
}

/** The notebook in front, if it is a file of the server. */
function currentNotebook({
  app,
  notebooks
}: ICommandOptions): NotebookPanel | null {
  // The tracker makes a notebook its current widget only after it has saved its state, which takes
  // a while on a busy server.
  const front = notebooks?.find(panel => panel === app.shell.currentWidget);
  const panel = front ?? notebooks?.currentWidget ?? null;
  return panel?.context.path.startsWith(`${DRIVE}:`) ? null : panel;
}

function currentPath(options: ICommandOptions): string | null {
  const path = currentNotebook(options)?.context.path;
  return path ? options.app.serviceManager.contents.localPath(path) : null;
}

function chosenNotebook(files: IFileBrowserFactory): string | null {
  const item = files.tracker.currentWidget?.selectedItems().next().value;
  return item?.type === 'notebook' ? item.path : null;
}

/** Show the first cell with an error in its output, else the cell recorded as failed. */
async function showFailure(
  panel: NotebookPanel,
  cell: number | null
): Promise<void> {
  const notebook = panel.content;
  const failed = notebook.widgets.findIndex(widget => {
    const model = widget.model.toJSON();
    return (
      Array.isArray(model.outputs) &&
      model.outputs.some(
        output => (output as { output_type?: string }).output_type === 'error'
      )
    );
  });
  const index = failed >= 0 ? failed : cell;
  if (index === null || index >= notebook.widgets.length) {
    return;
  }
  // Long notebooks are rendered in parts: wait for the cell.
  for (let wait = 0; wait < 60; wait++) {
    await new Promise(done => window.setTimeout(done, 50));
    if (notebook.widgets[index].isAttached) {
      break;
    }
  }
  await new Promise(done => window.setTimeout(done, 200));
  notebook.activeCellIndex = index;
  notebook.widgets[index].node.scrollIntoView({ block: 'center' });
}
