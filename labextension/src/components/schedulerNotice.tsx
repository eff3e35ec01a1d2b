import { copyIcon, terminalIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { lines } from '../model';
import { Action } from './action';
import { useEtl, useModel } from './context';
import { Notice } from './notice';

/** Said when no scheduler is alive: nothing starts by itself then. */
export function SchedulerNotice(): JSX.Element {
  const { opener, trans } = useEtl();
  const model = useModel();
  const { openTerminal } = opener;
  const starting = model.busy('scheduler');
  const problem = model.problem('scheduler');
  return (
    <Notice
      shape="late"
      label={trans.__('No scheduler')}
      actions={
        <>
          <Action
            label={starting ? trans.__('Starting …') : trans.__('Start')}
            of={trans.__('a scheduler')}
            line={lines.up}
            text
            primary
            disabled={starting}
            onClick={() => void model.startScheduler()}
          />
          <Action
            label={trans.__('Copy')}
            line={lines.up}
            icon={copyIcon}
            text
            onClick={() => opener.copy(lines.up)}
          />
          {openTerminal ? (
            <Action
              label={trans.__('Open a terminal')}
              icon={terminalIcon}
              text
              onClick={openTerminal}
            />
          ) : null}
        </>
      }
    >
      <p className="jp-EtlNotice-message">
        {trans.__('No scheduler is alive: nothing starts by itself.')}
      </p>
      <p className="jp-EtlNotice-hint">
        {trans.__('Start one here, or in a terminal:')} <code>{lines.up}</code>
      </p>
      {problem ? (
        <p className="jp-EtlNotice-hint" role="alert">
          {`${problem.message} ${problem.hint}`.trim()}
        </p>
      ) : null}
    </Notice>
  );
}
