import type { TranslationBundle } from '@jupyterlab/translation';
import { fileIcon, type LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IPublicationView, PublicationKind } from '../../api';
import { formatBytes, formatCount } from '../../model';
import { useEtl } from '../shared/context';
import { apiIcon, reportIcon, tableIcon } from '../shared/icons';
import { Ago } from '../shared/clock';
import { PublicationActions } from './publicationDetails';
import { PublicationDetails } from './publicationDetails';
import { Row } from '../shared/row';
import { Status } from '../shared/status';

const ICONS: Record<PublicationKind, LabIcon> = {
  table: tableIcon,
  file: fileIcon,
  report: reportIcon,
  api: apiIcon
};

/** A publication: kind, version, size and age. */
export const PublicationRow = React.memo(function PublicationRow(props: {
  publication: IPublicationView;
}): JSX.Element {
  const { trans } = useEtl();
  const { publication } = props;
  const [open, setOpen] = React.useState(false);
  const Icon = ICONS[publication.kind];
  const version = publication.live ?? publication.draft;
  return (
    <Row
      kind="publication"
      name={publication.name}
      open={open}
      onToggle={() => setOpen(!open)}
      sign={
        <span
          className="jp-EtlKind"
          role="img"
          aria-label={kindLabel(publication.kind, trans)}
          title={kindLabel(publication.kind, trans)}
        >
          <Icon.react tag="span" />
        </span>
      }
      title={version?.what.title || publication.name}
      aside={version ? <Ago at={version.published_at} /> : null}
      actions={<PublicationActions publication={publication} />}
      lines={
        <div className="jp-EtlRow-line">
          <Fresh publication={publication} />
          <span className="jp-EtlRow-text">{linesOf(publication, trans)}</span>
        </div>
      }
    >
      <PublicationDetails publication={publication} />
    </Row>
  );
});

function Fresh(props: { publication: IPublicationView }): JSX.Element | null {
  const { trans } = useEtl();
  switch (props.publication.fresh) {
    case 'ok':
      return <Status shape="ok" label={trans.__('Fresh')} />;
    case 'warn':
      return <Status shape="late" label={trans.__('Stale soon')} />;
    case 'error':
      return <Status shape="failing" label={trans.__('Stale')} />;
    case 'none':
      return null;
  }
}

function linesOf(
  publication: IPublicationView,
  trans: TranslationBundle
): string {
  const { live, draft, name } = publication;
  const version = live ?? draft;
  if (!version) {
    return '';
  }
  const { rows, bytes, title } = version.what;
  return [
    freshWord(publication, trans),
    live ? `v${version.number}` : trans.__('draft %1', version.number),
    rows !== null
      ? trans._n('%2 row', '%2 rows', rows, formatCount(rows))
      : bytes
        ? formatBytes(bytes)
        : '',
    title ? name : '',
    publication.pipeline || trans.__('interactive')
  ]
    .filter(Boolean)
    .join(' · ');
}

function freshWord(
  publication: IPublicationView,
  trans: TranslationBundle
): string {
  switch (publication.fresh) {
    case 'ok':
      return trans.__('fresh');
    case 'warn':
      return trans.__('stale soon');
    case 'error':
      return trans.__('stale');
    case 'none':
      return '';
  }
}

/** The kind of a publication in a word. */
export function kindLabel(
  kind: PublicationKind,
  trans: TranslationBundle
): string {
  switch (kind) {
    case 'table':
      return trans.__('Table');
    case 'file':
      return trans.__('File');
    case 'report':
      return trans.__('Report');
    case 'api':
      return trans.__('API');
  }
}
