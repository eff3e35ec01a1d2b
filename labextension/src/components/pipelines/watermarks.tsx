import * as React from 'react';

import type { IWatermark } from '../../api';
import { Action } from '../shared/action';
import { useEtl } from '../shared/context';
import { retryIcon } from '../shared/icons';
import { ErrorNotice } from '../shared/notice';
import { Ago } from '../shared/clock';
import { useFetched } from '../shared/useFetched';

/** The watermarks of the incremental loads of a pipeline; nothing where it has none. */
export function Watermarks(props: {
  pipeline: string;
  /** Fetches again when it changes. */
  lastRun: string;
}): JSX.Element | null {
  const { model, opener, trans } = useEtl();
  const { pipeline } = props;
  const { value, error, retry } = useFetched(
    () => model.client.watermarks(pipeline),
    [model, pipeline, props.lastRun]
  );
  const reset = async (mark: IWatermark) => {
    const sure = await opener.confirm({
      title: trans.__('Reset the watermark of %1?', mark.table),
      body: trans.__(
        'The next run of %1 reads all rows of %2 again, not only those after %3 = %4. If it appends, rows may be duplicated.',
        pipeline,
        mark.table,
        mark.since,
        mark.value ?? '—'
      ),
      accept: trans.__('Reset'),
      warn: true
    });
    if (sure && (await model.resetWatermark(mark))) {
      retry();
    }
  };
  if (error) {
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  if (!value?.length) {
    return null;
  }
  return (
    <ul className="jp-EtlWatermarks" aria-label={trans.__('Watermarks')}>
      {value.map(mark => (
        <li key={`${mark.table} ${mark.since}`}>
          <div>
            <code>{`${mark.table}.${mark.since}`}</code>{' '}
            {mark.value === null
              ? trans.__('starts at the first row')
              : trans.__('up to %1', mark.value)}
            <div className="jp-EtlWatermarks-by">
              {mark.run === null
                ? trans.__('set by %1', mark.by)
                : trans.__('run %1', mark.run)}{' '}
              <Ago at={mark.at} />
            </div>
          </div>
          {mark.value !== null ? (
            <Action
              label={trans.__('Reset')}
              of={`${mark.table} ${mark.since}`}
              line={mark.lines.reset}
              icon={retryIcon}
              text
              onClick={() => void reset(mark)}
            />
          ) : null}
        </li>
      ))}
    </ul>
  );
}
