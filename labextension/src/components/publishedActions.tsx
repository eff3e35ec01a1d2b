import {
  copyIcon,
  downloadIcon,
  launchIcon,
  searchIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IPublicationView } from '../api';
import { lines } from '../model';
import { Action } from './action';
import { useEtl } from './context';

/** The buttons that show a publication. */
export function PublishedActions(props: {
  publication: IPublicationView;
  text?: boolean;
}): JSX.Element {
  const { opener, trans } = useEtl();
  const { name, kind, live } = props.publication;
  const which = { draft: live === null };
  return (
    <>
      {kind === 'table' || kind === 'api' ? (
        <Action
          label={trans.__('Preview')}
          of={name}
          line={live ? lines.preview(name) : lines.python(name, which)}
          icon={searchIcon}
          text={props.text}
          onClick={() =>
            opener.preview({ kind: 'publication', name, ...which })
          }
        />
      ) : null}
      {kind === 'report' ? (
        <Action
          label={trans.__('Open report')}
          of={name}
          icon={launchIcon}
          text={props.text}
          onClick={() => opener.openReport(name, which)}
        />
      ) : null}
      {kind === 'file' ? (
        <Action
          label={trans.__('Download')}
          of={name}
          line={lines.read(props.publication)}
          icon={downloadIcon}
          text={props.text}
          onClick={() => opener.download(name, which)}
        />
      ) : null}
      {kind === 'table' ? (
        <Action
          label={trans.__('Copy Python line')}
          of={name}
          line={lines.python(name, which)}
          icon={copyIcon}
          text={props.text}
          onClick={() => opener.copy(lines.python(name, which))}
        />
      ) : null}
      {props.text ? (
        <Action
          label={trans.__('Open page')}
          of={name}
          line={lines.history(name)}
          icon={launchIcon}
          text
          onClick={() => opener.openPublication(name)}
        />
      ) : null}
      {props.text ? (
        <Action
          label={trans.__('Copy command')}
          of={name}
          line={lines.read(props.publication)}
          icon={copyIcon}
          text
          onClick={() => opener.copy(lines.read(props.publication))}
        />
      ) : null}
    </>
  );
}
