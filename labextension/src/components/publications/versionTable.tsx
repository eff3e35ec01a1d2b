import * as React from 'react';

import type { IPublicationVersion } from '../../api';
import {
  formatBytes,
  formatCount,
  formatInstant,
  formatMoment
} from '../../model';
import { Action } from '../shared/action';
import { useEtl, useModel } from '../shared/context';
import { retryIcon } from '../shared/icons';

const SHOWN = 20;

/** The live versions of a publication, with rollback. */
export function VersionTable(props: {
  /** The newest first. */
  versions: IPublicationVersion[];
  onCompare: (before: number, after: number) => void;
}): JSX.Element {
  const { trans } = useEtl();
  const [shown, setShown] = React.useState(SHOWN);
  const { versions } = props;
  return (
    <>
      <div
        className="jp-EtlPage-scroll"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Versions')}
      >
        <table className="jp-EtlPage-versions">
          <thead>
            <tr>
              <th scope="col">{trans.__('Version')}</th>
              <th scope="col" className="jp-mod-number">
                {trans.__('Rows')}
              </th>
              <th scope="col" className="jp-mod-number">
                {trans.__('Size')}
              </th>
              <th scope="col">{trans.__('Published')}</th>
              <th scope="col">{trans.__('By')}</th>
              <th scope="col">{trans.__('Run')}</th>
              <th scope="col">{trans.__('Note')}</th>
              <th scope="col">{trans.__('Actions')}</th>
            </tr>
          </thead>
          <tbody>
            {versions.slice(0, shown).map((version, index) => (
              <VersionLine
                key={version.number}
                version={version}
                newest={index === 0}
                before={versions[index + 1]?.number}
                onCompare={props.onCompare}
              />
            ))}
          </tbody>
        </table>
      </div>
      {versions.length > shown ? (
        <div className="jp-EtlMore">
          <Action
            label={trans.__('Show more')}
            text
            onClick={() => setShown(shown + 5 * SHOWN)}
          />
          <span className="jp-EtlMore-count">
            {trans.__(
              'Showing %1 of %2',
              formatCount(shown),
              formatCount(versions.length)
            )}
          </span>
        </div>
      ) : null}
    </>
  );
}

function VersionLine(props: {
  version: IPublicationVersion;
  newest: boolean;
  /** Number of the previous version; after a restore there are gaps. */
  before: number | undefined;
  onCompare: (before: number, after: number) => void;
}): JSX.Element {
  const { trans } = useEtl();
  const { version } = props;
  const { number, what, pruned_at: pruned } = version;
  return (
    <tr>
      <th scope="row">
        {`v${number}`}{' '}
        {props.newest ? (
          <span className="jp-EtlBadge">{trans.__('live')}</span>
        ) : null}
      </th>
      <td className="jp-mod-number">
        {what.rows === null ? '—' : formatCount(what.rows)}
      </td>
      <td className="jp-mod-number">{formatBytes(what.bytes)}</td>
      <td>
        <time
          dateTime={version.published_at}
          title={formatInstant(version.published_at)}
        >
          {formatMoment(version.published_at)}
        </time>
      </td>
      <td>{version.owner}</td>
      <td>
        <RunLink version={version} />
      </td>
      <td>
        {pruned ? trans.__('pruned on %1', formatMoment(pruned)) : version.note}
        {what.content_hash ? (
          <code className="jp-EtlPage-hash" title={what.content_hash}>
            {what.content_hash.slice(0, 12)}
          </code>
        ) : null}
      </td>
      <td className="jp-EtlPage-actions">
        <VersionActions {...props} />
      </td>
    </tr>
  );
}

function RunLink(props: { version: IPublicationVersion }): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { run_id: run, number } = props.version;
  return run === null ? (
    <>{trans.__('interactive')}</>
  ) : (
    <Action
      label={`#${run}`}
      of={trans.__('open the executed notebook of version %1', number)}
      text
      disabled={model.isDisposed}
      onClick={() => opener.openRun(run)}
    />
  );
}

function VersionActions(props: {
  version: IPublicationVersion;
  newest: boolean;
  before: number | undefined;
  onCompare: (before: number, after: number) => void;
}): JSX.Element | null {
  const { opener, trans } = useEtl();
  const model = useModel();
  const { before } = props;
  const { draft, lines, name, number, pruned_at: pruned, what } = props.version;
  const of = `${name} v${number}`;
  if (pruned) {
    return null;
  }
  const link = model.client.contentUrl(name, number);
  const rollback = async () => {
    const sure = await opener.confirm({
      title: trans.__('Roll back %2 to version %1?', number, name),
      body: trans.__(
        'Its content becomes the newest version for all readers. Later versions stay in the history. Watermarks of incremental loads are restored as well, so the next run reads later rows again. The rollback is recorded under %1.',
        model.summary?.owner ?? ''
      ),
      accept: trans.__('Roll back'),
      warn: true
    });
    if (sure) {
      await model.rollback(name, number);
    }
  };
  return (
    <>
      {what.columns.length ? (
        <Action
          label={trans.__('Preview')}
          of={of}
          text
          onClick={() =>
            opener.preview({
              kind: 'publication',
              name,
              version: number,
              draft
            })
          }
        />
      ) : null}
      {what.kind === 'report' ? (
        <Action
          label={trans.__('Open')}
          of={of}
          text
          onClick={() => opener.openReport(name, { version: number })}
        />
      ) : null}
      {what.kind === 'file' ? (
        <Action
          label={trans.__('Download')}
          of={of}
          text
          onClick={() => opener.download(name, { version: number })}
        />
      ) : null}
      {what.kind === 'file' || what.kind === 'report' ? (
        <Action
          label={trans.__('Copy link')}
          of={of}
          text
          onClick={() => opener.copy(link)}
        />
      ) : null}
      {before !== undefined && what.kind !== 'report' ? (
        <Action
          label={trans.__('Compare')}
          of={trans.__('%1 with the previous version', of)}
          line={lines?.diff}
          text
          onClick={() => props.onCompare(before, number)}
        />
      ) : null}
      {props.newest ? null : (
        <Action
          label={trans.__('Roll back')}
          of={of}
          line={lines?.rollback}
          icon={retryIcon}
          text
          disabled={model.busy(`publication:${name}`)}
          onClick={() => void rollback()}
        />
      )}
    </>
  );
}
