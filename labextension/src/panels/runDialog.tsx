import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  toApiError,
  type ApiError,
  type IRunView,
  type ITriggerRequest
} from '../api';
import {
  ErrorNotice,
  EtlProvider,
  RunFormView,
  useEtl,
  useFetched,
  type IEtlContext
} from '../components';
import { SubmitDialog } from './submitDialog';

/** The fields of the parameters. */
const VALUES = '.jp-EtlParameters input, .jp-EtlParameters select';

/** The dialog that runs a pipeline now; Enter runs it as it is deployed. */
export class RunDialog extends SubmitDialog<IRunView | null> {
  /**
   * @param options.context - The model and what surrounds it.
   * @param options.pipeline - Name of the pipeline.
   */
  constructor(options: { context: IEtlContext; pipeline: string }) {
    const { trans } = options.context;
    const body = new RunBody(options);
    super({
      title: trans.__('Run %1', options.pipeline),
      body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({
          label: trans.__('Run'),
          caption: trans.__('Start one run of the deployed version')
        })
      ],
      focusNodeSelector: VALUES
    });
    this._form = body;
    this.addClass('jp-EtlRunDialog');
  }

  protected override submit(): Promise<boolean> {
    return this._form.submit();
  }

  private _form: RunBody;
}

class RunBody
  extends ReactWidget
  implements Dialog.IBodyWidget<IRunView | null>
{
  constructor(options: { context: IEtlContext; pipeline: string }) {
    super();
    this._context = options.context;
    this._pipeline = options.pipeline;
    this.addClass('jp-EtlDialog-body');
  }

  getValue(): IRunView | null {
    return this._run;
  }

  async submit(): Promise<boolean> {
    try {
      this._run = await this._context.model.trigger(
        this._pipeline,
        this._request
      );
      return true;
    } catch (reason) {
      this._say(toApiError(reason));
      return false;
    }
  }

  protected override render(): JSX.Element {
    return (
      <EtlProvider value={this._context}>
        <Body
          pipeline={this._pipeline}
          error={this._error}
          onChange={request => {
            this._request = request;
            this._say(null);
          }}
        />
      </EtlProvider>
    );
  }

  private _say(error: ApiError | null): void {
    if (error !== this._error) {
      this._error = error;
      this.update();
    }
  }

  private _context: IEtlContext;
  private _pipeline: string;
  /** Until the form is there: as it is deployed. */
  private _request: ITriggerRequest = { parameters: {}, draft: false };
  private _run: IRunView | null = null;
  private _error: ApiError | null = null;
}

function Body(props: {
  pipeline: string;
  error: ApiError | null;
  onChange: (request: ITriggerRequest) => void;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { value, error, retry } = useFetched(
    () => model.client.parameters(props.pipeline),
    [model, props.pipeline]
  );
  if (value) {
    return (
      <div ref={focusFirstValue}>
        <RunFormView {...props} info={value} />
      </div>
    );
  }
  const shown = error ?? props.error;
  return shown ? (
    <ErrorNotice error={shown} onRetry={retry} />
  ) : (
    <div className="jp-EtlWaiting" role="status">
      {trans.__('Loading …')}
    </div>
  );
}

/** Put the focus on the first parameter when the form appears. */
function focusFirstValue(form: HTMLElement | null): void {
  form?.querySelector<HTMLElement>(VALUES)?.focus({ preventScroll: true });
}
