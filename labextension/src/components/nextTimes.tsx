import * as React from 'react';

import {
  toApiError,
  type ApiError,
  type IDeployRequest,
  type ISchedulePreview
} from '../api';
import { formatDuration } from '../model';
import { useEtl } from './context';
import { useNow } from './now';

const DELAY_MS = 300;

/** What the server makes of a schedule. */
export interface ISchedulePreviewState {
  preview: ISchedulePreview | null;
  error: ApiError | null;
}

/** Ask the server what a schedule means, when the typing pauses. */
export function useSchedulePreview(
  request: IDeployRequest
): ISchedulePreviewState {
  const { model } = useEtl();
  const [state, setState] = React.useState<ISchedulePreviewState>({
    preview: null,
    error: null
  });
  const { when, timezone, after_all: afterAll } = request;
  const after = request.after.join(',');
  React.useEffect(() => {
    let live = true;
    if (!when && !after) {
      setState({ preview: null, error: null });
      return;
    }
    const timer = window.setTimeout(() => {
      model.client
        .previewSchedule({
          when,
          timezone,
          after: after ? after.split(',') : [],
          after_all: afterAll
        })
        .then(
          preview => live && setState({ preview, error: null }),
          reason =>
            live && setState({ preview: null, error: toApiError(reason) })
        );
    }, DELAY_MS);
    return () => {
      live = false;
      window.clearTimeout(timer);
    };
  }, [model, when, timezone, after, afterAll]);
  return state;
}

/** The schedule in words, and the next five times. */
export function NextTimes(props: ISchedulePreviewState): JSX.Element {
  const { trans } = useEtl();
  const now = useNow();
  const { preview, error } = props;
  return (
    <div
      className="jp-EtlNext"
      role="status"
      aria-label={trans.__('What this means')}
    >
      {preview ? (
        <>
          <p className="jp-EtlNext-words">{preview.words}</p>
          {preview.next.length ? (
            <ol className="jp-EtlNext-times">
              {preview.next.map(time => (
                <li key={time.utc} title={time.utc}>
                  <span>{spellLocal(time.local)}</span>
                  <span className="jp-EtlNext-in">
                    {trans.__(
                      'in %1',
                      formatDuration(
                        Math.max(0, (Date.parse(time.utc) - now) / 1000)
                      )
                    )}
                  </span>
                </li>
              ))}
            </ol>
          ) : null}
          {preview.cron ? (
            <p className="jp-EtlNext-cron">
              <code>{preview.cron}</code>
            </p>
          ) : null}
          {preview.note ? (
            <p className="jp-EtlNext-note">{preview.note}</p>
          ) : null}
        </>
      ) : (
        <p className="jp-EtlNext-note">
          {error
            ? trans.__('Not a schedule yet.')
            : trans.__('The next times appear here.')}
        </p>
      )}
    </div>
  );
}

/** "2026-02-09T06:00:00+01:00" -> "Mon, 9 Feb 2026, 06:00 UTC+01:00": the local time there. */
export function spellLocal(local: string): string {
  const found =
    /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d:\d\d)\S*?([+-]\d\d:\d\d|Z)?$/.exec(local);
  if (!found) {
    return local;
  }
  const [, year, month, day, time, offset] = found;
  const date = new Date(Number(year), Number(month) - 1, Number(day));
  const words = date.toLocaleDateString(undefined, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric'
  });
  if (!offset) {
    return `${words}, ${time}`;
  }
  return `${words}, ${time} UTC${/^(Z|[+-]00:00)$/.test(offset) ? '' : offset}`;
}
