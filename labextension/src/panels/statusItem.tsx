import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { EtlProvider, StatusView, type IEtlContext } from '../components';

/** The item in the status bar. */
export class StatusItem extends ReactWidget {
  constructor(options: { context: IEtlContext; onOpen: () => void }) {
    super();
    this._context = options.context;
    this._onOpen = options.onOpen;
    this.addClass('jp-EtlStatusItem-host');
  }

  protected override render(): JSX.Element {
    return (
      <EtlProvider value={this._context}>
        <StatusView onOpen={this._onOpen} />
      </EtlProvider>
    );
  }

  private _context: IEtlContext;
  private _onOpen: () => void;
}
