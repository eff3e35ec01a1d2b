import {
  Clipboard,
  Dialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { toApiError, type EtlClient } from './api';
import type { IOpener } from './components';
import { CommandIDs } from './ids';

const BRIEF_MS = 2500;

/** What the application does for the panel, by its commands. */
export function createOpener(options: {
  commands: CommandRegistry;
  client: EtlClient;
  contents: Pick<Contents.IManager, 'get'>;
  trans: TranslationBundle;
}): IOpener {
  const { commands, client, contents, trans } = options;
  const run = (id: string, args: Record<string, unknown> = {}) => {
    commands.execute(id, JSON.parse(JSON.stringify(args))).catch(reason => {
      const { message, hint } = toApiError(reason);
      Notification.error(`${message} ${hint}`.trim());
    });
  };
  return {
    openNotebook: (path, pipeline) => {
      contents.get(path, { content: false }).then(
        () => run('docmanager:open', { path, factory: 'Notebook' }),
        reason => {
          const gone = reason?.response?.status === 404;
          Notification.error(
            gone
              ? trans.__(
                  'There is no notebook at %1. It was renamed, moved or deleted.',
                  path
                )
              : toApiError(reason).message,
            gone
              ? {
                  autoClose: false,
                  actions: [
                    {
                      label: trans.__('Relink'),
                      caption: trans.__('Set the path of the notebook'),
                      callback: () => run(CommandIDs.relink, { pipeline })
                    }
                  ]
                }
              : {}
          );
        }
      );
    },
    relink: pipeline => run(CommandIDs.relink, { pipeline }),
    runNow: pipeline => run(CommandIDs.trigger, { pipeline }),
    schedule: path => run(CommandIDs.schedule, { path }),
    openRun: (id, at) =>
      run(CommandIDs.openRun, { id, atFailure: at !== undefined, ...at }),
    openLog: id => run(CommandIDs.openLog, { id }),
    preview: target => run(CommandIDs.preview, { ...target }),
    openReport: (name, which) => run(CommandIDs.openReport, { name, ...which }),
    download: (name, which) => {
      client.content(name, which).then(
        blob => save(blob, name),
        reason => {
          const { message, hint } = toApiError(reason);
          Notification.error(`${message} ${hint}`.trim());
        }
      );
    },
    openPublication: name => run(CommandIDs.openPublication, { name }),
    confirm: async ({ title, body, accept, warn }) => {
      const label = { label: accept };
      const { button } = await showDialog({
        title,
        body,
        buttons: [
          Dialog.cancelButton(),
          warn ? Dialog.warnButton(label) : Dialog.okButton(label)
        ]
      });
      return button.accept;
    },
    insertCell: source => run(CommandIDs.insertCell, { source }),
    copy: text => {
      Clipboard.copyToSystem(text);
      Notification.info(trans.__('Copied: %1', text), { autoClose: BRIEF_MS });
    },
    get openTerminal() {
      return commands.hasCommand('terminal:create-new')
        ? () => run('terminal:create-new')
        : null;
    }
  };
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name.split('/').pop() ?? name;
  link.click();
  URL.revokeObjectURL(link.href);
}
