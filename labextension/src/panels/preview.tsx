import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  DataTable,
  ErrorNotice,
  EtlProvider,
  useEtl,
  useFetched,
  type IEtlContext,
  type IPreviewTarget
} from '../components';
import { Action } from '../components/shared/action';

const STEP = 20;
const MOST = 500;

/** The name under which a preview is shown. */
export function previewName(target: IPreviewTarget): string {
  const name = target.table ? `${target.name}.${target.table}` : target.name;
  if (target.held) {
    return `${name} #${target.held}`;
  }
  const version = target.version ? ` v${target.version}` : '';
  return `${name}${version}`;
}

/** The first rows of a source, a publication, or the staged output of a held run. */
export class PreviewBody extends ReactWidget {
  constructor(options: { context: IEtlContext; target: IPreviewTarget }) {
    super();
    this._context = options.context;
    this._target = options.target;
    this.addClass('jp-EtlPreview');
  }

  protected override render(): JSX.Element {
    return (
      <EtlProvider value={this._context}>
        <PreviewView target={this._target} />
      </EtlProvider>
    );
  }

  private _context: IEtlContext;
  private _target: IPreviewTarget;
}

/** The rows, and the line that shows them. */
export function PreviewView(props: { target: IPreviewTarget }): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { target } = props;
  const { kind, name, table = '', version, draft, held } = target;
  const [limit, setLimit] = React.useState(STEP);
  const { value, error, retry } = useFetched(
    () =>
      kind === 'source'
        ? model.client.previewSource(name, table, limit)
        : model.client.previewPublication(
            name,
            held ? { held } : { version, draft },
            limit
          ),
    [model, kind, name, table, version, draft, held, limit]
  );
  const line = value?.line ?? '';
  const more = value !== null && value.rows.length >= limit && limit < MOST;
  return (
    <>
      <div className="jp-EtlPreview-head">
        <h2>{previewName(target)}</h2>
        {line ? (
          <>
            <code>{line}</code>
            <Action
              label={trans.__('Copy line')}
              text
              onClick={() => opener.copy(line)}
            />
          </>
        ) : null}
        {more ? (
          <Action
            label={trans.__('Show more')}
            text
            onClick={() => setLimit(Math.min(MOST, limit * 5))}
          />
        ) : null}
        <Action label={trans.__('Refresh')} text onClick={retry} />
      </div>
      {error ? <ErrorNotice error={error} onRetry={retry} /> : null}
      {value ? (
        <DataTable preview={value} label={previewName(target)} />
      ) : error ? null : (
        <div className="jp-EtlWaiting" role="status">
          {trans.__('Loading…')}
        </div>
      )}
    </>
  );
}
