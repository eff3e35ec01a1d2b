import {
  copyIcon,
  downloadIcon,
  launchIcon,
  searchIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IPublicationVersion, IPublicationView } from '../../api';
import { formatCount, formatDuration } from '../../model';
import { Action } from '../shared/action';
import { Ago } from '../shared/clock';
import { useEtl } from '../shared/context';
import { Columns } from '../shared/dataTable';
import { ErrorNotice } from '../shared/notice';
import { Facts } from '../shared/row';
import { useFetched } from '../shared/useFetched';
import { imageType, ImageView } from './content';
import { EndpointDetails } from './endpointDetails';

const SHOWN = 8;

/** The facts of a publication, its actions and versions. */
export function PublicationDetails(props: {
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
            ? [trans.__('Pipeline'), publication.pipeline]
            : null,
          freshness?.error_s || freshness?.warn_s
            ? [
                trans.__('Freshness'),
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
      {details?.endpoint ? (
        <EndpointDetails
          name={publication.name}
          endpoint={details.endpoint}
          onChange={retry}
        />
      ) : null}
      <div className="jp-EtlRow-buttons">
        <PublicationActions publication={publication} text />
      </div>
      {error ? <ErrorNotice error={error} onRetry={retry} /> : null}
      {details?.history.length ? (
        <History versions={details.history} line={details.lines.history} />
      ) : null}
    </>
  );
}

function History(props: {
  versions: IPublicationVersion[];
  line: string;
}): JSX.Element {
  const { model, opener, trans } = useEtl();
  const newest = [...props.versions].sort((a, b) =>
    b.published_at.localeCompare(a.published_at)
  );
  return (
    <ul
      className="jp-EtlVersions"
      aria-label={trans.__('Versions')}
      title={props.line}
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

/** The buttons of a publication. */
export function PublicationActions(props: {
  publication: IPublicationView;
  text?: boolean;
}): JSX.Element {
  const { opener, trans } = useEtl();
  const { kind, lines, live, name } = props.publication;
  const which = { draft: live === null };
  return (
    <>
      {kind === 'table' ? (
        <Action
          label={trans.__('Preview')}
          of={name}
          line={lines.preview}
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
          line={lines.read}
          icon={downloadIcon}
          text={props.text}
          onClick={() => opener.download(name, which)}
        />
      ) : null}
      {kind === 'table' ? (
        <Action
          label={trans.__('Copy Python code')}
          of={name}
          line={lines.python}
          icon={copyIcon}
          text={props.text}
          onClick={() => opener.copy(lines.python)}
        />
      ) : null}
      {props.text ? (
        <Action
          label={trans.__('Open page')}
          of={name}
          line={lines.history}
          icon={launchIcon}
          text
          onClick={() => opener.openPublication(name)}
        />
      ) : null}
      {props.text ? (
        <Action
          label={trans.__('Copy command')}
          of={name}
          line={lines.read}
          icon={copyIcon}
          text
          onClick={() => opener.copy(lines.read)}
        />
      ) : null}
    </>
  );
}
