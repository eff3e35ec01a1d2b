import { notebookIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IHold } from '../../api';
import { formatCount } from '../../model';
import { Action } from '../shared/action';
import { Checks } from './checks';
import { useEtl, useModel } from '../shared/context';
import { DifferenceTable } from '../publications/difference';
import { ErrorNotice } from '../shared/notice';
import { Ago } from '../shared/clock';
import { heldLabel } from '../shared/status';

/** A held run: its outputs, why it is held, differences from the live versions, and the decision. */
export function HoldCard(props: { hold: IHold }): JSX.Element {
  const { opener, trans } = useEtl();
  const model = useModel();
  const { hold } = props;
  const names = hold.names.join(', ') || trans.__('run %1', hold.run);
  const key = `run:${hold.run}`;
  const problem = model.problem(key);
  const me = model.summary?.owner ?? '';
  const decide = async (approve: boolean) => {
    const sure = await opener.confirm({
      title: approve
        ? hold.names.length
          ? trans.__('Publish %1?', names)
          : trans.__('Accept %1?', names)
        : trans.__('Reject %1?', names),
      body: approve
        ? hold.names.length
          ? trans.__(
              'The outputs of run %1 become the newest versions for all readers. They are recorded as approved by %2.',
              hold.run,
              me
            )
          : trans.__(
              'Run %1 publishes nothing. It counts as succeeded and is recorded as approved by %2.',
              hold.run,
              me
            )
        : trans.__(
            'The outputs of run %1 are discarded. Live versions do not change. The run is recorded as rejected by %2.',
            hold.run,
            me
          ),
      accept: approve ? trans.__('Approve') : trans.__('Reject'),
      warn: !approve
    });
    if (sure) {
      await (approve ? model.approve(hold.run) : model.reject(hold.run));
    }
  };
  return (
    <section
      className="jp-EtlHold"
      aria-label={trans.__('Held: run %1', hold.run)}
    >
      <div className="jp-EtlFailure-head">
        <span className="jp-EtlBadge">{trans.__('Pending approval')}</span>
        <span className="jp-EtlHold-run">{trans.__('run %1', hold.run)}</span>
        <Ago at={hold.held_at} />
      </div>
      <p>{heldLabel(hold.held_by, trans)}</p>
      <Checks checks={hold.checks} />
      {hold.outputs.map(({ name, mode, rows }) => {
        const difference = hold.differences.find(item => item.name === name);
        return (
          <div key={name} className="jp-EtlHold-output">
            <h4>{name}</h4>
            {rows !== null ? (
              <Action
                label={
                  mode === 'replace'
                    ? trans._n(
                        'Preview %2 row',
                        'Preview %2 rows',
                        rows,
                        formatCount(rows)
                      )
                    : trans._n(
                        'Preview %2 new row',
                        'Preview %2 new rows',
                        rows,
                        formatCount(rows)
                      )
                }
                of={name}
                line={hold.lines.show}
                text
                onClick={() =>
                  opener.preview({ kind: 'publication', name, held: hold.run })
                }
              />
            ) : null}
            {difference ? (
              <>
                {difference.reasons.map(reason => (
                  <p key={reason}>{reason}</p>
                ))}
                <DifferenceTable
                  difference={difference}
                  label={trans.__('Changes to %1', name)}
                />
              </>
            ) : null}
          </div>
        );
      })}
      <div className="jp-EtlRow-buttons">
        <Action
          label={trans.__('Approve')}
          of={`#${hold.run}`}
          line={hold.lines.approve}
          text
          primary
          disabled={model.busy(key)}
          onClick={() => void decide(true)}
        />
        <Action
          label={trans.__('Reject')}
          of={`#${hold.run}`}
          line={hold.lines.reject}
          text
          disabled={model.busy(key)}
          onClick={() => void decide(false)}
        />
        <Action
          label={trans.__('Open executed notebook')}
          of={`#${hold.run}`}
          icon={notebookIcon}
          text
          onClick={() => opener.openRun(hold.run)}
        />
      </div>
      {problem ? (
        <ErrorNotice error={problem} onDismiss={() => model.dismiss(key)} />
      ) : null}
    </section>
  );
}

/** All runs pending approval, above a list. */
export function Holds(): JSX.Element | null {
  const { trans } = useEtl();
  const { items } = useModel().holds;
  return items.length ? (
    <section className="jp-EtlHolds" aria-label={trans.__('Pending approval')}>
      <h3 className="jp-EtlGroup-title">
        {trans.__('Pending approval · %1', items.length)}
      </h3>
      {items.map(hold => (
        <HoldCard key={hold.run} hold={hold} />
      ))}
    </section>
  ) : null;
}
