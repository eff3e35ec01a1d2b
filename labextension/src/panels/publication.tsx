import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  EtlProvider,
  NowProvider,
  PublicationPage,
  type IEtlContext
} from '../components';

/** The page of a publication, in the main area. */
export class PublicationBody extends ReactWidget {
  constructor(options: { context: IEtlContext; name: string }) {
    super();
    this._context = options.context;
    this._name = options.name;
    this.addClass('jp-EtlPreview');
    this.addClass('jp-EtlPage');
  }

  protected override render(): JSX.Element {
    return (
      <EtlProvider value={this._context}>
        <NowProvider>
          <PublicationPage name={this._name} />
        </NowProvider>
      </EtlProvider>
    );
  }

  private _context: IEtlContext;
  private _name: string;
}
