import { IFrame } from '@jupyterlab/ui-components';

/** A published report, in a frame that can run its own scripts and nothing else. */
export class ReportFrame extends IFrame {
  /**
   * @param options.html - Fetches the report's HTML.
   * @param options.title - Of the report, for screen readers.
   * @param options.failed - Makes the sentence that is shown in place of the report.
   */
  constructor(options: {
    html: () => Promise<string>;
    title: string;
    failed: (reason: unknown) => string;
  }) {
    // With scripts and without its own origin it reaches neither this page nor the server.
    super({ sandbox: ['allow-scripts'], referrerPolicy: 'no-referrer' });
    this.addClass('jp-EtlReport');
    this._frame = this.node.querySelector('iframe');
    this._frame?.setAttribute('title', options.title);
    this._options = options;
    void this.load();
  }

  /** Fetch the report again. */
  async load(): Promise<void> {
    const { html, failed } = this._options;
    let text: string;
    try {
      text = await html();
    } catch (reason) {
      const paragraph = document.createElement('p');
      paragraph.textContent = failed(reason);
      text = paragraph.outerHTML;
    }
    if (this._frame && !this.isDisposed) {
      this._frame.srcdoc = text;
    }
  }

  private _frame: HTMLIFrameElement | null;
  private _options: {
    html: () => Promise<string>;
    failed: (reason: unknown) => string;
  };
}
