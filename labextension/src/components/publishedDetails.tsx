import * as React from 'react';

import type { IPublicationView, IPublicationVersion } from '../api';
import { formatCount, formatDuration, lines } from '../model';
import { Action } from './action';
import { Columns } from './columns';
import { imageType, ImageView } from './contentView';
import { useEtl } from './context';
import { ErrorNotice } from './notice';
import { Ago } from './now';
import { PublishedActions } from './publishedActions';
import { Facts } from './row';
import { useFetched } from './useFetched';

const SHOWN = 8;

/** What a publication holds, how to read it, and its versions. */
export function PublishedDetails(props: {
  publication: IPublicationView;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { publication } = props;
  const {
    value: details,
    error,
    retry
  } = useFetched(
    () => model.client.publication(publication.name),
    [model, publication.name, publication.live?.number]
  );
  const version = publication.live ?? publication.draft;
  const { freshness } = publication;
  const image = version ? imageType(version) : null;
  return (
    <>
      <Facts
        facts={[
          [trans.__('Name'), publication.name],
          [trans.__('Owner'), publication.owner],
          publication.pipeline
            ? [trans.__('Published by'), publication.pipeline]
            : null,
          freshness?.error_s || freshness?.warn_s
            ? [
                trans.__('Promise'),
                trans.__(
                  'at most %1 old',
                  formatDuration(freshness.error_s ?? freshness.warn_s ?? 0)
                )
              ]
            : null,
          version?.what.content_hash
            ? [
                trans.__('SHA-256'),
                <code
                  key="hash"
                  className="jp-Etl-break"
                  title={version.what.content_hash}
                >
                  {version.what.content_hash.slice(0, 16)}
                </code>
              ]
            : null,
          version?.note ? [trans.__('Note'), version.note] : null
        ]}
      />
      {version?.what.columns.length ? (
        <Columns columns={version.what.columns} />
      ) : null}
      {version && image ? (
        <ImageView version={version} type={image} thumbnail />
      ) : null}
      <div className="jp-EtlRow-buttons">
        <PublishedActions publication={publication} text />
      </div>
      {error ? <ErrorNotice error={error} onRetry={retry} /> : null}
      {details?.history.length ? <History versions={details.history} /> : null}
    </>
  );
}

function History(props: { versions: IPublicationVersion[] }): JSX.Element {
  const { model, opener, trans } = useEtl();
  const newest = [...props.versions].sort((a, b) =>
    b.published_at.localeCompare(a.published_at)
  );
  return (
    <ul
      className="jp-EtlVersions"
      aria-label={trans.__('Versions')}
      title={lines.history(newest[0].name)}
    >
      {newest.slice(0, SHOWN).map(version => (
        <li key={`${version.draft}-${version.number}`}>
          <span className="jp-EtlVersions-number">
            {version.draft
              ? trans.__('draft %1', version.number)
              : `v${version.number}`}
          </span>
          <span className="jp-EtlVersions-rows" title={trans.__('Rows')}>
            {version.what.rows === null ? '' : formatCount(version.what.rows)}
          </span>
          {version.run_id !== null ? (
            <Action
              label={`#${version.run_id}`}
              of={trans.__('open the run')}
              text
              onClick={() => {
                model.filterRuns({ pipeline: version.pipeline, state: '' });
                model.openRun = version.run_id;
                model.tab = 'runs';
              }}
            />
          ) : version.what.columns.length ? (
            <Action
              label={trans.__('Preview')}
              of={`${version.name} ${version.number}`}
              text
              onClick={() =>
                opener.preview({
                  kind: 'publication',
                  name: version.name,
                  version: version.number,
                  draft: version.draft
                })
              }
            />
          ) : (
            <span />
          )}
          <Ago at={version.published_at} />
        </li>
      ))}
    </ul>
  );
}
