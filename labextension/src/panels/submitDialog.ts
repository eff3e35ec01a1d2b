import { Dialog } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';

/** A dialog with a form; it stays open until the server agrees. */
export abstract class SubmitDialog<T> extends Dialog<T> {
  /**
   * @param options.title - Its title and accessible name.
   * @param options.body - The form.
   * @param options.buttons - The first one closes it, the second one submits.
   * @param options.focusNodeSelector - What has the focus at first, if it is there then.
   */
  constructor(options: {
    title: string;
    body: Dialog.IBodyWidget<T>;
    buttons: readonly Dialog.IButton[];
    focusNodeSelector?: string;
  }) {
    super({ ...options, defaultButton: 1 });
    this.addClass('jp-EtlDialog');
    this.node.setAttribute('aria-label', options.title);
  }

  override handleEvent(event: Event): void {
    super.handleEvent(event);
    if (event.type === 'input') {
      this.enable(this._valid);
    }
  }

  override resolve(index?: number): void {
    if (index === 0) {
      super.resolve(0);
    } else if (this._valid) {
      void this._submit();
    }
  }

  /** Ask the server; false if it refuses, which the form then shows. */
  protected abstract submit(): Promise<boolean>;

  /** Say whether what is in the form can be submitted. */
  protected enable(valid: boolean): void {
    this._valid = valid;
    const button = this.acceptButton;
    if (button) {
      button.disabled = !valid;
    }
  }

  protected get acceptButton(): HTMLButtonElement | null {
    return this.node.querySelector('button.jp-mod-accept');
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    // Until the form is there: Escape closes only what has the focus.
    this.node
      .querySelector<HTMLButtonElement>(
        this._valid ? 'button.jp-mod-accept' : 'button.jp-mod-reject'
      )
      ?.focus();
  }

  private async _submit(): Promise<void> {
    this.enable(false);
    if (await this.submit()) {
      super.resolve(1);
    } else {
      this.enable(true);
    }
  }

  private _valid = true;
}
