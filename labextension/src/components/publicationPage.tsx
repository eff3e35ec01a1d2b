import * as React from 'react';

import type {
  IPublicationDetails,
  IPublicationVersion,
  IVersionDifference
} from '../api';
import { Action } from './action';
import { imageType, ImageView, ReportView } from './contentView';
import { useEtl, useModel } from './context';
import { DataTable } from './dataTable';
import { VersionDifferenceView } from './difference';
import { HoldCard } from './holdCard';
import { ErrorNotice } from './notice';
import { kindLabel } from './publishedRow';
import { ReadIt } from './readIt';
import { useFetched, type IFetched } from './useFetched';
import { VersionTable } from './versionTable';

const PREVIEW_ROWS = 20;

/** A publication: what it holds, how to read it, its versions and how they differ. */
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
  const waiting = model.holds.items.filter(hold => hold.names.includes(name));
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
      {waiting.map(hold => (
        <HoldCard key={hold.run} hold={hold} />
      ))}
      {value ? (
        <Sections publication={value} />
      ) : error ? null : (
        <div className="jp-EtlWaiting" role="status">
          {trans.__('Loading …')}
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
        <section aria-label={trans.__('What it holds')}>
          <h3>{trans.__('What it holds')}</h3>
          <Content version={newest} />
        </section>
      ) : null}
      <section aria-label={trans.__('Read it')}>
        <h3>{trans.__('Read it')}</h3>
        <ReadIt publication={publication} />
      </section>
      <section aria-label={trans.__('History')}>
        <h3>{trans.__('History')}</h3>
        {history.length ? (
          <VersionTable
            versions={history}
            onCompare={(before, after) => setPair([before, after])}
          />
        ) : (
          <p>{trans.__('There are only drafts so far.')}</p>
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
    <p>{trans.__('A file without a preview; download it to look at it.')}</p>
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
      {trans.__('Loading …')}
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
        of={trans.__('the chosen versions')}
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
      {trans.__('Loading …')}
    </div>
  );
}

function about(publication: IPublicationDetails, kind: string): string {
  return [kind, publication.owner, publication.pipeline]
    .filter(Boolean)
    .join(' · ');
}
