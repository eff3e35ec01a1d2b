import * as React from 'react';

import { formatAge, formatDuration, formatInstant } from '../../model';
import { useEtl } from './context';

const NowContext = React.createContext<number>(Date.now());

/** One clock for all relative times, so that rows are not rendered again. */
export function NowProvider(props: {
  /** Milliseconds between two ticks. */
  everyMs?: number;
  children: React.ReactNode;
}): JSX.Element {
  const [now, setNow] = React.useState(() => Date.now());
  const everyMs = props.everyMs ?? 1000;
  React.useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) {
        setNow(Date.now());
      }
    }, everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return (
    <NowContext.Provider value={now}>{props.children}</NowContext.Provider>
  );
}

/** The present instant in milliseconds. */
export function useNow(): number {
  return React.useContext(NowContext);
}

/** "3m ago", with the instant as its title. */
export function Ago(props: { at: string }): JSX.Element {
  const { trans } = useEtl();
  const seconds = (useNow() - Date.parse(props.at)) / 1000;
  return (
    <time
      className="jp-Etl-time"
      dateTime={props.at}
      title={formatInstant(props.at)}
    >
      {seconds < 5
        ? trans.__('just now')
        : trans.__('%1 ago', formatAge(seconds))}
    </time>
  );
}

/** "in 3h 12m", with the instant as its title. */
export function Countdown(props: { at: string }): JSX.Element {
  const { trans } = useEtl();
  const seconds = (Date.parse(props.at) - useNow()) / 1000;
  return (
    <time
      className="jp-Etl-time"
      dateTime={props.at}
      title={formatInstant(props.at)}
    >
      {seconds <= 0
        ? trans.__('due now')
        : trans.__('in %1', formatDuration(Math.ceil(seconds)))}
    </time>
  );
}

/** The time since an instant. */
export function Elapsed(props: { since: string }): JSX.Element {
  const seconds = Math.max(0, (useNow() - Date.parse(props.since)) / 1000);
  return (
    <span className="jp-Etl-time">{formatDuration(Math.round(seconds))}</span>
  );
}
