import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import { toApiError } from './api';
import {
  reportIcon,
  scheduleIcon,
  tableIcon,
  type IEtlContext,
  type IPreviewTarget
} from './components';
import { CommandIDs } from './ids';
import { ARGS } from './schemas';

interface IDocumentOptions {
  app: JupyterFrontEnd;
  context: IEtlContext;
  restorer: ILayoutRestorer | null;
}

/** Add the commands that open previews, reports and logs in the main area. */
export function addDocuments(options: IDocumentOptions): void {
  addPreview(options);
  addReport(options);
  addPublication(options);
  addLog(options);
}

function addPreview(options: IDocumentOptions): void {
  const { app, context } = options;
  const { trans } = context;
  const show = opening(options, 'preview', CommandIDs.preview);
  app.commands.addCommand(CommandIDs.preview, {
    label: trans.__('Preview Data'),
    caption: trans.__('The first rows of a source or publication'),
    describedBy: ARGS.preview,
    execute: async args => {
      const target = args as unknown as IPreviewTarget;
      const { PreviewBody, previewName } = await import('./panels/preview');
      const name = previewName(target);
      return show({
        key: `${target.kind}:${name}:${target.draft ? 'draft' : ''}`,
        label: name,
        icon: tableIcon,
        args,
        create: () => new PreviewBody({ context, target })
      });
    }
  });
}

function addReport(options: IDocumentOptions): void {
  const { app, context } = options;
  const { model, trans } = context;
  const show = opening(options, 'report', CommandIDs.openReport);
  app.commands.addCommand(CommandIDs.openReport, {
    label: trans.__('Open Report'),
    caption: trans.__('A published report, shut off from this page'),
    describedBy: ARGS.report,
    execute: async args => {
      const name = String(args.name);
      const which = {
        version: typeof args.version === 'number' ? args.version : null,
        draft: args.draft === true
      };
      const { ReportFrame } = await import('./panels/report');
      return show({
        key: `${name}:${which.version ?? ''}:${which.draft ? 'draft' : ''}`,
        label: name,
        icon: reportIcon,
        args,
        create: () =>
          new ReportFrame({
            title: trans.__('Report %1', name),
            html: async () => (await model.client.content(name, which)).text(),
            failed: reason => toApiError(reason).message
          })
      });
    }
  });
}

function addPublication(options: IDocumentOptions): void {
  const { app, context } = options;
  const { trans } = context;
  const show = opening(options, 'publication', CommandIDs.openPublication);
  app.commands.addCommand(CommandIDs.openPublication, {
    label: trans.__('Open Publication'),
    caption: trans.__('Its versions, how they differ, and how to read it'),
    describedBy: ARGS.publication,
    execute: async args => {
      const name = String(args.name);
      const { PublicationBody } = await import('./panels/publication');
      return show({
        key: name,
        label: name,
        icon: tableIcon,
        args,
        create: () => new PublicationBody({ context, name })
      });
    }
  });
}

function addLog(options: IDocumentOptions): void {
  const { app, context } = options;
  const { trans } = context;
  const show = opening(options, 'log', CommandIDs.openLog);
  app.commands.addCommand(CommandIDs.openLog, {
    label: trans.__('Open Log'),
    caption: trans.__('The log of a run'),
    describedBy: ARGS.run,
    execute: async args => {
      const run = Number(args.id);
      const { LogBody } = await import('./panels/log');
      return show({
        key: String(run),
        label: trans.__('Log of run %1', run),
        icon: scheduleIcon,
        args,
        create: () => new LogBody({ context, run })
      });
    }
  });
}

interface IShown {
  /** Tells one document of this kind from another. */
  key: string;
  label: string;
  icon: LabIcon;
  /** Of the command that opens it again after a reload. */
  args: ReadonlyPartialJSONObject;
  create: () => Widget;
}

/** A function that opens a document of a kind, or comes back to it. */
function opening(
  { app, restorer }: IDocumentOptions,
  kind: string,
  command: string
): (shown: IShown) => MainAreaWidget {
  const tracker = new WidgetTracker<MainAreaWidget>({
    namespace: `jupyter-etl-${kind}`
  });
  const opened = new Map<string, ReadonlyPartialJSONObject>();
  if (restorer) {
    void restorer.restore(tracker, {
      command,
      args: widget => opened.get(widget.id) ?? {},
      name: widget => widget.id
    });
  }
  return shown => {
    const id = `jp-etl-${kind}-${shown.key}`;
    let widget = tracker.find(item => item.id === id);
    if (!widget) {
      widget = new MainAreaWidget({ content: shown.create() });
      widget.id = id;
      widget.title.label = shown.label;
      widget.title.icon = shown.icon;
      widget.title.closable = true;
      opened.set(id, shown.args);
      widget.disposed.connect(() => opened.delete(id));
      void tracker.add(widget);
      app.shell.add(widget, 'main');
    }
    app.shell.activateById(id);
    return widget;
  };
}
