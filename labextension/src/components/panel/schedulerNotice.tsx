import { copyIcon, terminalIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Action } from '../shared/action';
import { useEtl, useModel } from '../shared/context';
import { Notice } from '../shared/notice';

const UP = 'jupyter etl up';

/** Shown while no scheduler is running. */
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
            label={
              starting ? trans.__('Starting…') : trans.__('Start scheduler')
            }
            line={UP}
            text
            primary
            disabled={starting}
            onClick={() => void model.startScheduler()}
          />
          <Action
            label={trans.__('Copy')}
            line={UP}
            icon={copyIcon}
            text
            onClick={() => opener.copy(UP)}
          />
          {openTerminal ? (
            <Action
              label={trans.__('Open terminal')}
              icon={terminalIcon}
              text
              onClick={openTerminal}
            />
          ) : null}
        </>
      }
    >
      <p className="jp-EtlNotice-message">
        {trans.__('No scheduler is running, so no runs start.')}
      </p>
      <p className="jp-EtlNotice-hint">
        {trans.__('Start one here, or in a terminal:')} <code>{UP}</code>
      </p>
      {problem ? (
        <p className="jp-EtlNotice-hint" role="alert">
          {`${problem.message} ${problem.hint}`.trim()}
        </p>
      ) : null}
    </Notice>
  );
}
