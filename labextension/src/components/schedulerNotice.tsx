import { copyIcon, terminalIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { lines } from '../model';
import { Action } from './action';
import { useEtl } from './context';
import { Notice } from './notice';

/** Said when no scheduler is alive: nothing starts by itself then. */
export function SchedulerNotice(): JSX.Element {
  const { opener, trans } = useEtl();
  const { openTerminal } = opener;
  return (
    <Notice
      shape="late"
      label={trans.__('No scheduler')}
      actions={
        <>
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
        {trans.__('Start one in a terminal:')} <code>{lines.up}</code>
      </p>
    </Notice>
  );
}
