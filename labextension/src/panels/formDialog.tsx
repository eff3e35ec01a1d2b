import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { toApiError, type ApiError } from '../api';
import { EtlProvider, NowProvider, type IEtlContext } from '../components';

/** What a form gets from its dialog. */
export interface IFormProps<Q> {
  /** The error of the last submission; null once a field has changed. */
  error: ApiError | null;
  /** How many submissions have failed. */
  failures: number;
  /** Called with the request that the fields make; null while a field is wrong. */
  onChange: (request: Q | null) => void;
  /** Set the label of the button that submits. */
  onLabel: (label: string) => void;
}

/** A form, and the request that it sends. */
export interface IFormOptions<Q, R> {
  context: IEtlContext;
  title: string;
  /** Label and tooltip of the button that submits. */
  label: string;
  caption: string;
  Form: React.ComponentType<IFormProps<Q>>;
  /** The request before a field has changed; null where the form has to make one. */
  initial: Q | null;
  submit: (request: Q) => Promise<R>;
  /** Selector of the node that has the focus at first. */
  focus: string;
  /** Whether Enter in a field submits. */
  submitOnEnter: boolean;
}

/** A dialog with a form; it stays open until the server has accepted the request. */
export class FormDialog<Q, R> extends Dialog<R | null> {
  constructor(options: IFormOptions<Q, R>) {
    const { trans } = options.context;
    const body = new FormBody(options);
    super({
      title: options.title,
      body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: options.label, caption: options.caption })
      ],
      defaultButton: 1,
      focusNodeSelector: options.focus
    });
    this._formBody = body;
    this._submitOnEnter = options.submitOnEnter;
    this.addClass('jp-EtlDialog');
    this.node.setAttribute('aria-label', options.title);
    body.onValidity = valid => this._enable(valid);
    body.onLabel = label => this._setLabel(label);
    this._enable(options.initial !== null);
  }

  override handleEvent(event: Event): void {
    if (
      !this._submitOnEnter &&
      event.type === 'keydown' &&
      (event as KeyboardEvent).key === 'Enter' &&
      this._formBody.node.contains(event.target as Node)
    ) {
      return;
    }
    if (event.type === 'focus') {
      const node = event.target as HTMLElement;
      if (this.node.contains(node)) {
        this._focused = node;
      } else if (this._focused?.isConnected) {
        // Where the focus was, not at the default button as the base class does.
        event.stopPropagation();
        this._focused.focus();
        // A button that is disabled while the form is sent does not take it.
        if (this.node.contains(document.activeElement)) {
          return;
        }
      }
    }
    super.handleEvent(event);
    if (event.type === 'input') {
      // The base class has just validated the inputs by their own rules.
      this._enable(this._valid);
    }
  }

  override resolve(index?: number): void {
    if (index === 0) {
      super.resolve(0);
    } else if (this._valid) {
      void this._submit();
    }
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    // Until the form is rendered: Escape closes only a dialog that has the focus.
    this.node
      .querySelector<HTMLButtonElement>(
        this._valid ? 'button.jp-mod-accept' : 'button.jp-mod-reject'
      )
      ?.focus();
  }

  private async _submit(): Promise<void> {
    this._enable(false);
    if (await this._formBody.submit()) {
      super.resolve(1);
    } else {
      this._enable(true);
    }
  }

  private _enable(valid: boolean): void {
    this._valid = valid;
    const button = this.node.querySelector<HTMLButtonElement>(
      'button.jp-mod-accept'
    );
    if (button) {
      button.disabled = !valid;
    }
  }

  private _setLabel(label: string): void {
    const node = this.node.querySelector(
      'button.jp-mod-accept .jp-Dialog-buttonLabel'
    );
    if (node) {
      node.textContent = label;
    }
  }

  private _formBody: FormBody<Q, R>;
  private _submitOnEnter: boolean;
  private _focused: HTMLElement | null = null;
  private _valid = true;
}

class FormBody<Q, R>
  extends ReactWidget
  implements Dialog.IBodyWidget<R | null>
{
  constructor(options: IFormOptions<Q, R>) {
    super();
    this._options = options;
    this._request = options.initial;
    this.addClass('jp-EtlDialog-body');
  }

  onValidity: (valid: boolean) => void = () => undefined;

  onLabel: (label: string) => void = () => undefined;

  getValue(): R | null {
    return this._result;
  }

  /** Send the request; false if the server refuses it, which the form then shows. */
  async submit(): Promise<boolean> {
    if (this._request === null) {
      return false;
    }
    try {
      this._result = await this._options.submit(this._request);
      return true;
    } catch (reason) {
      this._failures += 1;
      this._setError(toApiError(reason));
      return false;
    }
  }

  protected override render(): JSX.Element {
    const { context, Form } = this._options;
    return (
      <EtlProvider value={context}>
        <NowProvider>
          <div onChange={() => this._setError(null)}>
            <Form
              error={this._error}
              failures={this._failures}
              onChange={request => {
                this._request = request;
                this.onValidity(request !== null);
              }}
              onLabel={label => this.onLabel(label)}
            />
          </div>
        </NowProvider>
      </EtlProvider>
    );
  }

  private _setError(error: ApiError | null): void {
    if (error !== this._error) {
      this._error = error;
      this.update();
    }
  }

  private _options: IFormOptions<Q, R>;
  private _request: Q | null;
  private _result: R | null = null;
  private _error: ApiError | null = null;
  private _failures = 0;
}

/** A ref that puts the focus on the first match when a form is rendered. */
export function focusFirst(
  selector: string
): (form: HTMLElement | null) => void {
  return form =>
    form?.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
}
