import * as React from 'react';

import type { IDeployRequest, ISchedulePreview } from '../../api';
import { formatDuration } from '../../model';
import { useEtl } from '../shared/context';
import { useNow } from '../shared/clock';
import { useTyped, type ITyped } from '../shared/useFetched';

/** Ask the server what a schedule means. */
export function useSchedulePreview(
  request: IDeployRequest
): ITyped<ISchedulePreview> {
  const { model } = useEtl();
  const { when = '', timezone, after = [], after_all = false } = request;
  return useTyped(
    when || after.length ? { when, timezone, after, after_all } : null,
    body => model.client.previewSchedule(body)
  );
}

/** The schedule in words, and the next five times. */
export function NextTimes(props: ITyped<ISchedulePreview>): JSX.Element {
  const { trans } = useEtl();
  const now = useNow();
  const { value: preview, error } = props;
  return (
    <div
      className="jp-EtlNext"
      role="status"
      aria-label={trans.__('Schedule preview')}
    >
      {preview ? (
        <>
          <p className="jp-EtlNext-words">{preview.words}</p>
          {preview.next.length ? (
            <ol className="jp-EtlNext-times">
              {preview.next.map(time => (
                <li key={time.utc} title={time.utc}>
                  <span>{formatLocal(time.local)}</span>
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
            ? trans.__('Not a valid schedule.')
            : trans.__('The next runs are shown here.')}
        </p>
      )}
    </div>
  );
}

/** "2026-02-09T06:00:00+01:00" -> "Mon, 9 Feb 2026, 06:00 UTC+01:00": the local time there. */
export function formatLocal(local: string): string {
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
