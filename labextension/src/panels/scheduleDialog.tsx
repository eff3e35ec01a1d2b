import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  toApiError,
  type ApiError,
  type IDeployment,
  type IDeployRequest
} from '../api';
import {
  ErrorNotice,
  hasErrors,
  EtlProvider,
  NowProvider,
  ScheduleFormView,
  useEtl,
  useFetched,
  type IEtlContext
} from '../components';
import { SubmitDialog } from './submitDialog';

/** The dialog that schedules one notebook; it stays open until the server agrees. */
export class ScheduleDialog extends SubmitDialog<IDeployment | null> {
  /**
   * @param options.context - The model and what surrounds it.
   * @param options.path - Contents path of the saved notebook.
   */
  constructor(options: { context: IEtlContext; path: string }) {
    const { trans } = options.context;
    const body = new ScheduleBody(options);
    super({
      title: trans.__('Schedule %1', options.path.split('/').pop()),
      body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({
          label: trans.__('Deploy'),
          caption: trans.__('Deploy the saved notebook with this schedule')
        })
      ]
    });
    this._scheduleBody = body;
    this._context = options.context;
    body.onValidity = valid => this.enable(valid);
    body.onErrors = found => this._label(found);
    this.enable(false);
  }

  override handleEvent(event: Event): void {
    // Enter in a field or on a button of the form is not meant to deploy.
    if (
      event.type === 'keydown' &&
      (event as KeyboardEvent).key === 'Enter' &&
      this._scheduleBody.node.contains(event.target as Node)
    ) {
      return;
    }
    super.handleEvent(event);
  }

  protected override submit(): Promise<boolean> {
    return this._scheduleBody.deploy();
  }

  /** Say on the button that what preflight found is overruled. */
  private _label(anyway: boolean): void {
    const { trans } = this._context;
    const label = this.acceptButton?.querySelector('.jp-Dialog-buttonLabel');
    if (label) {
      label.textContent = anyway
        ? trans.__('Deploy anyway')
        : trans.__('Deploy');
    }
  }

  private _scheduleBody: ScheduleBody;
  private _context: IEtlContext;
}

class ScheduleBody
  extends ReactWidget
  implements Dialog.IBodyWidget<IDeployment | null>
{
  constructor(options: { context: IEtlContext; path: string }) {
    super();
    this._context = options.context;
    this._path = options.path;
    this.addClass('jp-EtlDialog-body');
  }

  /** Told whether what is in the form can be deployed. */
  onValidity: (valid: boolean) => void = () => undefined;

  /** Told whether preflight found what would fail in a run. */
  onErrors: (found: boolean) => void = () => undefined;

  getValue(): IDeployment | null {
    return this._deployment;
  }

  /** Deploy what is in the form; false if the server refuses, which is then shown. */
  async deploy(): Promise<boolean> {
    if (this._request === null) {
      return false;
    }
    try {
      this._deployment = await this._context.model.deploy({
        ...this._request,
        anyway: this._errors
      });
      return true;
    } catch (reason) {
      this._error = toApiError(reason);
      // The notebook may have been saved since: preflight is asked again.
      this._attempts += 1;
      this.update();
      return false;
    }
  }

  protected override render(): JSX.Element {
    return (
      <EtlProvider value={this._context}>
        <NowProvider>
          <Body
            path={this._path}
            error={this._error}
            attempts={this._attempts}
            onErrors={found => {
              this._errors = found;
              this.onErrors(found);
            }}
            onChange={request => {
              this._request = request;
              if (this._error) {
                this._error = null;
                this.update();
              }
              this.onValidity(request !== null);
            }}
          />
        </NowProvider>
      </EtlProvider>
    );
  }

  private _context: IEtlContext;
  private _path: string;
  private _request: IDeployRequest | null = null;
  private _deployment: IDeployment | null = null;
  private _error: ApiError | null = null;
  private _errors = false;
  private _attempts = 0;
}

function Body(props: {
  path: string;
  error: ApiError | null;
  /** How often deploying was refused. */
  attempts: number;
  onErrors: (found: boolean) => void;
  onChange: (request: IDeployRequest | null) => void;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { value, error, retry } = useFetched(
    () => model.client.notebook(props.path),
    [model, props.path, props.attempts]
  );
  const errors = value !== null && hasErrors(value.findings);
  React.useEffect(() => props.onErrors(errors), [errors]);
  if (error) {
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  return value ? (
    <div ref={focusFirstField}>
      <ScheduleFormView {...props} info={value} />
    </div>
  ) : (
    <div className="jp-EtlWaiting" role="status">
      {trans.__('Reading the notebook …')}
    </div>
  );
}

/** Put the focus into the form when it appears. */
function focusFirstField(form: HTMLElement | null): void {
  form
    ?.querySelector<HTMLElement>('input:checked, select, input')
    ?.focus({ preventScroll: true });
}
