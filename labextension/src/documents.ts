import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
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
  /** Whether the main area of the application takes several documents. */
  hasTabs: boolean;
}

/** Add the commands that open previews, reports and logs in the main area. */
export function addDocuments(options: IDocumentOptions): void {
  addPreview(options);
  addReport(options);
  addPublication(options);
  addLog(options);
}

function addPreview(options: IDocumentOptions): void {
  const { context } = options;
  const { trans } = context;
  addKind(options, {
    kind: 'preview',
    command: CommandIDs.preview,
    label: trans.__('Preview Data'),
    caption: trans.__('The first rows of a source or publication'),
    describedBy: ARGS.preview,
    show: async args => {
      const target = args as unknown as IPreviewTarget;
      const { PreviewBody, previewName } = await import('./panels/preview');
      const name = previewName(target);
      return {
        key: `${target.kind}:${name}:${target.draft ? 'draft' : ''}`,
        label: target.draft ? trans.__('%1 (draft)', name) : name,
        caption: trans.__('First rows of %1', name),
        icon: tableIcon,
        create: () => new PreviewBody({ context, target })
      };
    }
  });
}

function addReport(options: IDocumentOptions): void {
  const { context } = options;
  const { model, trans } = context;
  addKind(options, {
    kind: 'report',
    command: CommandIDs.openReport,
    label: trans.__('Open Report'),
    caption: trans.__('A published report, in a sandboxed frame'),
    describedBy: ARGS.report,
    show: async args => {
      const name = String(args.name);
      const which = {
        version: typeof args.version === 'number' ? args.version : null,
        draft: args.draft === true
      };
      const { ReportFrame } = await import('./panels/report');
      return {
        key: `${name}:${which.version ?? ''}:${which.draft ? 'draft' : ''}`,
        label: reportName(name, which, trans),
        caption: trans.__('Report %1', reportName(name, which, trans)),
        icon: reportIcon,
        create: () =>
          new ReportFrame({
            title: trans.__('Report %1', name),
            html: async () => (await model.client.content(name, which)).text(),
            failed: reason => toApiError(reason).message
          })
      };
    }
  });
}

function addPublication(options: IDocumentOptions): void {
  const { context } = options;
  const { trans } = context;
  addKind(options, {
    kind: 'publication',
    command: CommandIDs.openPublication,
    label: trans.__('Open Publication'),
    caption: trans.__('Versions, differences and how to read it'),
    describedBy: ARGS.publication,
    show: async args => {
      const name = String(args.name);
      const { PublicationBody } = await import('./panels/publication');
      return {
        key: name,
        label: name,
        caption: trans.__('Publication %1', name),
        icon: tableIcon,
        create: () => new PublicationBody({ context, name })
      };
    }
  });
}

function addLog(options: IDocumentOptions): void {
  const { context } = options;
  const { model, trans } = context;
  addKind(options, {
    kind: 'log',
    command: CommandIDs.openLog,
    label: trans.__('Open Log'),
    caption: trans.__('The log of a run'),
    describedBy: ARGS.run,
    show: async args => {
      const run = Number(args.id);
      const [{ LogBody }, pipeline] = await Promise.all([
        import('./panels/log'),
        model.client.run(run).then(
          found => found.pipeline,
          // The log shows the error.
          () => ''
        )
      ]);
      return {
        key: String(run),
        label: pipeline
          ? trans.__('Log: %1 #%2', pipeline, run)
          : trans.__('Log: #%1', run),
        caption: pipeline
          ? trans.__('Log of run %1 of %2', run, pipeline)
          : trans.__('Log of run %1', run),
        icon: scheduleIcon,
        create: () => new LogBody({ context, run })
      };
    }
  });
}

/** `City numbers v2`: a report, and which version of it unless it is the newest. */
function reportName(
  name: string,
  which: { version: number | null; draft: boolean },
  trans: TranslationBundle
): string {
  const version = which.version === null ? name : `${name} v${which.version}`;
  return which.draft ? trans.__('%1 (draft)', version) : version;
}

/** A kind of document, and the command that opens one. */
interface IKind {
  kind: string;
  command: string;
  label: string;
  caption: string;
  describedBy: CommandRegistry.ICommandOptions['describedBy'];
  /** The document for the arguments of the command. */
  show: (args: ReadonlyPartialJSONObject) => Promise<IShown>;
}

interface IShown {
  /** Identifies a document of this kind. */
  key: string;
  /** Title of the tab. */
  label: string;
  /** Tooltip of the tab. */
  caption: string;
  icon: LabIcon;
  create: () => Widget;
}

/** Add the command of a kind; it activates a document that is open already. */
function addKind(options: IDocumentOptions, kind: IKind): void {
  const open = opening(options, kind);
  options.app.commands.addCommand(kind.command, {
    label: kind.label,
    caption: kind.caption,
    describedBy: kind.describedBy,
    execute: async args => open(await kind.show(args), args)
  });
}

/** A function that opens or activates a document of a kind. */
function opening(
  { app, restorer, hasTabs }: IDocumentOptions,
  { kind, command }: IKind
): (shown: IShown, args: ReadonlyPartialJSONObject) => MainAreaWidget {
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
  return (shown, args) => {
    const id = `jp-etl-${kind}-${shown.key}`;
    let widget = tracker.find(item => item.id === id);
    if (!widget) {
      widget = new MainAreaWidget({ content: shown.create() });
      widget.id = id;
      widget.title.label = shown.label;
      widget.title.caption = shown.caption;
      widget.title.icon = shown.icon;
      widget.title.closable = true;
      // The command opens it again after a reload.
      opened.set(id, args);
      widget.disposed.connect(() => opened.delete(id));
      void tracker.add(widget);
      // The main area of Notebook 7 takes only one document.
      app.shell.add(widget, hasTabs ? 'main' : 'down');
    }
    app.shell.activateById(id);
    return widget;
  };
}
