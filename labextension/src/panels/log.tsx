import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  ErrorNotice,
  EtlProvider,
  useEtl,
  useFetched,
  type IEtlContext
} from '../components';
import { Action } from '../components/shared/action';
import { runLabel, runShape, Status } from '../components/shared/status';
import { isTerminal } from '../model';

/** Between two polls of the log of an active run, whose output sends no events. */
const LIVE_MS = 2000;

/** Pixels from the end within which a reader counts as being at it. */
const AT_END_PX = 24;

/** The log of a run. */
export class LogBody extends ReactWidget {
  constructor(options: { context: IEtlContext; run: number }) {
    super();
    this._context = options.context;
    this._run = options.run;
    this.addClass('jp-EtlPreview');
    this.addClass('jp-EtlLogPage');
  }

  protected override render(): JSX.Element {
    return (
      <EtlProvider value={this._context}>
        <LogView run={this._run} />
      </EtlProvider>
    );
  }

  private _context: IEtlContext;
  private _run: number;
}

/** The log of a run, updated while the run is active. */
export function LogView(props: { run: number }): JSX.Element {
  const { model, opener, trans } = useEtl();
  const id = props.run;
  const { value, error, retry } = useFetched(async () => {
    // The state first: if the run has ended by then, the log is complete.
    const run = await model.client.run(id);
    return { run, text: await model.client.runLog(id) };
  }, [model, id]);
  React.useEffect(() => {
    const onRun = (_: unknown, event: { run: number }) => {
      if (event.run === id) {
        retry();
      }
    };
    model.runChanged.connect(onRun);
    return () => {
      model.runChanged.disconnect(onRun);
    };
  }, [model, id, retry]);
  const live = value !== null && !isTerminal(value.run.state);
  React.useEffect(() => {
    if (!live) {
      return;
    }
    const timer = window.setInterval(() => {
      if (!document.hidden) {
        retry();
      }
    }, LIVE_MS);
    return () => window.clearInterval(timer);
  }, [live, retry]);
  const line = value?.run.lines.log ?? '';
  return (
    <>
      <div className="jp-EtlPreview-head">
        {value ? (
          <>
            <Status
              shape={runShape(value.run.state)}
              label={runLabel(value.run, trans)}
            />
            <h2>{`${value.run.pipeline} #${id}`}</h2>
            <span>{runLabel(value.run, trans)}</span>
          </>
        ) : (
          <h2>{trans.__('Run %1', id)}</h2>
        )}
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
        <Action label={trans.__('Refresh')} text onClick={retry} />
      </div>
      {error ? <ErrorNotice error={error} onRetry={retry} /> : null}
      {value ? (
        <LogText
          text={value.text}
          label={trans.__('Log of run %1', id)}
          fromEnd={value.run.state !== 'succeeded'}
        />
      ) : error ? null : (
        <div className="jp-EtlWaiting" role="status">
          {trans.__('Loading…')}
        </div>
      )}
    </>
  );
}

/** A text that stays scrolled to its end as it grows, unless the reader has scrolled away. */
function LogText(props: {
  text: string;
  label: string;
  /** Whether to show the end at first. */
  fromEnd: boolean;
}): JSX.Element {
  const node = React.useRef<HTMLPreElement>(null);
  const atEnd = React.useRef(props.fromEnd);
  React.useLayoutEffect(() => {
    const shown = node.current;
    if (shown && atEnd.current) {
      shown.scrollTop = shown.scrollHeight;
    }
  }, [props.text]);
  return (
    <pre
      ref={node}
      tabIndex={0}
      role="log"
      aria-label={props.label}
      onScroll={event => {
        const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
        atEnd.current = scrollHeight - clientHeight - scrollTop < AT_END_PX;
      }}
    >
      {props.text}
    </pre>
  );
}
