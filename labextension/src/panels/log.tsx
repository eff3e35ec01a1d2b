import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  ErrorNotice,
  EtlProvider,
  useEtl,
  useFetched,
  type IEtlContext
} from '../components';

/** The log of a run, whole. */
export class LogBody extends ReactWidget {
  constructor(options: { context: IEtlContext; run: number }) {
    super();
    this._context = options.context;
    this._run = options.run;
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

function LogView(props: { run: number }): JSX.Element {
  const { model, trans } = useEtl();
  const [turn, again] = React.useReducer((count: number) => count + 1, 0);
  const { value, error, retry } = useFetched(
    () => model.client.runLog(props.run),
    [model, props.run, turn]
  );
  React.useEffect(() => {
    const onRun = (_: unknown, event: { run: number }) => {
      if (event.run === props.run) {
        again();
      }
    };
    model.runChanged.connect(onRun);
    return () => {
      model.runChanged.disconnect(onRun);
    };
  }, [model, props.run]);
  if (error) {
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  return (
    <pre tabIndex={0} aria-label={trans.__('Log of run %1', props.run)}>
      {value === '' ? trans.__('The log is empty.') : value}
    </pre>
  );
}
