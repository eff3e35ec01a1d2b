import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IEndpoint } from '../../api';
import { formatCount } from '../../model';
import { Action } from '../shared/action';
import { useEtl } from '../shared/context';
import { ErrorNotice } from '../shared/notice';
import { Facts } from '../shared/row';

/** Which versions of an endpoint answer, its calls, and how to call it. */
export function EndpointDetails(props: {
  name: string;
  endpoint: IEndpoint;
  onChange: () => void;
}): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { name, endpoint, onChange } = props;
  const { calls, errors, refused, p50_ms, p95_ms, lines } = endpoint;
  const problem = model.problem(`publication:${name}`);
  const promote = async (version: number) => {
    const sure = await opener.confirm({
      title: trans.__('Promote version %1 of %2?', version, name),
      body: trans.__(
        'It answers all calls from now on. A canary, shadow or split ends. To undo it, promote version %1.',
        endpoint.live
      ),
      accept: trans.__('Promote')
    });
    if (sure && (await model.promote(name, version))) {
      onChange();
    }
  };
  return (
    <>
      <Facts
        facts={[
          [
            trans.__('Kind'),
            endpoint.kind === 'query' ? trans.__('Query') : trans.__('Function')
          ],
          [trans.__('Answers'), endpoint.answers],
          [
            trans.__('Calls, 24 hours'),
            [
              formatCount(calls),
              errors ? trans.__('%1 failed', formatCount(errors)) : '',
              refused ? trans.__('%1 refused', formatCount(refused)) : ''
            ]
              .filter(Boolean)
              .join(' · ')
          ],
          p50_ms !== null && p95_ms !== null
            ? [
                trans.__('Duration'),
                trans.__('%1 ms, p95 %2 ms', p50_ms, p95_ms)
              ]
            : null
        ]}
      />
      <div className="jp-EtlRow-buttons">
        <Action
          label={trans.__('Copy curl line')}
          of={name}
          line={lines.curl}
          icon={copyIcon}
          text
          onClick={() => opener.copy(lines.curl)}
        />
        <Action
          label={trans.__('Copy Python line')}
          of={name}
          line={lines.python}
          icon={copyIcon}
          text
          onClick={() => opener.copy(lines.python)}
        />
        {endpoint.versions
          .filter(version => version !== endpoint.live)
          .map(version => (
            <Action
              key={version}
              label={trans.__('Promote v%1', version)}
              of={name}
              line={lines.promote[String(version)]}
              text
              onClick={() => void promote(version)}
            />
          ))}
      </div>
      {problem ? <ErrorNotice error={problem} /> : null}
    </>
  );
}
