import * as React from 'react';

import type {
  IPublicationDetails,
  IPublicationVersion,
  IVersionDifference
} from '../../api';
import { HoldCard } from '../runs/holdCard';
import { Action } from '../shared/action';
import { useEtl, useModel } from '../shared/context';
import { DataTable } from '../shared/dataTable';
import { ErrorNotice } from '../shared/notice';
import { type IFetched, useFetched } from '../shared/useFetched';
import { imageType, ImageView, ReportView } from './content';
import { VersionDifferenceView } from './difference';
import { kindLabel } from './publicationRow';
import { VersionTable } from './versionTable';

const PREVIEW_ROWS = 20;

/** A publication: content, how to read it, versions and their differences. */
export function PublicationPage(props: { name: string }): JSX.Element {
  const { trans } = useEtl();
  const model = useModel();
  const { name } = props;
  const key = `publication:${name}`;
  const { value, error, retry } = useFetched(
    () => model.client.publication(name),
    [model, name]
  );
  React.useEffect(() => {
    model.versionsChanged.connect(retry);
    return () => {
      model.versionsChanged.disconnect(retry);
    };
  }, [model, retry]);
  const problem = model.problem(key);
  const pending = model.holds.items.filter(hold => hold.names.includes(name));
  return (
    <>
      <div className="jp-EtlPreview-head">
        <h2>{name}</h2>
        <span className="jp-EtlPage-about">
          {value ? about(value, kindLabel(value.kind, trans)) : ''}
        </span>
        <Action label={trans.__('Refresh')} text onClick={retry} />
      </div>
      {error ? <ErrorNotice error={error} onRetry={retry} /> : null}
      {problem ? (
        <ErrorNotice error={problem} onDismiss={() => model.dismiss(key)} />
      ) : null}
      {pending.map(hold => (
        <HoldCard key={hold.run} hold={hold} />
      ))}
      {value ? (
        <Sections publication={value} />
      ) : error ? null : (
        <div className="jp-EtlWaiting" role="status">
          {trans.__('Loading…')}
        </div>
      )}
    </>
  );
}

function Sections(props: { publication: IPublicationDetails }): JSX.Element {
  const { model, trans } = useEtl();
  const { publication } = props;
  const { name, history } = publication;
  const [pair, setPair] = React.useState<readonly [number, number] | null>(
    null
  );
  const newest = publication.live ?? publication.draft;
  const compared = useFetched<IVersionDifference | null>(
    () =>
      pair
        ? model.client.diff(name, { before: pair[0], after: pair[1] })
        : Promise.resolve(null),
    [model, name, pair]
  );
  const shown = React.useRef<HTMLElement>(null);
  React.useEffect(() => {
    if (compared.value) {
      shown.current?.scrollIntoView({ block: 'nearest' });
    }
  }, [compared.value]);
  return (
    <>
      {newest ? (
        <section aria-label={trans.__('Content')}>
          <h3>{trans.__('Content')}</h3>
          <Content version={newest} />
        </section>
      ) : null}
      <section aria-label={trans.__('How to read it')}>
        <h3>{trans.__('How to read it')}</h3>
        <ReadingLines publication={publication} />
      </section>
      <section aria-label={trans.__('History')}>
        <h3>{trans.__('History')}</h3>
        {history.length ? (
          <VersionTable
            versions={history}
            onCompare={(before, after) => setPair([before, after])}
          />
        ) : (
          <p>{trans.__('Only drafts so far.')}</p>
        )}
      </section>
      {history.length > 1 && newest?.what.kind !== 'report' ? (
        <section aria-label={trans.__('Compare')} ref={shown}>
          <h3>{trans.__('Compare')}</h3>
          <Compare
            versions={history}
            pair={pair ?? [history[1].number, history[0].number]}
            onChange={setPair}
          />
          {pair ? <Compared pair={pair} fetched={compared} /> : null}
        </section>
      ) : null}
    </>
  );
}

function Content(props: { version: IPublicationVersion }): JSX.Element | null {
  const { trans } = useEtl();
  const { version } = props;
  const type = imageType(version);
  if (type) {
    return <ImageView version={version} type={type} />;
  }
  if (version.what.kind === 'report') {
    return <ReportView version={version} />;
  }
  return version.what.columns.length ? (
    <Rows version={version} />
  ) : (
    <p>{trans.__('This file has no preview. Download it to view it.')}</p>
  );
}

function Rows(props: { version: IPublicationVersion }): JSX.Element {
  const { model, trans } = useEtl();
  const { name, number, draft } = props.version;
  const { value, error, retry } = useFetched(
    () =>
      model.client.previewPublication(
        name,
        { version: number, draft },
        PREVIEW_ROWS
      ),
    [model, name, number, draft]
  );
  if (error) {
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  return value ? (
    <DataTable preview={value} label={name} />
  ) : (
    <div className="jp-EtlWaiting" role="status">
      {trans.__('Loading…')}
    </div>
  );
}

function Compare(props: {
  versions: IPublicationVersion[];
  pair: readonly [number, number];
  onChange: (pair: readonly [number, number]) => void;
}): JSX.Element {
  const { trans } = useEtl();
  const [before, after] = props.pair;
  return (
    <div className="jp-EtlPage-compare">
      <VersionChoice
        label={trans.__('Before')}
        versions={props.versions}
        value={before}
        onChange={number => props.onChange([number, after])}
      />
      <VersionChoice
        label={trans.__('After')}
        versions={props.versions}
        value={after}
        onChange={number => props.onChange([before, number])}
      />
      <Action
        label={trans.__('Compare')}
        of={trans.__('the selected versions')}
        text
        onClick={() => props.onChange([before, after])}
      />
    </div>
  );
}

function VersionChoice(props: {
  label: string;
  versions: IPublicationVersion[];
  value: number;
  onChange: (number: number) => void;
}): JSX.Element {
  return (
    <label>
      {props.label}{' '}
      <select
        value={props.value}
        onChange={event => props.onChange(Number(event.target.value))}
      >
        {props.versions
          .filter(version => version.pruned_at === null)
          .map(({ number }) => (
            <option key={number} value={number}>
              {`v${number}`}
            </option>
          ))}
      </select>
    </label>
  );
}

function Compared(props: {
  pair: readonly [number, number];
  fetched: IFetched<IVersionDifference | null>;
}): JSX.Element {
  const { trans } = useEtl();
  const { value, error, retry } = props.fetched;
  const [before, after] = props.pair;
  if (error) {
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  return value && value.before === before && value.after === after ? (
    <VersionDifferenceView found={value} />
  ) : (
    <div className="jp-EtlWaiting" role="status">
      {trans.__('Loading…')}
    </div>
  );
}

function about(publication: IPublicationDetails, kind: string): string {
  return [kind, publication.owner, publication.pipeline]
    .filter(Boolean)
    .join(' · ');
}

/** The code that reads a publication: in Python, on the command line and in other engines. */
export function ReadingLines(props: {
  publication: IPublicationDetails;
}): JSX.Element {
  const { model, opener, trans } = useEtl();
  const {
    draft,
    history,
    kind,
    lines,
    live,
    name,
    ways_in: ways
  } = props.publication;
  const rows = ((live ?? draft)?.what.columns.length ?? 0) > 0;
  const shown = [
    ...(rows
      ? [
          {
            engine: 'Python',
            code: lines.python
          }
        ]
      : []),
    ...(rows && live && history.length
      ? [
          {
            engine: trans.__('Python, this version'),
            code: history[0].lines?.python ?? lines.python
          }
        ]
      : []),
    { engine: trans.__('Command line'), code: lines.read },
    ...ways.map(way => ({ ...way, engine: ENGINES[way.engine] ?? way.engine })),
    ...(live
      ? [{ engine: trans.__('Location'), code: live.what.location }]
      : []),
    ...(live && kind !== 'table'
      ? [
          {
            engine: trans.__('Link to the newest version'),
            code: model.client.contentUrl(name)
          }
        ]
      : [])
  ];
  return (
    <dl className="jp-EtlReadingLines">
      {shown.map(({ engine, code }) => (
        <React.Fragment key={engine}>
          <dt>{engine}</dt>
          <dd>
            <code>{code}</code>
            <Action
              label={trans.__('Copy')}
              of={engine}
              text
              onClick={() => opener.copy(code)}
            />
          </dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

const ENGINES: Record<string, string> = {
  polars: 'polars',
  duckdb: 'DuckDB',
  spark: 'Spark',
  trino: 'Trino'
};
