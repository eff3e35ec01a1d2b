import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ILines } from '../../api';
import { Action } from './action';
import { useEtl } from './context';

/** The line that does the same as a form, with a button that copies it. */
export function EquivalentLine(props: {
  /** Null until the server has written them. */
  lines: ILines | null;
  /** Which of the two is shown; the other one where this one cannot hold the values. */
  prefer: keyof ILines;
  /** Whether the lines are those of an older request. */
  stale: boolean;
}): JSX.Element {
  const { opener, trans } = useEtl();
  const { lines, prefer } = props;
  const line = lines ? lines[prefer] || lines.magic || lines.shell : '';
  const title = line.startsWith('%')
    ? trans.__('Equivalent cell')
    : trans.__('Equivalent command');
  return (
    <section className="jp-EtlLine" aria-label={title} aria-busy={props.stale}>
      <div className="jp-EtlForm-title">{title}</div>
      <code>{line}</code>
      <Action
        label={trans.__('Copy line')}
        icon={copyIcon}
        disabled={!line || props.stale}
        onClick={() => opener.copy(line)}
      />
    </section>
  );
}
